# SPDX-License-Identifier: GPL-3.0-or-later
"""The model service on an HDFS that fails at every step in every way: a training ends with a version
or says why not, no row counts twice or half, no version is there twice, and what serves goes on."""
import json

import pytest

from fake_webhdfs import FakeHdfs
from support import wait_until
from support.models import bars, start_model, train

FOLDER = "/bitcoin/data/bitcoin_bars"
MODELS = "/bitcoin/models/streamlit"
QUICK = {"hdfs_connect_timeout_ms": 2000, "hdfs_idle_timeout_ms": 2000, "hdfs_timeout_ms": 2000}
ROW = {"open": 60010.5, "high": 60013.75, "low": 60008, "volume": 250, "return": 0.0001}
READING = [("LISTSTATUS_BATCH", "bitcoin_bars"), ("OPEN", "part-"), ("DATA", "part-")]
# What happens to the reading, and to the writing of a version's number and bytes.
FAULTS = [("reset", ("RENAME", "lost-answer")), ("lost-answer", ("DATA", "lost-answer")),
          ("half", ("RENAME", "half")), ("slow", ("DATA", "slow")), ("standby", ("RENAME", "reset")),
          ("denied", ("DATA", "half")), ("empty", ("GETFILESTATUS", "empty")),
          ("false", ("RENAME", "false"))]
TIMES = {"reset": 2, "lost-answer": 2}  # libcurl by itself sends once more


@pytest.fixture
def fake():
    server = FakeHdfs()
    server.files.mkdirs("/bitcoin")
    server.rows = 0
    yield server
    server.close()


def put(fake, count=20):
    """The next file of the partition."""
    rows = bars(fake.rows + count)[fake.rows:]
    data = "".join(",".join(map(str, row.values())) + "\n" for row in rows)
    last = fake.rows + count - 1
    fake.files.create(f"{FOLDER}/part-00000-{fake.rows:020}-{last:020}.csv", data.encode(), True)
    fake.rows += count


def versions(fake):
    """{number: report} as they stand on HDFS."""
    bodies = [json.loads(data)["body"] for path, data in fake.files.below(MODELS).items()
              if "/version-" in path and data]
    return {body["version"]: body["report"] for body in bodies}


def arm(fake, step, fault, path):
    fake.fail(step, fault, times=TIMES.get(fault, 1), path=path)


def train_until_done(one):
    """Trainings that fail say why."""
    for _ in range(10):
        job = train(one)
        assert one.post("/v1/models/streamlit/predict", ROW).status_code == 200
        if job["state"] == "done":
            assert job["reason"] is None or not job["serves"], job
            return job["version"]
        assert job["state"] == "failed" and job["reason"], job
    raise AssertionError(job)


@pytest.mark.timeout(240)
def test_every_fault_of_a_training(service, fake, tmp_path):
    """Field cases I01, I02, I04, I09 to I11 where the model service meets them."""
    put(fake, 300)
    one = start_model(service, hdfs_root="/bitcoin", hdfs_urls=fake.url, **QUICK)
    made = [train(one)["version"]]
    for fault, (step, lost) in FAULTS:
        put(fake)
        for reading, path in READING:
            arm(fake, reading, fault, path)
        arm(fake, step, lost, "staging")
        made.append(train_until_done(one))
        wait_until(lambda: not any(rule[2] for rule in fake.faults), f"{fault} and {lost} happen", 60)
        fake.heal()
        wait_until(lambda: sorted(versions(fake)) == made, f"version {made[-1]} follows", 60)
        newest = versions(fake)[made[-1]]
        assert newest["lineage"]["records"] == fake.rows, fault
        assert newest["rows"] + newest["held_out"]["rows"] == fake.rows - 1, fault
    assert made == list(range(1, len(made) + 1))
    listed = one.get("/v1/models/streamlit/versions?limit=1000").json()
    assert [v["version"] for v in listed["versions"]] == made[::-1]
    said = one.post("/v1/models/streamlit/predict", ROW).json()
    one.stop()
    one.settings["state_dir"] = tmp_path / "elsewhere"
    one.start()
    assert one.post("/v1/models/streamlit/predict", ROW).json() == said
    assert one.metric("model_registry_bad_files_total") == 0


@pytest.mark.timeout(120)
def test_two_namenodes(service, fake):
    """Field case I02: of two the active one is found, for reading and for writing."""
    other = FakeHdfs(fake.files)
    try:
        put(fake, 300)
        one = start_model(service, hdfs_root="/bitcoin", hdfs_urls=f"{fake.url},{other.url}")
        for first, second in (("standby", None), (None, "standby"), ("retriable", None)):
            fake.mode, other.mode = first, second
            assert train(one)["state"] == "done"
        # The one that was active is asked first; what both said is told.
        fake.mode, other.mode = "safe-mode", "standby"
        job = train(one)
        assert job["state"] == "failed", job
        assert "StandbyException" in job["reason"] and "SafeModeException" in job["reason"]
        assert one.post("/v1/models/streamlit/predict", ROW).status_code == 200
    finally:
        other.close()
