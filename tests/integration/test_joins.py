# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files are joined behind the readers' backs: at every moment, whatever fails or is killed,
and whoever else joins, the files read by their names hold each row once and in order."""
import random
import signal
import threading
import time

import pytest

from fake_webhdfs import FakeHdfs
from support import numbered_ticks as ticks, wait_until
from support.hdfs import HdfsError
from test_ingest_faults import DATA, EVERYWHERE, NAME, QUICK, TIMES

FILES, JOIN_BYTES, JOIN_FILES = 60, 300, 3
EARLY = {**QUICK, "retry_min_ms": 5, "retry_max_ms": 20, "blocked_retry_ms": 20,
         "join_bytes": JOIN_BYTES, "join_files": JOIN_FILES}
STATIC = {"kafka.session.timeout.ms": 6000, "kafka.heartbeat.interval.ms": 1000,
          "kafka.group.instance.id": "one"}


def ranges_of(names):
    return sorted(tuple(map(int, NAME.fullmatch(name.rsplit("/", 1)[1]).groups()[:2]))
                  for name in names)


def is_joined(ranges):
    """No name covers another."""
    return all(a[1] < b[0] for a, b in zip(ranges, ranges[1:]))


class Watch(threading.Thread):
    """Reads again and again until stop(), and once after that; `read` gives rows, or None for a read
    that lost a file under its hands and is repeated. Every read must be the beginning of
    `expected`."""

    def __init__(self, read, expected):
        super().__init__(daemon=True)
        self.read, self.expected = read, expected
        self.error, self.ending = None, False
        self.start()

    def run(self):
        try:
            last, rows = False, None
            while not last or rows is None:
                last = self.ending
                rows = self.read()
                assert rows is None or rows == self.expected[:len(rows)], \
                    f"{len(rows)} rows are no prefix"
        except Exception as error:  # told by the test's own thread
            self.error = error

    def stop(self):
        self.ending = True
        self.join(60)
        assert not self.is_alive()
        if self.error:
            raise self.error


# --- faults and kills ------------------------------------------------------------------------------

@pytest.fixture
def fake(kafka, names):
    """FILES files of a row each, every seventh without one, published long ago."""
    server = FakeHdfs()
    kafka.create_topic(names.ticks_topic)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(FILES)])
    for i in range(FILES):
        server.files.create(f"{DATA}/part-00000-{i:020}-{i:020}.csv",
                            b"" if i % 7 == 6 else ticks.line(i).encode() + b"\n", True)
    yield server
    server.close()


EXPECTED = [ticks.line(i) for i in range(FILES) if i % 7 != 6]


def rows_of(fake):
    return [line for _, data in sorted(fake.files.below(DATA).items())
            for line in data.decode().splitlines()]


def wait_all_joined(fake):
    def full_sizes():
        return [len(data) for _, data in sorted(fake.files.below(DATA).items())][:1 - JOIN_FILES]

    def done():
        return is_joined(ranges_of(fake.files.below(DATA))) and min(full_sizes()) >= JOIN_BYTES
    wait_until(done, "all is joined", 60)
    assert rows_of(fake) == EXPECTED
    ranges = ranges_of(fake.files.below(DATA))
    assert ranges[0][0] == 0 and ranges[-1][1] == FILES - 1
    assert all(a[1] + 1 == b[0] for a, b in zip(ranges, ranges[1:]))
    assert max(full_sizes()) < JOIN_BYTES + len(ticks.line(FILES)) + 1


@pytest.mark.timeout(120)
def test_every_fault_of_a_join(service, fake):
    everywhere = [f for f in EVERYWHERE if f not in ("late", "slow")] + ["false", "cut-json"]
    planned = [(step, fault) for step in ("RENAME", "CONCAT") for fault in everywhere]
    for step, fault in planned + [("DELETE", f) for f in ("reset", "lost-answer", "half")]:
        fake.fail(step, fault, times=TIMES.get(fault, 1), path=f"{DATA}/part-")
    fake.fail("CONCAT", "slow", path=f"{DATA}/part-")
    watch = Watch(lambda: rows_of(fake), EXPECTED)
    ingest = service("ingest", hdfs_urls=fake.url, **EARLY)
    wait_all_joined(fake)
    watch.stop()
    assert set(fake.fired) >= {*planned, ("DELETE", "reset")}
    assert ingest.metric("ingest_joins_total", outcome="ok") > 5
    for kind in ("standby", "retriable", "safe-mode", "quota", "denied", "credential"):
        assert ingest.metric("ingest_joins_total", outcome=kind) > 0, kind
    wait_until(lambda: ingest.metric("ingest_published_files", dataset="ticks") ==
               len(fake.files.below(DATA)), "the files are counted")
    before, after = (ingest.metric(f"ingest_join_files_{side}_total") for side in
                     ("before", "after"))
    assert before > after > 0
    assert ingest.metric("ingest_fences_total") == 0  # nobody fought with the recovery


@pytest.mark.timeout(180)
def test_killed_at_every_step_of_a_join(service, fake):
    """SIGKILL before the call is carried out, and after it was."""
    watch = Watch(lambda: rows_of(fake), EXPECTED)
    ingest = service("ingest", wait_ready=False, hdfs_urls=fake.url, **EARLY)

    def kill(done):
        def at(handler):
            if done:
                handler.behave(answer=False)
            ingest.process.send_signal(signal.SIGKILL)
            handler.hang_up()
        return at
    plans = [(step, done) for step in ("RENAME", "CONCAT", "DELETE") for done in (False, True)]
    for step, done in plans:
        fake.fired.clear()
        fake.fail(step, kill(done), path=f"{DATA}/part-")
        if ingest.process is None:
            ingest.start(wait_ready=False)
        wait_until(lambda: fake.fired, f"{step} is reached", 60)
        ingest.process.wait(10)
        ingest.process = None
    ingest.start()
    wait_all_joined(fake)
    watch.stop()


# --- the real HDFS ---------------------------------------------------------------------------------

def reader_of(hdfs, names):
    """As pandas over a folder: list, then read each file in the order of the names."""
    folder = f"{names.hdfs_root}/data/bitcoin_data"

    def read():
        try:
            return [line for name in hdfs.names(folder)
                    for line in hdfs.read(f"{folder}/{name}").decode().splitlines()]
        except HdfsError as error:
            assert error.status == 404, error
            return None
    return read


def published_to(hdfs, names):
    return max((r.last for r in hdfs.published(names.hdfs_root, "ticks")), default=-1)


def wait_files(hdfs, names, most, last):
    def done():
        ranges = [(r.first, r.last) for r in hdfs.published(names.hdfs_root, "ticks")]
        return 0 < len(ranges) <= most and is_joined(ranges) and ranges[-1][1] == last
    wait_until(done, "all is published and joined", 90)


@pytest.mark.timeout(240)
def test_a_reader_sees_each_row_once_while_files_are_joined(service, kafka, hdfs, names):
    count, each, dice = 240, 8, random.Random(5)
    kafka.create_topic(names.ticks_topic)
    read = reader_of(hdfs, names)
    watch = Watch(read, [ticks.line(i) for i in range(count)])
    ingest = service("ingest", rotate_rows=each, rotate_idle_ms=200, join_bytes=1_000_000,
                     join_files=JOIN_FILES, **STATIC)
    for first in range(0, count, 80):
        kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(first, first + 80)])
        wait_until(lambda: published_to(hdfs, names) > first, "something new is published", 60)
        time.sleep(dice.uniform(0, 0.5))  # the random moment, not a wait for something
        ingest.kill()
        ingest.start(wait_ready=False)
    wait_files(hdfs, names, JOIN_FILES - 1, count - 1)  # nothing is left to be joined
    watch.stop()
    assert len(read()) == count
    ingest.wait_ready()
    files = hdfs.published(names.hdfs_root, "ticks")
    wait_until(lambda: ingest.metric("ingest_published_files", dataset="ticks") == len(files),
               "the files are counted")


@pytest.mark.timeout(240)
def test_two_joiners_at_once(service, kafka, hdfs, names):
    """Two groups own the same partition: each fences the other's publications, and neither can the
    other's joins."""
    count = 240
    kafka.create_topic(names.ticks_topic)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(count)])
    first = service("ingest", rotate_rows=10)
    wait_files(hdfs, names, count, count - 1)
    first.stop()
    before = len(hdfs.published(names.hdfs_root, "ticks"))
    read = reader_of(hdfs, names)
    watch = Watch(read, [ticks.line(i) for i in range(count)])
    size = len("".join(ticks.line(i) + "\n" for i in range(10)))
    both = [service("ingest", wait_ready=False, group=f"{names.group}-{i}", join_files=2,
                    join_bytes=3 * size) for i in range(2)]
    wait_files(hdfs, names, before / 3 + 1, count - 1)
    watch.stop()
    assert read() == [ticks.line(i) for i in range(count)]
    assert sum(one.metric("ingest_joins_total", outcome="ok") for one in both) >= before / 3 - 1
