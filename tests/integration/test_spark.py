# SPDX-License-Identifier: GPL-3.0-or-later
"""The readers of the original pipeline go on working: PySpark reads our folder as it reads Spark's own,
Spark ML fits the same line as our model, and Structured Streaming with the original schema reads our
topic."""
import datetime
import io
import json
import os
import pathlib

import pandas
import pytest

from support import numbered_ticks as ticks, wait_until
from support.hdfs import HdfsClient
from support.ticks import FIELDS, original_tick, row_values, values
from test_joins import Watch

ROOT = pathlib.Path(__file__).resolve().parents[2]
JARS = ROOT / "build" / "jars" / "spark"
TICKS = 5000
FEATURES = ["buy_price", "volume", "volatility"]
TARGET = "sell_price"
FOLDER = "data/bitcoin_data"

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("spark")]  # they share a session


@pytest.fixture(scope="module")
def spark(run_folder):
    from pyspark.sql import SparkSession
    jars = sorted(JARS.glob("*.jar"))
    assert jars, f"no jars in {JARS}: deploy/local/jars.sh spark fetches them"
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["HADOOP_USER_NAME"] = "bitcoin"
    session = (SparkSession.builder.appName("tickline").master("local[2]")
               .config("spark.jars", ",".join(map(str, jars)))
               .config("spark.driver.bindAddress", "127.0.0.1")
               .config("spark.driver.host", "127.0.0.1")
               .config("spark.driver.memory", "1g")
               .config("spark.local.dir", str(run_folder / "spark"))
               .config("spark.sql.warehouse.dir", str(run_folder / "spark-warehouse"))
               .config("spark.sql.session.timeZone", "UTC")
               .config("spark.sql.shuffle.partitions", "2")
               .config("spark.hadoop.dfs.replication", "1")
               .config("spark.ui.enabled", "false").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def pipeline(service, kafka, hdfs, names):
    """TICKS simulated ticks in the topic and, through ingest, on HDFS: the topic's messages."""
    gateway = service("gateway", topic_partitions=2)
    ingest = service("ingest", topic_partitions=2, rotate_rows=1000)
    made = gateway.post("/v1/sources", {"type": "simulator", "count": TICKS, "seed": 7,
                                        "rate_per_s": 20000})
    assert made.status_code == 201, made.text
    wait_until(lambda: gateway.get(made.headers["Location"]).json()["acknowledged"] == TICKS,
               "every simulated tick is acknowledged")
    messages = kafka.read_all(names.ticks_topic)
    assert len(messages) == TICKS

    def published():
        assert ingest.post("/v1/flush").status_code == 200
        return len(hdfs.rows_by_offset(names.hdfs_root, "ticks")) == TICKS
    wait_until(published, "every tick is published")
    return messages


def read_folder(spark, stack, names):
    """As the original training script reads it: no schema, columns by position, cast to double."""
    from pyspark.sql.functions import col
    frame = spark.read.csv(f"{stack.addresses['namenode_rpc']}{names.hdfs_root}/{FOLDER}")
    assert frame.columns == [f"_c{i}" for i in range(len(FIELDS))]
    for i, name in enumerate(FIELDS):
        frame = frame.withColumnRenamed(f"_c{i}", name)
    for name in FIELDS[1:]:
        frame = frame.withColumn(name, col(name).cast("double"))
    return frame


def train_ours(model):
    """A model of the original's three features on every row, nothing held out: its coefficients."""
    name = "spark-ml"
    made = model.post("/v1/models", {"name": name, "records": "ticks", "target": TARGET,
                                     "features": FEATURES, "split": {"kind": "seeded", "train": 1}})
    assert made.status_code == 201, made.text
    asked = model.post(f"/v1/models/{name}/train")
    assert asked.status_code == 202, asked.text
    job = wait_until(lambda: (lambda found: found["ended"] and found)(
        model.get(asked.headers["Location"]).json()), "the training ends", 60)
    assert job["state"] == "done", job
    report = model.get(f"/v1/models/{name}/versions/{job['version']}").json()
    return {c["name"]: c["value"] for c in report["coefficients"]}


@pytest.mark.timeout(300)
def test_spark_reads_our_folder(spark, stack, names, pipeline):
    from pyspark.sql.functions import col, to_timestamp
    frame = read_folder(spark, stack, names)
    assert frame.count() == TICKS
    for name in FIELDS[1:]:
        assert frame.filter(col(name).isNull()).count() == 0, name
    assert frame.filter(to_timestamp("timestamp").isNull()).count() == 0
    ours = sorted(values(json.loads(message.value)) for message in pipeline)
    assert sorted(values(row.asDict()) for row in frame.collect()) == ours


@pytest.mark.timeout(300)
def test_spark_reads_packed_files_and_json(spark, stack, service, kafka, names):
    """The last batch has no good record: its file is an empty one, also where that is packed."""
    made = [original_tick() for _ in range(50)]
    kafka.create_topic(names.ticks_topic)
    kafka.produce(names.ticks_topic, [json.dumps(tick) for tick in made])
    root = f"{stack.addresses['namenode_rpc']}{names.hdfs_root}"
    for i, name in enumerate(("csv.gz", "jsonl.gz")):
        ingest = service("ingest", format=name, hdfs_root=f"{names.hdfs_root}/{i}", rotate_rows=20,
                         group=f"{names.group}-{i}")
        if i == 0:
            kafka.produce(names.ticks_topic, ["no record"])

        def published():
            assert ingest.post("/v1/flush").status_code == 200
            return ingest.metric("ingest_published_dead_letters_total", dataset="ticks") == 1
        wait_until(published, "all is published")
        ingest.stop()
    ours = sorted(map(values, made))
    read = spark.read.csv(f"{root}/0/{FOLDER}")
    assert sorted(row_values(",".join(row)) for row in read.collect()) == ours
    read = spark.read.json(f"{root}/1/{FOLDER}")
    assert sorted(values(row.asDict()) for row in read.collect()) == ours


class Reads:
    """What is read of a folder at a time, in the order of the rows' numbers; reads that lost a file
    under their hands are counted, for they are repeated."""

    def __init__(self, read, expected):
        self.read, self.order = read, {line: i for i, line in enumerate(expected)}
        self.good = self.lost = 0

    def __call__(self):
        try:
            rows = self.read()
        except Exception as error:  # each library has its own
            if not any(sign in str(error) for sign in ("FileNotFound", "does not exist")):
                raise
            self.lost += 1
            return None
        self.good += 1
        return sorted(rows, key=self.order.__getitem__)


@pytest.mark.soak  # too long for each run
def test_spark_and_pandas_read_while_files_are_published_and_joined(
        spark, stack, service, kafka, hdfs, names):
    count, burst, each = 240, 80, 8
    lines = [ticks.line(i) for i in range(count)]
    kafka.create_topic(names.ticks_topic)
    folder = f"{names.hdfs_root}/{FOLDER}"

    def with_spark():
        read = spark.read.text(f"{stack.addresses['namenode_rpc']}{folder}")
        return [row.value for row in read.collect()]

    def with_pandas():
        parts = [pandas.read_csv(io.BytesIO(hdfs.read(f"{folder}/{name}")), header=None, dtype=str)
                 for name in hdfs.names(folder)]
        return [",".join(row) for part in parts for row in part.itertuples(index=False)]
    reads = [Reads(read, lines) for read in (with_spark, with_pandas)]
    ingest = service("ingest", rotate_rows=each, rotate_idle_ms=200, join_bytes=1_000_000,
                     join_files=3)
    watches = []
    for first in range(0, count, burst):
        good = [read.good for read in reads]
        for i in range(first, first + burst, each):
            kafka.produce(names.ticks_topic, [ticks.json_of(n) for n in range(i, i + each)])
            wait_until(lambda: any(r.last >= i for r in hdfs.published(names.hdfs_root, "ticks")),
                       "the next ones are published")
        watches = watches or [Watch(read, lines) for read in reads]
        wait_until(lambda: all(read.good > before for read, before in zip(reads, good)),
                   "each has read it once more", 60)
    wait_until(lambda: ingest.metric("ingest_joins_total", outcome="ok") > 3, "files are joined")
    for watch, read in zip(watches, reads):
        watch.stop()
        assert read() == lines
        print(f"{read.read.__name__}: {read.good} reads, {read.lost} lost a file and were repeated")


@pytest.mark.timeout(300)
def test_spark_reads_folders_of_dates(spark, stack, service, kafka, hdfs, names):
    """By its partition discovery; what stands beside the folders, only when it is told to."""
    from pyspark.sql.functions import col
    made = [ticks.fields(i) for i in (*range(30), *range(86400, 86420), 7)]
    kafka.create_topic(names.ticks_topic)
    kafka.produce(names.ticks_topic, [json.dumps(tick) for tick in made])
    ingest = service("ingest", split_by_date="day")
    assert ingest.post("/v1/flush", timeout=60).status_code == 200
    root = f"{stack.addresses['namenode_rpc']}{names.hdfs_root}/{FOLDER}"

    def rows(frame):
        return sorted(row_values(",".join(row[:len(FIELDS)])) for row in frame.collect())
    for _ in range(2):
        frame = spark.read.csv(root)
        assert frame.columns[len(FIELDS):] == ["dt"]
        assert rows(frame) == sorted(map(values, made))
        assert rows(frame.filter(col("dt") == "2025-07-02")) == sorted(map(values, made[30:50]))
        HdfsClient(hdfs.url, "bitcoin").write(
            f"{names.hdfs_root}/{FOLDER}/part-00007-{0:020}-{0:020}.csv",
            f"{ticks.line(99)}\n".encode(), overwrite=True)
    whole = spark.read.option("recursiveFileLookup", "true").csv(root)
    assert whole.columns == [f"_c{i}" for i in range(len(FIELDS))]
    assert rows(whole) == sorted(map(values, [*made, ticks.fields(99)]))


def test_spark_ml_and_our_model_fit_the_same_line(spark, stack, names, pipeline, service, tmp_path):
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression
    rows = VectorAssembler(inputCols=FEATURES, outputCol="features").transform(
        read_folder(spark, stack, names)).select("features", TARGET)
    fitted = LinearRegression(featuresCol="features", labelCol=TARGET).fit(rows)
    theirs = dict(zip(FEATURES, map(float, fitted.coefficients)))

    model = service("model", wait_ready=False, state_dir=tmp_path / "state", autotrain=False)
    wait_until(lambda: "event=listening" in model.log(), "the model service listens")
    ours = train_ours(model)
    for name in FEATURES:
        assert ours[name] == pytest.approx(theirs[name], rel=1e-6), name
    assert ours["(intercept)"] == pytest.approx(fitted.intercept, rel=1e-6)


def original_schema():
    from pyspark.sql.types import (DoubleType, IntegerType, StringType, StructField, StructType)
    types = {"timestamp": StringType(), "volume": IntegerType()}
    return StructType([StructField(name, types.get(name, DoubleType())) for name in FIELDS])


def test_structured_streaming_reads_our_topic(spark, stack, hdfs, names, pipeline):
    """The original consumer, told to stop when it has read what is there."""
    from pyspark.sql.functions import col, from_json
    output = f"{names.hdfs_root}/spark"
    address = stack.addresses["namenode_rpc"]
    frame = (spark.readStream.format("kafka")
             .option("kafka.bootstrap.servers", stack.addresses["kafka"])
             .option("subscribe", names.ticks_topic)
             .option("startingOffsets", "earliest").load()
             .selectExpr("CAST(value AS STRING) as json_data")
             .select(from_json(col("json_data"), original_schema()).alias("data"))
             .select("data.*"))
    query = (frame.writeStream.outputMode("append").format("csv")
             .option("path", f"{address}{output}")
             .option("checkpointLocation", f"{address}{output}_checkpoint")
             .trigger(availableNow=True).start())
    assert query.awaitTermination(300), "the stream did not end"
    theirs = [line for path in hdfs.walk(output) if path.endswith(".csv")
              for line in hdfs.read(path).decode().splitlines()]
    ours = hdfs.rows(names.hdfs_root, "ticks")
    assert len(theirs) == TICKS
    assert sorted(map(row_values, theirs)) == sorted(map(row_values, ours))
    newest = max(row_values(line)[0] for line in ours) / 1e6
    assert datetime.datetime.now().timestamp() - newest < 3600, "times are not read as UTC"
