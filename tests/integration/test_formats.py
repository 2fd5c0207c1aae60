# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of published files: each offset in one file whatever its ending, and every reader of ours
reads them all."""
import json
import random
import subprocess

import pytest

from support import numbered_ticks, ticks, wait_until

FORMATS = ["csv", "csv.gz", "jsonl.gz", "jsonl", "csv.gz"]
EACH = 100
NEVER = {"rotate_rows": 10_000_000, "rotate_age_ms": 3_600_000, "rotate_idle_ms": 3_600_000}


def made_ticks(count):
    """Numbered by their times, with prices that a model can fit."""
    dice = random.Random(7)
    made = []
    for i in range(count):
        tick = {**ticks.original_tick(dice), "timestamp": numbered_ticks.fields(i)["timestamp"]}
        made.append({name: tick[name] for name in ticks.FIELDS})
    return made


def read_back(hdfs, names):
    """Every record of every file, in the order of the offsets."""
    return [ticks.values(json.loads(line)) if ".jsonl" in part.path else ticks.row_values(line)
            for part in hdfs.published(names.hdfs_root, "ticks") for line in hdfs.lines(part.path)]


def offsets(hdfs, names):
    return hdfs.offsets(names.hdfs_root, "ticks").get(0)


def publish(ingest, hdfs, names, end):
    def all_published():
        assert ingest.post("/v1/flush", timeout=60).status_code == 200
        return offsets(hdfs, names) == [(0, end - 1)]
    wait_until(all_published, f"offsets below {end} are published")


def verdict(ingest):
    done = subprocess.run([ingest.binary, "--verify"], env=ingest.environment(),
                          capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout


@pytest.mark.timeout(240)
def test_a_changed_format_goes_on_where_the_last_one_ended(service, kafka, hdfs, names, tmp_path):
    made = made_ticks(EACH * len(FORMATS))
    kafka.create_topic(names.ticks_topic)
    for i, name in enumerate(FORMATS):
        end = (i + 1) * EACH
        kafka.produce(names.ticks_topic, [json.dumps(tick) for tick in made[end - EACH:end]])
        ingest = service("ingest", **NEVER, format=name)
        publish(ingest, hdfs, names, end)
        last = ingest.get("/v1/files").json()["files"][-1]
        assert last["name"].endswith(f"-{end - 1:020}.{name}")
        path = hdfs.published(names.hdfs_root, "ticks")[-1].path
        assert (last["path"], last["bytes"]) == (path, len(hdfs.read(path)))
        ingest.stop()
    assert [part.path.split(".", 1)[1] for part in hdfs.published(names.hdfs_root, "ticks")
            if part.first % EACH == 0] == FORMATS
    assert read_back(hdfs, names) == [ticks.values(tick) for tick in made]
    code, report = verdict(ingest)
    assert code == 0 and f"{len(made)} rows, 0 dead letters" in report, report

    model = service("model", wait_ready=False, state_dir=tmp_path / "state", autotrain=False)
    wait_until(lambda: "event=listening" in model.log(), "the model service listens")
    asked = model.post("/v1/models/ia/train")
    assert asked.status_code == 202, asked.text
    job = wait_until(lambda: (lambda found: found["ended"] and found)(
        model.get(asked.headers["Location"]).json()), "the training ends", 60)
    assert job["state"] == "done" and job["files_refused"] == 0, job
    lineage = model.get(f"/v1/models/ia/versions/{job['version']}").json()["lineage"]
    assert lineage["records"] == len(made) and lineage["rows"]["malformed"] == 0, lineage
    assert lineage["names_ignored"] == 0


@pytest.mark.timeout(240)
def test_killed_while_packed_files_are_written_and_joined(service, kafka, hdfs, names):
    count = 240
    made, dice = made_ticks(count), random.Random(11)
    kafka.create_topic(names.ticks_topic)
    ingest = service("ingest", format="csv.gz", rotate_rows=8, rotate_idle_ms=200,
                     join_bytes=1_000_000, join_files=4,
                     **{"kafka.group.instance.id": "packed", "kafka.session.timeout.ms": 6000})
    for first in range(0, count, 80):
        kafka.produce(names.ticks_topic, [json.dumps(tick) for tick in made[first:first + 80]])
        most = first + dice.randrange(60)
        wait_until(lambda: any(part.last >= most for part in
                               hdfs.published(names.hdfs_root, "ticks")), "some are published")
        ingest.kill()
        ingest.start(wait_ready=False)

    def joined():  # a name may still cover the files after it
        parts = hdfs.published(names.hdfs_root, "ticks")
        return len(parts) < 4 and parts[-1].last == count - 1 and all(
            one.last + 1 == other.first for one, other in zip(parts, parts[1:]))
    wait_until(joined, "all is published and joined", 90)
    ingest.wait_ready()
    ingest.stop()
    assert offsets(hdfs, names) == [(0, count - 1)]
    assert read_back(hdfs, names) == [ticks.values(tick) for tick in made]
    assert all(part.path.endswith(".csv.gz") for part in hdfs.published(names.hdfs_root, "ticks"))
    code, report = verdict(ingest)
    assert code == 0, report
