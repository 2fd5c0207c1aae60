# SPDX-License-Identifier: GPL-3.0-or-later
"""`ingest --verify` on the real servers: agrees with what ingest did, and finds every tampering."""
import subprocess

import pytest

from support import wait_until
from support import numbered_ticks as ticks
from support.hdfs import HdfsClient

DATA = "bitcoin_data"


@pytest.fixture
def verify(service, kafka, names):
    """The started ingest, and verify(**settings): (exit code, report)."""
    kafka.create_topic(names.ticks_topic, 2)
    ingest = service("ingest", rotate_rows=10, rotate_age_ms=3_600_000, rotate_idle_ms=3_600_000,
                     join_bytes=1_000_000, join_files=2)

    def run(**more):
        environment = {**ingest.environment(),
                       **{f"INGEST_{name.upper()}": str(value) for name, value in more.items()}}
        done = subprocess.run([ingest.binary, "--verify"], env=environment, capture_output=True,
                              text=True, timeout=120)
        return done.returncode, done.stdout
    return ingest, run


@pytest.mark.timeout(180)
def test_verify_agrees_and_refutes(verify, kafka, hdfs, names):
    ingest, run = verify
    values = [ticks.json_of(i) for i in range(48)] + ["bad", ""]
    kafka.produce(names.ticks_topic, values, partition=0)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(100, 125)], partition=1)
    assert ingest.post("/v1/flush", timeout=60).status_code == 200
    kafka.produce(names.ticks_topic, [ticks.json_of(200)], partition=1)  # stays open

    code, report = run()  # while it joins
    assert code == 0, report
    assert "verdict: topics and folders agree" in report
    assert "48 rows, 2 dead letters" in report and "25 rows, 0 dead letters" in report
    assert "1 records of them not published yet" in report

    wait_until(lambda: [part.partition for part in hdfs.published(names.hdfs_root, "ticks")] == [0, 1],
               "the files are joined")
    ingest.stop()
    bitcoin = HdfsClient(hdfs.url, "bitcoin")
    file = hdfs.published(names.hdfs_root, "ticks")[0]
    whole = hdfs.read(file.path)

    def tampered(path, data):
        bitcoin.write(path, data, overwrite=True)
        try:
            return run()
        finally:
            bitcoin.write(file.path, whole, overwrite=True)
    for data, words in ((whole + b"x\n", "49 rows and 2 dead letters"), (whole[:-5], "has no end"),
                        (b"", " 0 rows")):
        code, report = tampered(file.path, data)
        assert code == 1 and "REFUTED" in report and words in report, report
    # the same rows once more, under a name that overlaps
    other = file.path.replace(f"-{file.first:020}-", f"-{file.first + 1:020}-").replace(
        f"-{file.last:020}.", f"-{file.last + 5:020}.")
    code, report = tampered(other, whole)
    assert code == 1 and "share offsets" in report, report
    bitcoin.delete(other)
    assert run()[0] == 0
    # its first ten rows are gone, name and all
    bitcoin.delete(file.path)
    bitcoin.write(file.path.replace(f"-{file.first:020}-", f"-{file.first + 10:020}-"),
                  b"".join(whole.splitlines(keepends=True)[10:]))
    code, report = run()
    assert code == 1 and "offsets 0 to 9 are in no file, the log holds 10 records" in report, report
    # all of the other partition: Kafka knows that something was published
    for part in hdfs.published(names.hdfs_root, "ticks"):
        if part.partition == 1:
            bitcoin.delete(part.path)
    code, report = run()
    assert code == 1 and "and published are those before 0: files are gone" in report, report
    code, report = run(hdfs_urls="http://127.0.0.1:9")
    assert code == 3 and "verdict: not known: unreachable" in report, report
