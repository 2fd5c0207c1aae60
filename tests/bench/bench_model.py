#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model service on an HDFS of its own: a full training beside pandas, beside reading the bytes and
beside Spark ML, one after a new file, the merges of the factors of 1,000,000,000 rows, predictions beside
the bare HTTP answer and beside MLServer, and 10,000 predictions a second while a retrain and a promotion go
on. Exits 1 when a target was missed."""
import argparse
import datetime
import functools
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import numpy

from measure import ROOT, Load, head, in_turn, median, need_wrk, peak_mb, row, serving

sys.path[:0] = [str(ROOT / "deploy" / "local"), str(ROOT / "tests" / "integration")]

import model_peers  # noqa: E402  (needs the path above)
import spark_peers  # noqa: E402
from servers import ports  # noqa: E402
from servers.stack import Stack  # noqa: E402
from support.hdfs import HdfsClient  # noqa: E402

HERE = pathlib.Path(__file__).parent
FOLDER = "/bitcoin/data/bitcoin_data"
FEATURES = ["buy_price", "volume", "volatility"]  # of the original Spark script
FILES, NEW_ROWS, BLOCK = 4, 1000, 100_000
# Until the DataNode's JVM has compiled what it does here, it takes twice as long, whoever asks.
WARM_READS, WARM_WRITES, RETRAININGS = 8, 20, 5
MEMORY_LIMIT_MB, LIMIT_S = 128, 300
FOLLOWING_S = 0.3
STEADY_CONNECTIONS = 72  # each asks every 4 ms: post_predict_steady.lua
START = numpy.datetime64("2025-01-01T00:00:00.000000")


# --- the data ------------------------------------------------------------------------------------

def columns_of(rng, count):
    """What follows the time in each line, for ticks of the original's distribution."""
    buy, sell = rng.uniform(10000, 80000, (2, count)).round(2)
    volume, volatility = rng.integers(100, 8000, count), rng.uniform(0.5, 5, count).round(2)
    return [f",{b},{s},{v},{w},{(b - 20000) / 40000},{(s - 20000) / 40000},{(v - 1000) / 4000}\n"
            for b, s, v, w in zip(buy.tolist(), sell.tolist(), volume.tolist(), volatility.tolist())]


def lines(first, count, ends):
    """Ticks a second apart; only their times are new in each block."""
    for at in range(first, first + count, BLOCK):
        size = min(BLOCK, first + count - at)
        times = numpy.datetime_as_string(START + numpy.arange(at, at + size) * numpy.timedelta64(1, "s"))
        yield "".join(time + "Z" + end for time, end in zip(times.tolist(), ends)).encode()


def publish(hdfs, first, count, ends):
    name = f"part-00000-{first:020}-{first + count - 1:020}.csv"
    hdfs.write(f"{FOLDER}/{name}", b"".join(lines(first, count, ends)))


# --- the service ---------------------------------------------------------------------------------

class Model:
    def __init__(self, binary, stack, folder):
        port, management = ports.free(2)
        settings = {"KAFKA_BROKERS": stack.addresses["kafka"], "HTTP_PORT": port,
                    "MANAGEMENT_PORT": management, "HDFS_URLS": stack.addresses["namenode"],
                    "HDFS_USER": "bitcoin", "AUTOTRAIN": "false",
                    "STATE_DIR": folder / "model", "HTTP_THREADS": 128}
        environment = {f"MODEL_{name}": str(value) for name, value in settings.items()}
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "model.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([binary], env={**os.environ, **environment},
                                            stdout=log, stderr=log)
        limit = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > limit:
                sys.exit(self.log.read_text())
            time.sleep(0.1)

    def call(self, path, body=None):
        request = urllib.request.Request(self.url + path, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.load(answer)

    def answers(self):
        try:
            return bool(self.call("/v1/models"))
        except (urllib.error.URLError, ConnectionError):
            return False

    def create(self, name):
        self.call("/v1/models", {"name": name, "records": "ticks", "target": "sell_price",
                                 "features": FEATURES})

    def train(self, name):
        """Seconds that the job took, by its own times."""
        job = self.call(f"/v1/models/{name}/train", {})
        limit = time.monotonic() + LIMIT_S
        while job["state"] in ("queued", "running") and time.monotonic() < limit:
            time.sleep(0.02)
            job = self.call(f"/v1/jobs/{job['id']}")
        if job["state"] != "done":
            sys.exit(f"{job}\n{self.log.read_text()}")
        started, ended = (datetime.datetime.fromisoformat(job[at].replace("Z", "+00:00"))
                          for at in ("started", "ended"))
        return (ended - started).total_seconds()

    def settle(self, name):
        """Until what a training left to be brought to HDFS is there: its version, then its audit
        events and factors, which nobody is told of."""
        limit = time.monotonic() + LIMIT_S
        while time.monotonic() < limit and not all(
                version["on_hdfs"]
                for version in self.call(f"/v1/models/{name}/versions")["versions"]):
            time.sleep(0.02)
        time.sleep(FOLLOWING_S)

    def held_out_rmse(self, name):
        """Of the latest version."""
        newest = max(version["version"] for version in
                     self.call(f"/v1/models/{name}/versions")["versions"])
        return self.call(f"/v1/models/{name}/versions/{newest}")["held_out"]["rmse"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


# --- the peers -----------------------------------------------------------------------------------

PANDAS = """
import io, resource, sys, time, urllib.request
import numpy, pandas
begun = time.monotonic()
frames = [pandas.read_csv(io.BytesIO(urllib.request.urlopen(url).read()), header=None)
          for url in sys.argv[1:]]
frame = pandas.concat(frames)
x = numpy.column_stack([numpy.ones(len(frame)), frame[[1, 3, 4]].to_numpy()])
numpy.linalg.lstsq(x, frame[2].to_numpy(), rcond=None)
print(time.monotonic() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def urls_of(stack, hdfs):
    return [f"{stack.addresses['namenode']}/webhdfs/v1{FOLDER}/{name}?op=OPEN&user.name=bitcoin"
            for name in hdfs.names(FOLDER)]


def pandas_s(urls):
    said = subprocess.run([sys.executable, "-c", PANDAS, *urls], check=True, capture_output=True,
                          text=True).stdout
    return tuple(map(float, said.split()))


def bytes_s(urls):
    begun = time.monotonic()
    for url in urls:
        subprocess.run(["curl", "-sSfL", "-o", os.devnull, url], check=True)
    return time.monotonic() - begun


# --- what is measured ----------------------------------------------------------------------------

class Bench:
    """What the sections share."""

    def __init__(self, stack, folder, options):
        self.stack, self.folder, self.options = stack, folder, options
        self.hdfs = HdfsClient(stack.addresses["namenode"], stack.hdfs.superuser)
        self.data, self.rows = FOLDER, options.rows
        self.made = 0
        stack.hdfs.make_home("/bitcoin")
        ends, count = columns_of(numpy.random.default_rng(1), BLOCK), options.rows // FILES
        for i in range(FILES):
            publish(self.hdfs, i * count, count, ends)
        self.model = Model(options.bin / "model", stack, folder)

    def new_model(self):
        self.made += 1
        self.model.create(f"bench{self.made}")
        return f"bench{self.made}"

    @functools.cache
    def trained(self):
        """A model with two versions."""
        name = self.new_model()
        self.model.train(name)
        self.model.train(name)
        return name


def training(bench):
    """The seconds and the model of a full training, and whether the targets were met."""
    urls, model, made = urls_of(bench.stack, bench.hdfs), bench.model, []

    def ours():
        made.append(bench.new_model())
        return model.train(made[-1])
    full, beside, read = in_turn(bench.options.rounds, ours, lambda: pandas_s(urls),
                                 lambda: bytes_s(urls))
    head(f"training on {bench.rows:,} ticks on HDFS, medians of {bench.options.rounds} runs")
    spent = statistics.median(full)
    met = row("full training, s (peer: pandas)", spent, statistics.median(s for s, _ in beside),
              1 / 3, False, "{:,.2f}")
    met &= row("the same (peer: reading the bytes)", spent, statistics.median(read), 2, False,
               "{:,.2f}")
    row("peak resident, MB (peer: pandas)", peak_mb(model.process.pid),
        statistics.median(mb for _, mb in beside), 1, False)
    met &= row("peak resident, MB (peer: the limit)", peak_mb(model.process.pid), MEMORY_LIMIT_MB, 1, False)
    return met, made[-1], spent


def retraining(bench, name, full_s):
    ends, spent = columns_of(numpy.random.default_rng(2), NEW_ROWS), []
    for _ in range(WARM_WRITES + RETRAININGS * bench.options.rounds):
        publish(bench.hdfs, bench.rows, NEW_ROWS, ends)
        bench.rows += NEW_ROWS
        bench.model.settle(name)
        spent.append(bench.model.train(name))
    spent = spent[WARM_WRITES:]
    head(f"the same after one new file of {NEW_ROWS:,} ticks, median of {len(spent)}")
    return row("training, s (peer: the full one)", statistics.median(spent), full_s, 0.02, False,
               "{:,.3f}")


def merging(full_s, options):
    """1,000,000,000 rows: the merges of their factors measured, their reading by arithmetic."""
    said = subprocess.run([options.build / "merge_factors"], check=True, capture_output=True,
                          text=True).stdout
    files, rows, merged_ms, solved_ms = (float(number) for number in said.split())
    read_s = full_s * rows / options.rows
    head(f"{rows:,.0f} ticks in {files:,.0f} files (peer: reading them, projected from above)")
    row("merging their factors, s", merged_ms / 1e3, read_s, None, form="{:,.2f}")
    row("splitting and solving, s", solved_ms / 1e3, read_s, None, form="{:,.4f}")


def trainings(bench):
    met, name, full_s = training(bench)
    met &= retraining(bench, name, full_s)
    merging(full_s, bench.options)
    return met


def predicting(bench):
    url, options = f"{bench.model.url}/v1/models/{bench.trained()}/predict", bench.options
    with serving(options.build / "peer_gateway", 64) as peer:
        bare, ours = in_turn(options.rounds, lambda: Load(f"http://127.0.0.1:{peer}/h", 32, 3),
                             lambda: Load(url, 32, 3, HERE / "post_predict.lua"))
    head(f"predictions, 32 connections, medians of {options.rounds} runs of 3 s")
    met = row("per s (peer: the bare answer)", median(ours, "per_s"), median(bare, "per_s"), 0.75)
    row("p99, us", median(ours, "p99_s") * 1e6, median(bare, "p99_s") * 1e6, 1.3, False)
    return met


def disturbed(model, name, ending):
    """Full trainings of new models, and promotions of this one's versions, until `ending` is set."""
    counts = {"trainings": 0, "promotions": 0}

    def trainings():
        while not ending.is_set():
            model.create(f"beside{counts['trainings']}")
            model.train(f"beside{counts['trainings']}")
            counts["trainings"] += 1

    def promotions():
        while not ending.wait(0.5):
            model.call(f"/v1/models/{name}/versions/{counts['promotions'] % 2 + 1}/promote", {})
            counts["promotions"] += 1
    threads = [threading.Thread(target=run) for run in (trainings, promotions)]
    for thread in threads:
        thread.start()
    return threads, counts


def steadily(bench):
    model, name, options = bench.model, bench.trained(), bench.options
    url = f"{model.url}/v1/models/{name}/predict"
    alone = Load(url, STEADY_CONNECTIONS, options.seconds, HERE / "post_predict_steady.lua")
    ending = threading.Event()
    threads, counts = disturbed(model, name, ending)
    load = Load(url, STEADY_CONNECTIONS, options.seconds, HERE / "post_predict_steady.lua")
    ending.set()
    for thread in threads:
        thread.join()
    head(f"a steady load for {options.seconds} s, not one request failed; beside it "
         f"{counts['trainings']} full trainings and {counts['promotions']} promotions")
    met = row("predictions per s (peer: the target)", load.per_s, 10_000, 1)
    row("p50, ms (peer: undisturbed)", load.p50_s * 1e3, alone.p50_s * 1e3, 100, False, "{:,.2f}")
    row("p99, ms (peer: undisturbed)", load.p99_s * 1e3, alone.p99_s * 1e3, 100, False, "{:,.2f}")
    return met and counts["trainings"] > 0 and counts["promotions"] > 0


SECTIONS = {"training": trainings, "predictions": predicting, "steady": steadily,
            "spark": model_peers.beside_spark, "mlserver": model_peers.beside_mlserver}


def run(stack, folder, options):
    bench = Bench(stack, folder, options)
    for _ in range(WARM_READS):
        bytes_s(urls_of(stack, bench.hdfs))
    try:
        return all([section(bench) for name, section in SECTIONS.items()
                    if options.only in (None, name)])
    finally:
        bench.model.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--spark-python", type=pathlib.Path, default=spark_peers.PYTHON)
    parser.add_argument("--mlserver-python", type=pathlib.Path,
                        default=ROOT / "build" / "bench" / "mlserver" / "bin" / "python",
                        help="that has the packages of tests/bench/requirements_mlserver.txt")
    parser.add_argument("--only", choices=SECTIONS, help="one section alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    need_wrk()
    with tempfile.TemporaryDirectory(prefix="bench-model-") as folder:
        folder = pathlib.Path(folder)
        stack = Stack(folder / "state", free_ports=True)
        stack.start()
        try:
            good = run(stack, folder, options)
        finally:
            stack.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
