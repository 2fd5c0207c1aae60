# SPDX-License-Identifier: GPL-3.0-or-later
"""ingest against an HDFS that fails at every step in every way: each offset ends in exactly one
file, and the metric of the fault moved."""
import itertools
import re
import signal
import socket

import pytest
from kafka import KafkaProducer

from fake_webhdfs import HEAD, FakeHdfs, answer_cut, body_cut
from support import numbered_ticks as ticks, wait_until

DATA, DEAD, STAGING = (f"/bitcoin/{part}/bitcoin_data" for part in ("data", "dead_letters",
                                                                   "staging"))
NAME = re.compile(r"part-00000-(\d{20})-(\d{20})\.(csv|jsonl)")
QUICK = {"hdfs_root": "/bitcoin", "rotate_age_ms": 100, "rotate_idle_ms": 50, "retry_min_ms": 20,
         "retry_max_ms": 100, "blocked_retry_ms": 200, "hdfs_connect_timeout_ms": 500,
         "hdfs_idle_timeout_ms": 1000, "hdfs_timeout_ms": 1000,
         "kafka.session.timeout.ms": 6000, "kafka.heartbeat.interval.ms": 500,
         "kafka.group.instance.id": "one"}
EVERYWHERE = ["reset", "lost-answer", "half", "slow", "late", "standby", "retriable", "safe-mode",
              "quota", "denied", "credential", "server-error", "empty", "html"]
STEPS = {
    "MKDIRS": EVERYWHERE + ["false", "cut-json"],
    "LISTSTATUS_BATCH": EVERYWHERE,
    "CREATE": [f for f in EVERYWHERE if f not in ("late",)] + ["no-location"],
    "DATA": EVERYWHERE,
    "GETFILESTATUS": EVERYWHERE,
    # an empty body is RENAME's right answer, so here it is a lie that only looking finds out
    "RENAME": EVERYWHERE + ["false", "cut-json"],
}
# libcurl by itself sends once more where a connection that it kept is reset before any answer.
TIMES = {"reset": 2, "lost-answer": 2}


@pytest.fixture
def fake():
    server = FakeHdfs()
    server.files.mkdirs("/bitcoin")
    yield server
    server.close()


class Feed:
    """Ticks with a dead letter in every round, and what must be published of them."""

    def __init__(self, kafka, topic):
        self.topic, self.count = topic, 0
        kafka.create_topic(topic)
        self.producer = KafkaProducer(bootstrap_servers=kafka.address, acks="all")

    def send(self):
        values = [ticks.json_of(self.count + i) for i in range(9)] + [f"dead {self.count + 9}"]
        for sent in [self.producer.send(self.topic, value.encode()) for value in values]:
            sent.get(30)
        self.count += 10

    def check(self, files):
        found = files.below(DATA)
        ranges = sorted(tuple(map(int, NAME.fullmatch(p.rsplit("/", 1)[1]).groups()[:2]))
                        for p in found)
        assert list(itertools.chain(*(range(a, b + 1) for a, b in ranges))) == list(
            range(self.count)), ranges
        rows = b"".join(found[p] for p in sorted(found)).decode().splitlines()
        assert rows == [ticks.line(i) for i in range(self.count) if i % 10 != 9]
        letters = b"".join(data for _, data in sorted(files.below(DEAD).items())).decode()
        assert re.findall(r'"offset":(\d+)', letters) == [str(i) for i in range(9, self.count, 10)]


def covered(files):
    ranges = [tuple(map(int, NAME.fullmatch(p.rsplit("/", 1)[1]).groups()[:2]))
              for p in files.below(DATA)]
    return sum(b - a + 1 for a, b in ranges)


def wait_published(ingest, fake, feed, what):
    wait_until(lambda: covered(fake.files) >= feed.count and
               ingest.metric("ingest_lag_records", dataset="ticks") == 0,
               f"all is published after {what}", 60)


def trouble(ingest):
    return (ingest.metric("ingest_retries_total", dataset="ticks") +
            ingest.metric("ingest_settled_total", dataset="ticks") +
            ingest.metric("ingest_fences_total", dataset="ticks"))


def kind_counted(ingest, outcome):
    return ingest.metric("webhdfs_requests_total", outcome=outcome)


@pytest.fixture
def feed(kafka, names):
    made = Feed(kafka, names.ticks_topic)
    yield made
    made.producer.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", ["CREATE", "DATA", "GETFILESTATUS", "RENAME"])
def test_every_fault_while_publishing(service, fake, feed, step):
    ingest = service("ingest", hdfs_urls=fake.url, **QUICK)
    for fault in STEPS[step]:
        fake.fired.clear()
        before, counted = trouble(ingest), kind_counted(ingest, fault)
        fake.fail(step, fault, times=TIMES.get(fault, 1), path="part-")
        feed.send()
        wait_until(lambda: fake.fired, f"{step} {fault} happens")
        wait_published(ingest, fake, feed, f"{step} {fault}")
        feed.check(fake.files)
        if (step, fault) != ("RENAME", "empty"):
            assert trouble(ingest) > before, f"{step} {fault} moved no metric"
        if fault in ("standby", "retriable", "safe-mode", "quota", "denied", "credential"):
            assert kind_counted(ingest, fault) > counted
        ingest.wait_ready()
    fake.released.set()  # late writers have their say now
    feed.send()
    wait_published(ingest, fake, feed, "the end")
    feed.check(fake.files)
    assert "dn-secret" not in ingest.log()
    ingest.stop()
    assert not fake.files.below(STAGING)


@pytest.mark.timeout(300)
def test_resets_in_the_middle(service, fake, feed):
    """Within the answers of all four steps of one publication, and within the body of its data.
    (Each single byte of each answer: tests/unit/common/test_webhdfs_cut.c.)"""
    ingest = service("ingest", hdfs_urls=fake.url, **QUICK)
    steps = ["CREATE", "DATA", "GETFILESTATUS", "RENAME"]
    for at, share in ((0, 0), (1, 0.001), (12, 0.5), (17, 0.999), (25, 1), (HEAD, 0), (-1, 0.9)):
        fake.fired.clear()
        before = trouble(ingest)
        fake.fail("DATA", body_cut(share), path="part-")
        for step in steps:
            # at 0: libcurl sends once more by itself, see TIMES
            fake.fail(step, answer_cut(at), times=2 if at == 0 else 1, path="part-")
        feed.send()
        wait_until(lambda: {step for step, _ in fake.fired} == set(steps), f"resets at {at}", 60)
        wait_published(ingest, fake, feed, f"resets at {at}")
        feed.check(fake.files)
        assert trouble(ingest) > before
        fake.heal()
    ingest.wait_ready()


@pytest.mark.timeout(120)
def test_a_datanode_that_is_away(service, fake, feed):
    """Another one is asked for at once."""
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        ingest = service("ingest", hdfs_urls=fake.url, **{**QUICK, "hdfs_timeout_ms": 20000,
                                                          "hdfs_idle_timeout_ms": 20000})
        fake.away_port = taken.getsockname()[1]
        for _ in range(2):
            feed.send()
            wait_published(ingest, fake, feed, "a DataNode that is away")
            feed.check(fake.files)
        asked = [query.get("excludedatanodes") for step, query, _ in fake.seen if step == "CREATE"]
        assert None in asked and "127.0.0.1" in asked
        assert trouble(ingest) == 0
        assert kind_counted(ingest, "unreachable") > 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", ["MKDIRS", "LISTSTATUS_BATCH", "DELETE"])
def test_every_fault_while_taking_over(service, fake, feed, step):
    ingest = service("ingest", hdfs_urls=fake.url, **QUICK)
    for fault in STEPS.get(step, EVERYWHERE):
        ingest.kill()
        feed.send()
        fake.fired.clear()
        fake.fail(step, fault, times=TIMES.get(fault, 1), path="bitcoin_data")
        ingest.start(wait_ready=False)
        wait_until(lambda: fake.fired, f"{step} {fault} happens", 60)
        ingest.wait_ready(60)
        wait_published(ingest, fake, feed, f"{step} {fault}")
        feed.check(fake.files)
        if (step, fault) != ("DELETE", "empty"):
            assert trouble(ingest) > 0, f"{step} {fault} moved no metric"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("step", ["MKDIRS", "LISTSTATUS_BATCH", "CREATE", "DATA", "GETFILESTATUS",
                                  "RENAME"])
def test_killed_at_every_step(service, fake, feed, step):
    """SIGKILL before the call is carried out, and after it was."""
    ingest = service("ingest", hdfs_urls=fake.url, **QUICK)

    def kill(done):
        def at(handler):
            if done:
                handler.behave(answer=False)
            ingest.process.send_signal(signal.SIGKILL)
            handler.hang_up()
        return at
    for done in (False, True):
        fake.fired.clear()
        fake.fail(step, kill(done), path="bitcoin_data" if step in ("MKDIRS", "LISTSTATUS_BATCH")
                  else "part-")
        if step in ("MKDIRS", "LISTSTATUS_BATCH"):
            ingest.kill()
            ingest.start(wait_ready=False)
        feed.send()
        wait_until(lambda: fake.fired, f"{step} is reached", 60)
        ingest.process.wait(10)
        ingest.process = None
        ingest.start(wait_ready=False)
        wait_until(lambda: covered(fake.files) >= feed.count, f"all is published after {step}", 60)
        feed.check(fake.files)
    ingest.wait_ready(60)


@pytest.mark.timeout(120)
def test_two_namenodes(service, fake, feed):
    """Field case I02: standby, starting, refusing; the other in safe mode, then active."""
    other = FakeHdfs(fake.files)
    ingest = service("ingest", hdfs_urls=f"{fake.url},{other.url}", **QUICK)
    try:
        for first, second in (("standby", None), (None, "standby"), ("retriable", "safe-mode"),
                              ("safe-mode", "standby")):
            fake.mode, other.mode = first, second
            feed.send()
            if first and second:
                wait_until(lambda: not ingest.ready()[0], "readiness tells the truth")
                assert covered(fake.files) < feed.count
                other.mode = None
                fake.mode = "standby"
            wait_published(ingest, fake, feed, f"{first} and {second}")
            feed.check(fake.files)
        other.mode = None
        fake.close()  # refuses connections
        feed.send()
        wait_published(ingest, other, feed, "one that refuses")
        feed.check(other.files)
        ingest.wait_ready()
        assert ingest.metric("ingest_dead_letters_total", dataset="ticks") * 10 == feed.count
    finally:
        other.close()
        fake.server.server_close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault, kind", [("quota", "quota"), ("denied", "denied"),
                                         ("credential", "credential")])
def test_what_somebody_must_mend_blocks_that_output(service, fake, feed, fault, kind):
    """Field case I10: a clear state, nothing published meanwhile, and on without a restart."""
    ingest = service("ingest", hdfs_urls=fake.url, hdfs_token="very-secret",
                     flush_timeout_ms=2000, **QUICK)
    feed.send()
    wait_published(ingest, fake, feed, "the start")
    before = covered(fake.files)
    fake.fail("DATA", fault, times=1000, path="bitcoin_data")
    feed.send()

    def state():
        one = [p for p in ingest.get("/v1/status").json()["partitions"]
               if p["dataset"] == "ticks"][0]
        return one["state"] == "blocked" and one["error"]
    error = wait_until(state, "the output is blocked")
    assert error["kind"] == kind
    assert kind in ingest.wait_not_ready()
    assert covered(fake.files) == before
    assert ingest.post("/v1/flush").status_code == 503 if fault == "quota" else True
    fake.heal()
    wait_published(ingest, fake, feed, fault)
    feed.check(fake.files)
    ingest.wait_ready()
    assert ingest.metric("ingest_retries_total", kind=kind) > 0
    assert "very-secret" not in ingest.log()
    assert all(query.get("delegation") == "very-secret" for step, query, _ in fake.seen
               if step != "DATA")


@pytest.mark.timeout(120)
def test_a_datanode_that_only_the_cluster_knows(service, fake, feed):
    """Field case I04 (a)."""
    fake.datanode_host = "4f1c9e77ab02.invalid"
    ingest = service("ingest", hdfs_urls=fake.url, drain_timeout_s=2, **QUICK)
    feed.send()
    wait_until(lambda: "4f1c9e77ab02.invalid" in ingest.wait_not_ready(), "readiness names it")
    assert "hdfs_host_map" in ingest.log()
    assert covered(fake.files) == 0
    ingest.stop()
    ingest.settings["hdfs_host_map"] = "4f1c9e77ab02.invalid=127.0.0.1"
    ingest.start()
    wait_published(ingest, fake, feed, "the map")
    feed.check(fake.files)


@pytest.mark.timeout(120)
def test_the_memory_limit_pauses_and_goes_on(service, fake, feed, kafka):
    limit = 1_048_576
    ingest = service("ingest", hdfs_urls=fake.url, memory_limit_bytes=limit, **QUICK)
    fake.mode = "safe-mode"
    feed.send()
    count = 30_000
    kafka.produce(feed.topic, [ticks.json_of(feed.count + i) for i in range(count)])
    wait_until(lambda: "reading paused" in ingest.log(), "reading is paused", 60)
    most = limit + 2048 * 128  # what one poll brings on top
    paused = re.search(r'reading paused".* bytes=(\d+)', ingest.log())
    assert limit <= int(paused.group(1)) < most
    assert 0 < ingest.metric("ingest_memory_bytes") < most  # a moment later
    fake.heal()
    wait_until(lambda: covered(fake.files) == feed.count + count, "all is published", 60)
    ingest.wait_ready()
    rows = b"".join(data for _, data in sorted(fake.files.below(DATA).items())).splitlines()
    assert len(rows) == len(set(rows)) == count + 9
    assert ingest.metric("ingest_skipped_offsets_total") == 0


@pytest.mark.timeout(120)
def test_a_silent_datanode_does_not_cost_the_partition(service, fake, feed):
    """Field case I11: the group is polled while a write hangs."""
    patient = {**QUICK, "hdfs_idle_timeout_ms": 12000, "hdfs_timeout_ms": 12000,
               "kafka.max.poll.interval.ms": 6000}
    ingest = service("ingest", hdfs_urls=fake.url, **patient)
    feed.send()
    wait_published(ingest, fake, feed, "the start")
    rebalances = ingest.metric("ingest_rebalances_total")
    fake.fail("DATA", "slow", path="bitcoin_data")
    feed.send()
    wait_until(lambda: ingest.metric("ingest_retries_total", dataset="ticks", kind="timeout") == 1,
               "the write is given up")
    wait_published(ingest, fake, feed, "silence")
    feed.check(fake.files)
    assert ingest.metric("ingest_rebalances_total") == rebalances
