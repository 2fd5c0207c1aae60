# SPDX-License-Identifier: GPL-3.0-or-later
"""ingest with split_by_date=day: rows stand in the folder of their date, each offset in exactly one
file of all folders, whatever fails or is killed, and whatever the setting was before."""
import itertools
import re
import signal
import subprocess

import pytest

from fake_webhdfs import FakeHdfs
from support import numbered_ticks as ticks, wait_until
from test_ingest_faults import DATA, DEAD, NAME, QUICK, STAGING
from test_joins import STATIC

DAY = 86400
SPLIT = {"split_by_date": "day"}


def number(i):
    """Of the tick at offset `i`: around a midnight they come mixed, five of a day in a row, and then
    there are some of one day."""
    return i + DAY * (i // 5 % 2 if i % 50 < 20 else 1)


def date_of(line):
    return f"dt={line[:10]}"


def check(files, count, folder=DATA, split_from=0):
    """`files`: {path: bytes}. Every tenth is a dead letter."""
    found = sorted((NAME.fullmatch(path.rsplit("/", 1)[1]).groups(), path) for path in files)
    offsets = [range(int(first), int(last) + 1) for (first, last, _), _ in found]
    assert list(itertools.chain(*offsets)) == list(range(count)), found
    rows = []
    for (first, _, _), path in found:
        lines = files[path].decode().splitlines()
        rows += lines
        if int(first) >= split_from and lines:
            assert {f"{folder}/{date_of(line)}" for line in lines} == {path.rsplit("/", 1)[0]}
        elif int(first) < split_from:
            assert path.rsplit("/", 1)[0] == folder
    assert rows == [ticks.line(number(i)) for i in range(count) if i % 10 != 9]


def values(first, last):
    return [f"dead {i}" if i % 10 == 9 else ticks.json_of(number(i)) for i in range(first, last)]


def covered(files):
    """Offsets; while files are joined, one of them has a name that covers the others."""
    ranges = [NAME.fullmatch(path.rsplit("/", 1)[1]).groups() for path in files]
    return len({offset for first, last, _ in ranges for offset in range(int(first), int(last) + 1)})


@pytest.mark.timeout(180)
def test_faults_and_kills(service, kafka, names):
    fake, count = FakeHdfs(), 0
    kafka.create_topic(names.ticks_topic)
    ingest = service("ingest", hdfs_urls=fake.url, **QUICK, **SPLIT, join_bytes=100_000,
                     join_files=2)

    def kill(done):
        def at(handler):
            if done:
                handler.behave(answer=False)
            ingest.process.send_signal(signal.SIGKILL)
            handler.hang_up()
        return at

    def send_and_wait(what):
        nonlocal count
        kafka.produce(names.ticks_topic, values(count, count + 10))
        count += 10
        wait_until(lambda: fake.fired, f"{what} happens", 60)
        if ingest.process.poll() is not None or "kill" in what:
            ingest.process.wait(10)
            ingest.process = None
            ingest.start(wait_ready=False)
        wait_until(lambda: covered(fake.files.below(DATA)) >= count, f"all is published, {what}",
                   60)
        fake.fired.clear()
    try:
        for step, fault in (("MKDIRS", "lost-answer"), ("RENAME", "server-error"),
                            ("RENAME", "false"), ("RENAME", "half"), ("GETFILESTATUS", "html")):
            fake.fail(step, fault, times=2 if fault == "lost-answer" else 1,
                      path="part-" if step == "RENAME" else "dt=2025-07-0")
            send_and_wait(f"{step} {fault}")
        for step, done in (("RENAME", False), ("RENAME", True), ("CONCAT", True)):
            fake.fail(step, kill(done), path="part-")
            send_and_wait(f"kill at {step}")
        ingest.kill()
        for fault in ("server-error", "cut-json"):
            fake.fail("LISTSTATUS_BATCH", fault, path="dt=2025-07-0")
        ingest.start(wait_ready=False)
        send_and_wait("a take-over")
        ingest.wait_ready(60)
        wait_until(lambda: not any("part-" in name for name in fake.files.below(STAGING)),
                   "nothing is staged")

        def joined():
            ranges = sorted(NAME.fullmatch(path.rsplit("/", 1)[1]).groups()[:2]
                            for path in fake.files.below(DATA))
            return all(a[1] < b[0] for a, b in zip(ranges, ranges[1:]))
        wait_until(joined, "no join is unfinished", 60)
        check(fake.files.below(DATA), count)
        letters = b"".join(data for _, data in sorted(fake.files.below(DEAD).items())).decode()
        assert re.findall(r'"offset":(\d+)', letters) == [str(i) for i in range(9, count, 10)]
    finally:
        fake.close()


@pytest.mark.timeout(180)
def test_the_setting_changes_in_a_folder_that_is_there(service, kafka, hdfs, names, tmp_path):
    folder = f"{names.hdfs_root}/data/bitcoin_data"
    kafka.create_topic(names.ticks_topic)
    ingest = service("ingest", **STATIC)

    def publish(first, last):
        kafka.produce(names.ticks_topic, values(first, last))
        assert ingest.post("/v1/flush", timeout=60).status_code == 200
    publish(0, 20)
    ingest.stop()
    ingest.settings.update(SPLIT)
    ingest.start()
    publish(20, 40)
    ingest.kill()
    ingest.start()
    publish(40, 60)
    files = {path: hdfs.read(path) for path in hdfs.walk(folder)}
    check(files, 60, folder, split_from=20)
    assert ingest.metric("ingest_date_turns_total", dataset="ticks") > 0
    paths = {file["path"] for file in ingest.get("/v1/files").json()["files"]}
    assert paths and all("/dt=2025-07-0" in path for path in paths)
    letters = hdfs.dead_letters(names.hdfs_root, "ticks")
    assert [letter["offset"] for letter in letters] == [9, 19, 29, 39, 49, 59]

    done = subprocess.run([ingest.binary, "--verify"], env=ingest.environment(),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "54 rows, 6 dead letters" in done.stdout, done.stdout

    model = service("model", wait_ready=False, state_dir=tmp_path / "state", autotrain=False)
    wait_until(lambda: "event=listening" in model.log(), "the model service listens")
    made = model.post("/v1/models", {"name": "split", "records": "ticks", "target": "sell_price",
                                     "features": ["volatility"],
                                     "split": {"kind": "seeded", "train": 1}})
    assert made.status_code == 201, made.text
    asked = model.post("/v1/models/split/train")
    job = wait_until(lambda: (lambda found: found["ended"] and found)(
        model.get(asked.headers["Location"]).json()), "the training ends", 60)
    assert job["rows"] == 54, job

    ingest.stop()
    ingest.settings.update({"split_by_date": "none"})
    ingest.start()
    publish(60, 70)
    files = {path: hdfs.read(path) for path in hdfs.walk(folder)}
    assert covered(files) == 70 and any(path.count("/") == folder.count("/") + 1
                                        and "-00000000000000000060-" in path for path in files)
