# SPDX-License-Identifier: GPL-3.0-or-later
"""The prototype's scripts, submitted to a Spark beside our services: each reads and writes what it should,
and what its consumer left can be taken over."""
import ast
import json
import re
import subprocess

import pytest

from support import models, wait_until
from support.hdfs import HdfsClient
from support.kafka import KafkaClient
from support.services import Service
from support.ticks import row_values, values

from .conftest import ROOT, published

TICKS = 6000
HOME = "/bitcoin"
THEIRS = "/bitcoin/spark/bitcoin_data"  # beside ours, which it would otherwise share
WHOLE = {"kind": "seeded", "train": 1}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def services(shared_stack, run_folder, request):
    """services(name, **settings): by their defaults, but for what is given."""
    made = []
    binaries = ROOT / request.config.getoption("--bin")

    def start(name, **more):
        ready = name != "model"  # which is not before it has a version
        made.append(Service(name, more, run_folder, binaries, ready))
        if not ready:
            made[-1].wait_listening()
        return made[-1]
    yield start
    for one in reversed(made):
        one.clean_up()


@pytest.fixture(scope="module")
def pipeline(services, shared_stack):
    """TICKS simulated ticks in the topic and, through ingest, on HDFS: the topic's messages."""
    numbers = published()
    kafka = KafkaClient(shared_stack.addresses["kafka"])

    def at(name):
        port = numbers[f"{name.upper()}_PORT"]
        return {"http_port": port, "management_port": port + 1000}
    gateway = services("gateway", **at("gateway"))
    ingest = services("ingest", **at("ingest"))
    made = gateway.post("/v1/sources", {"type": "simulator", "count": TICKS, "seed": 11,
                                        "rate_per_s": 3000})
    assert made.status_code == 201, made.text
    wait_until(lambda: gateway.get(made.headers["Location"]).json()["acknowledged"] == TICKS,
               "every simulated tick is acknowledged")
    wait_until(lambda: stored(ingest) == TICKS, "every tick is published")
    return kafka.read_all("bitcointopic")


@pytest.fixture(scope="module")
def hdfs(shared_stack):
    return HdfsClient(shared_stack.addresses["namenode"], shared_stack.hdfs.superuser)


@pytest.fixture(scope="module")
def consumed(submit, pipeline, hdfs):
    """The lines that the consumer wrote, of all that was in the topic."""
    port = published()["NAMENODE_RPC_PORT"]
    consumer = submit("consumer.py", OUTPUT=f"hdfs://localhost:{port}{THEIRS}")
    consumer.wait_until(lambda: len(written(hdfs)) >= TICKS, "all ticks are on HDFS", 240)
    consumer.stop()
    return written(hdfs)


@pytest.fixture(scope="module")
def model(services, pipeline, tmp_path_factory):
    port = published()["MODEL_PORT"]
    return services("model", http_port=port, management_port=port + 1000, autotrain=False,
                    state_dir=tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def whole(model):
    """The report of `ia` with nothing held out."""
    return report_of_whole_ia(model)


def stored(ingest):
    assert ingest.post("/v1/flush").status_code == 200
    return ingest.metric("ingest_published_rows_total", dataset="ticks")


def written(hdfs):
    return [line for path in hdfs.walk(THEIRS) if path.endswith(".csv")
            for line in hdfs.read(path).decode().splitlines()]


def fitted(printed):
    """({name: coefficient}, RMSE, rows) of what linear_regression.py prints."""
    said = dict(re.findall(r"^(\w+): (.+)$", printed, re.M))
    named = zip(("buy_price", "volume", "volatility"), ast.literal_eval(said["Coefficients"]))
    return {"(intercept)": float(said["Intercept"]), **dict(named)}, float(said["RMSE"]), \
        int(said["Rows"])


def report_of(server, name):
    job = models.train(server, name)
    assert job["state"] == "done", job
    return server.get(f"/v1/models/{name}/versions/{job['version']}").json()


def report_of_whole_ia(server):
    spec = server.get("/v1/models/ia").json()
    mine = {k: spec[k] for k in ("records", "target", "features", "leakage")}
    made = server.post("/v1/models", {**mine, "name": "ia_whole", "split": WHOLE})
    assert made.status_code == 201, made.text
    return report_of(server, "ia_whole")


def coefficients(report):
    return {c["name"]: c for c in report["coefficients"] if c["status"] == "kept"}


def taken_over(file, ticks):
    """How many rows the gateway took, when it is asked as README.md says."""
    done = subprocess.run(f"curl -sL '{file}' | curl -s {ticks} -H 'Content-Type: text/csv' "
                          "--data-binary @-", shell=True, capture_output=True, text=True,
                          timeout=60, check=True)
    answer = json.loads(done.stdout)
    assert (answer["rejected"], answer["unavailable"], answer["unknown"]) == (0, 0, 0), answer
    return answer["accepted"]


def test_the_consumer_writes_what_the_gateway_took(pipeline, consumed):
    sent = [json.loads(message.value) for message in pipeline]
    assert sorted(map(row_values, consumed)) == sorted(map(values, sent))


def test_the_regression_fits_the_line_of_ia(submit, model, whole):
    """On the same rows to 1e-6; where each has a split of its own, as far as another sample goes."""
    theirs, rmse, rows = fitted(submit("linear_regression.py", TRAIN="1").end())
    assert rows == whole["rows"] == TICKS
    assert coefficients(whole).keys() == theirs.keys()
    for name, value in theirs.items():
        assert coefficients(whole)[name]["value"] == pytest.approx(value, rel=1e-6), name
    assert whole["rmse"] == pytest.approx(rmse, rel=1e-6)

    theirs, rmse, _ = fitted(submit("linear_regression.py").end())
    ours = report_of(model, "ia")
    for name, value in theirs.items():
        one = coefficients(ours)[name]
        assert abs(one["value"] - value) < 5 * one["standard_error"], name
    assert ours["held_out"]["rmse"] == pytest.approx(rmse, rel=0.1)


def test_what_the_consumer_wrote_is_taken_over(consumed, services, hdfs, whole, tmp_path):
    """By the gateway, file after file; a model of it is the one of our own files."""
    own = {"ticks_topic": "takenover", "bars_topic": "takenoverbars"}
    folder = {"hdfs_root": f"{HOME}/takenover"}
    gateway = services("gateway", **own)
    ingest = services("ingest", **own, **folder, group="takenover")
    for status in hdfs.list(THEIRS):
        if status["pathSuffix"].endswith(".csv") and status["length"] > 0:
            file = f"{hdfs.url}/webhdfs/v1{THEIRS}/{status['pathSuffix']}?op=OPEN"
            assert taken_over(file, f"{gateway.url}/v1/ticks") > 0
    wait_until(lambda: stored(ingest) == TICKS, "every tick is published")
    theirs = report_of_whole_ia(services("model", **own, **folder, autotrain=False,
                                         state_dir=tmp_path / "state"))
    assert theirs["rows"] == TICKS
    assert coefficients(theirs).keys() == coefficients(whole).keys()
    for name, one in coefficients(theirs).items():
        assert one["value"] == pytest.approx(coefficients(whole)[name]["value"], rel=1e-9), name
