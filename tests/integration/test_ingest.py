# SPDX-License-Identifier: GPL-3.0-or-later
"""ingest on a real Kafka and a real HDFS: each offset in exactly one file, whatever happens."""
import json
import random
import signal
import threading

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewPartitions

from support import numbered_ticks as ticks, wait_until
from support.hdfs import HdfsClient

NEVER = {"rotate_rows": 10_000_000, "rotate_bytes": 536_870_912, "rotate_age_ms": 3_600_000,
         "rotate_idle_ms": 3_600_000}
EARLY = {"rotate_age_ms": 300, "rotate_idle_ms": 200}
DATA = "bitcoin_data"


def flush(ingest):
    answer = ingest.post("/v1/flush", timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["files"]


def partitions(ingest, dataset="ticks"):
    return [p for p in ingest.get("/v1/status").json()["partitions"] if p["dataset"] == dataset]


def wait_reading(ingest, count=1):
    wait_until(lambda: [p["state"] for p in partitions(ingest)] == ["reading"] * count,
               f"{count} partitions are read")


def wait_reason(ingest, words):
    """What /readyz says once it says these words."""
    return wait_until(lambda: (lambda said: words in said and said)(ingest.wait_not_ready()),
                      f"readiness tells of: {words}")


def wait_told(ingest, member):
    """The first partition's: the status follows readiness by a moment."""
    return wait_until(lambda: (lambda all: all and all[0][member])(partitions(ingest)),
                      f"the status tells {member}")


def published(hdfs, names):
    """How many offsets the files cover."""
    return sum(last - first + 1 for ranges in hdfs.offsets(names.hdfs_root, "ticks").values()
               for first, last in ranges)


def assert_exactly(hdfs, names, ends, numbers):
    """Every offset below `ends` in exactly one file, and the rows are those of `numbers`."""
    assert hdfs.offsets(names.hdfs_root, "ticks") == {p: [(0, end - 1)] for p, end in ends.items()
                                                      if end > 0}
    rows = hdfs.rows(names.hdfs_root, "ticks")
    assert len(rows) == len(set(rows))
    assert sorted(map(ticks.number_of, rows)) == sorted(numbers)


def staged(hdfs, names):
    return list(hdfs.walk(f"{names.hdfs_root}/staging"))


# --- what is written ------------------------------------------------------------------------------

def test_rows_are_those_of_the_topic(service, kafka, hdfs, names):
    ingest = service("ingest", **NEVER)
    wait_reading(ingest)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(500)])
    bar = {"timestamp": "2025-07-01T00:00:00.000000Z", "open": 1, "high": 3.5, "low": 0.5,
           "close": 2, "volume": 31661563904}
    kafka.produce(names.bars_topic, [json.dumps(bar)], key=b"BTC-USD")
    files = flush(ingest)
    shown = [(p["published_offset"], p["open"]["rows"]) for dataset in ("ticks", "bars")
             for p in partitions(ingest, dataset)]
    assert shown == [(499, 0), (0, 0)]  # whoever was answered finds it in the status
    assert {(f["dataset"], f["first_offset"], f["last_offset"], f["rows"]) for f in files} == {
        ("ticks", 0, 499, 500), ("bars", 0, 0, 1)}
    assert hdfs.rows(names.hdfs_root, "ticks") == [ticks.line(i) for i in range(500)]
    assert hdfs.rows(names.hdfs_root, "bars") == [",".join(map(str, bar.values()))]
    assert ingest.metric("ingest_published_rows_total", dataset="ticks") == 500
    wait_until(lambda: ingest.metric("ingest_lag_records", dataset="ticks") == 0, "nothing lags")
    assert staged(hdfs, names) == []
    assert flush(ingest) == []


def test_other_writers_json_is_taken(service, kafka, hdfs, names):
    """The original producer's form: a local time without a zone, derived members given; and one
    that leaves them out and adds its own."""
    ingest = service("ingest", **NEVER)
    given = {**ticks.fields(1), "timestamp": "2025-07-01T00:00:01.5"}
    bare = {k: v for k, v in ticks.fields(2).items() if not k.endswith("_normalized")}
    kafka.produce(names.ticks_topic, [json.dumps(given), json.dumps({**bare, "origin": "x"})])
    flush(ingest)
    first, second = hdfs.rows(names.hdfs_root, "ticks")
    assert first == ticks.line(1).replace("01.000000Z", "01.500000Z")
    assert second.split(",")[:5] == ticks.line(2).split(",")[:5]
    price = (20002.5 - 20000) / 40000
    assert [float(v) for v in second.split(",")[5:]] == [price, (20003.5 - 20000) / 40000,
                                                        (1002 - 1000) / 4000]
    assert hdfs.dead_letters(names.hdfs_root, "ticks") == []


@pytest.mark.parametrize("rule, expected", [
    ({"rotate_rows": 100}, [(0, 99), (100, 199)]),
    ({"rotate_bytes": 1024}, None),
    ({"rotate_age_ms": 700}, None),
    ({"rotate_idle_ms": 700}, [(0, 249)]),
])
def test_rotation(service, kafka, hdfs, names, rule, expected):
    kafka.create_topic(names.ticks_topic)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(250)])
    ingest = service("ingest", **{**NEVER, **rule})  # it reads them in one go
    enough = 200 if "rotate_rows" in rule else 230
    wait_until(lambda: published(hdfs, names) >= enough, "files are published by the rule")
    ranges = [(r.first, r.last) for r in hdfs.published(names.hdfs_root, "ticks")]
    if expected:
        assert ranges == expected
    if "rotate_bytes" in rule:
        sizes = [r.length for r in hdfs.published(names.hdfs_root, "ticks")]
        assert len(sizes) > 5 and all(1024 <= size < 1024 + 512 for size in sizes)
    if "rotate_rows" in rule:
        wait_until(lambda: partitions(ingest)[0]["open"]["rows"] == 50, "the rest is open")


def test_rotation_by_the_clock(service, kafka, hdfs, names):
    """No other rule is near: the files end because the clock goes on."""
    ingest = service("ingest", **NEVER, rotate_clock_s=1)
    wait_reading(ingest)
    for end in (5, 10):
        kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(end - 5, end)])
        wait_until(lambda: published(hdfs, names) == end, "files are published by the clock")
    assert_exactly(hdfs, names, {0: 10}, range(10))
    assert 5 in [r.first for r in hdfs.published(names.hdfs_root, "ticks")]


def check_letters_told(ingest, hdfs, names):
    """GET /v1/dead-letters: page by page what stands in the files."""
    path = f"{names.hdfs_root}/dead_letters/{DATA}"
    stored = [json.loads(line) for name in hdfs.names(path)
              for line in hdfs.read(f"{path}/{name}").decode().splitlines()]
    told, since, more = [], 0, True
    while more:
        answer = ingest.get("/v1/dead-letters", params={"dataset": "ticks", "partition": 0,
                                                        "since": since, "limit": 2})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["letters"]) <= 2 and page["next"] > since
        told, since, more = told + page["letters"], page["next"], page["more"]
    assert told == stored and since == 6
    nothing = ingest.get("/v1/dead-letters", params={"dataset": "bars", "partition": 7}).json()
    assert nothing == {"dataset": "bars", "partition": 7, "letters": [], "more": False, "next": 0}
    assert ingest.get("/v1/dead-letters", params={"dataset": "nothing"}).status_code == 400


def test_dead_letters_keep_every_byte(service, kafka, hdfs, names):
    """Field case I08."""
    ingest = service("ingest", **NEVER)
    values = [None, b"", b'{"price":107120.5}\n{"price":1}', b"\xff\xfe\x00",
              ticks.json_of(7), json.dumps({**ticks.fields(8), "buy_price": -1})]
    kafka.produce(names.ticks_topic, values, key=b"\x00k")
    assert [f["dead_letters"] for f in flush(ingest)] == [5]
    assert hdfs.rows(names.hdfs_root, "ticks") == [ticks.line(7)]
    assert hdfs.offsets(names.hdfs_root, "ticks") == {0: [(0, 5)]}
    letters = hdfs.dead_letters(names.hdfs_root, "ticks")
    assert [(d["offset"], d["raw"]) for d in letters] == [
        (i, v if v is None or isinstance(v, bytes) else v.encode())
        for i, v in enumerate(values) if i != 4]
    assert all(d["topic"] == names.ticks_topic and d["partition"] == 0 and d["text"]
               for d in letters)
    assert [d["reason"] for d in letters][:2] == ["null", "empty"]
    assert letters[-1]["reason"] == "out-of-range" and letters[-1]["field"] == "buy_price"
    assert ingest.metric("ingest_dead_letters_total", dataset="ticks") == 5
    check_letters_told(ingest, hdfs, names)
    assert ingest.metric("ingest_dead_letters_total", reason="null") == 1


def test_only_dead_letters_are_committed_by_an_empty_file(service, kafka, hdfs, names):
    ingest = service("ingest", **NEVER)
    kafka.produce(names.ticks_topic, ["no", "json"])
    flush(ingest)
    assert [(r.first, r.last, r.length) for r in hdfs.published(names.hdfs_root, "ticks")] == [
        (0, 1, 0)]
    assert len(hdfs.dead_letters(names.hdfs_root, "ticks")) == 2


def test_odd_folder_names(service, kafka, hdfs, names, stack):
    """Field case I05."""
    root = names.hdfs_root + "/btc ticks/p=100%/a+b/é"
    stack.hdfs.make_home(root)
    ingest = service("ingest", hdfs_root=root, **NEVER)
    kafka.produce(names.ticks_topic, [ticks.json_of(1)])
    assert flush(ingest)[0]["path"].startswith(root + "/data/")
    assert hdfs.rows(root, "ticks") == [ticks.line(1)]


# --- starting again -------------------------------------------------------------------------------

def test_goes_on_from_the_published_names(service, kafka, hdfs, names):
    ingest = service("ingest", **NEVER)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(10)])
    flush(ingest)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(10, 15)])
    wait_until(lambda: partitions(ingest)[0]["open"]["rows"] == 5, "five rows are open")
    ingest.stop()  # publishes what is open
    assert hdfs.offsets(names.hdfs_root, "ticks") == {0: [(0, 14)]}
    assert hdfs.list(f"{names.hdfs_root}/staging/{DATA}/0") == []
    # the names decide, not the group's offset: another group would start at the beginning
    again = service("ingest", group=names.group + "-other", **NEVER)
    kafka.produce(names.ticks_topic, [ticks.json_of(15)])
    flush(again)
    assert_exactly(hdfs, names, {0: 16}, range(16))


def test_recovery_clears_what_a_crash_left(service, kafka, hdfs, names):
    bitcoin = HdfsClient(hdfs.url, "bitcoin")
    data, dead = (f"{names.hdfs_root}/{part}/{DATA}" for part in ("data", "dead_letters"))
    name = "part-00000-{:020}-{:020}"
    rows = f"{ticks.line(0)}\n{ticks.line(1)}\n".encode()
    bitcoin.write(f"{data}/{name.format(0, 1)}.csv", rows)
    bitcoin.write(f"{dead}/{name.format(0, 1)}.jsonl", b"{}\n")
    bitcoin.write(f"{dead}/{name.format(2, 3)}.jsonl", b"{}\n")  # its rows were never published
    bitcoin.write(f"{names.hdfs_root}/staging/{DATA}/0/older/{name.format(2, 3)}.csv.1", b"half")
    kafka.create_topic(names.ticks_topic)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(4)])
    ingest = service("ingest", **NEVER)
    flush(ingest)
    assert_exactly(hdfs, names, {0: 4}, range(4))
    assert hdfs.names(dead) == [name.format(0, 1) + ".jsonl"]
    assert staged(hdfs, names) == []


@pytest.mark.timeout(300)
def test_killed_at_random_moments(service, kafka, hdfs, names):
    kafka.create_topic(names.ticks_topic, 2)
    ingest = service("ingest", rotate_rows=500, **EARLY, **{"kafka.session.timeout.ms": 6000,
                                                            "kafka.group.instance.id": "one"})
    count, dice = 30_000, random.Random(3)
    producer = threading.Thread(target=kafka.produce, args=(
        names.ticks_topic, [ticks.json_of(i) for i in range(count)]))
    producer.start()
    for _ in range(8):
        before = published(hdfs, names)
        wait_until(lambda: published(hdfs, names) > before or before == count,
                   "something is published", 60)
        wait_until(lambda: dice.random() < 0.02, "a moment", poll_s=0.01)
        ingest.kill()
        ingest.start(wait_ready=False)
    producer.join()
    ingest.wait_ready()
    wait_until(lambda: published(hdfs, names) == count, "all is published", 60)
    assert_exactly(hdfs, names, kafka.end_offsets(names.ticks_topic), range(count))


# --- several owners -------------------------------------------------------------------------------

SESSION = {"kafka.session.timeout.ms": 6000, "kafka.heartbeat.interval.ms": 1000,
           "kafka.max.poll.interval.ms": 8000, "revoke_timeout_ms": 3000}


def spread(instances, count):
    def now():
        held = [len(partitions(one)) for one in instances]
        return sum(held) == count and min(held) > 0
    wait_until(now, "the partitions are spread", 60)


def test_a_member_leaves_in_time_while_another_one_is_silent(service, kafka, hdfs, names):
    """A join waits for the silent one, and the coordinator answers nothing that comes after it on
    the connection: neither the commit of what is published at the end, nor the leaving."""
    kafka.create_topic(names.ticks_topic, 4)
    more = {"kafka.debug": "cgrp", "log_level": "debug", "kafka.heartbeat.interval.ms": 500}
    silent, ingest = [service("ingest", **NEVER, **more) for _ in range(2)]
    spread((silent, ingest), 4)
    mine = {p["partition"] for p in partitions(ingest)}
    for partition in range(4):
        kafka.produce(names.ticks_topic, [ticks.json_of(partition)], partition=partition)
    wait_until(lambda: ingest.metric("ingest_memory_bytes") > 0, "it holds records")
    silent.process.send_signal(signal.SIGSTOP)
    try:
        joins = ingest.log().count("-> wait-join")
        service("ingest", wait_ready=False, **NEVER)
        wait_until(lambda: ingest.log().count("-> wait-join") > joins, "it joins again")
        ingest.stop(limit_s=15)
        assert "the consumer group was not left" in ingest.log()
        assert set() < set(hdfs.offsets(names.hdfs_root, "ticks")) <= mine
    finally:
        silent.process.send_signal(signal.SIGCONT)


@pytest.mark.timeout(300)
def test_a_sleeper_is_fenced(service, kafka, hdfs, names):
    """Field case I11: stopped past its session in the middle of its work, then continued."""
    kafka.create_topic(names.ticks_topic, 4)
    both = [service("ingest", rotate_rows=200, **EARLY, **SESSION) for _ in range(2)]
    spread(both, 4)
    stop, sent = threading.Event(), []

    def keep_producing():
        producer = KafkaProducer(bootstrap_servers=kafka.address, acks="all", linger_ms=5)
        while not stop.is_set():
            futures = [producer.send(names.ticks_topic, ticks.json_of(len(sent) + k).encode())
                       for k in range(100)]
            for future in futures:
                future.get(30)
            sent.extend(range(len(sent), len(sent) + 100))
            stop.wait(0.05)  # no faster than files of 200 rows can be published
        producer.close()
    thread = threading.Thread(target=keep_producing)
    thread.start()
    try:
        for _ in range(2):
            wait_until(lambda: all(p["published_offset"] for p in partitions(both[0])),
                       "the first one publishes")
            both[0].process.send_signal(signal.SIGSTOP)
            wait_until(lambda: len(partitions(both[1])) == 4, "the other one took over", 60)
            at = published(hdfs, names)
            wait_until(lambda: published(hdfs, names) > at + 400, "and publishes", 60)
            both[0].process.send_signal(signal.SIGCONT)
            spread(both, 4)
    finally:
        both[0].process.send_signal(signal.SIGCONT)
        stop.set()
        thread.join()
    wait_until(lambda: published(hdfs, names) == len(sent), "all is published", 60)
    assert_exactly(hdfs, names, kafka.end_offsets(names.ticks_topic), sent)
    assert [one.metric("ingest_skipped_offsets_total") for one in both] == [0, 0]
    for one in both:
        one.stop()
    assert staged(hdfs, names) == []


@pytest.mark.timeout(240)
def test_an_instance_joins_and_leaves(service, kafka, hdfs, names):
    kafka.create_topic(names.ticks_topic, 3)
    patient = {**SESSION, "kafka.max.poll.interval.ms": 60000, "revoke_timeout_ms": 20000}
    first = service("ingest", **NEVER, **patient)
    wait_reading(first, 3)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(300)])
    wait_until(lambda: sum(p["open"]["rows"] for p in partitions(first)) == 300, "all is open")
    second = service("ingest", **NEVER, **patient)
    spread([first, second], 3)
    # what went over was published before it went
    moved = {p["partition"] for p in partitions(second)}
    assert moved == set(hdfs.offsets(names.hdfs_root, "ticks"))
    second.stop()
    wait_reading(first, 3)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(300, 330)])
    flush(first)
    assert_exactly(hdfs, names, kafka.end_offsets(names.ticks_topic), range(330))


def test_new_partitions_are_picked_up(service, kafka, hdfs, names):
    kafka.create_topic(names.ticks_topic, 1)
    ingest = service("ingest", partition_refresh_ms=500, **NEVER)
    wait_reading(ingest)
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_partitions({names.ticks_topic: NewPartitions(2)})
    admin.close()
    wait_reading(ingest, 2)
    kafka.produce(names.ticks_topic, [ticks.json_of(0)], partition=1)
    flush(ingest)
    assert hdfs.offsets(names.hdfs_root, "ticks") == {1: [(0, 0)]}


# --- what Kafka does ------------------------------------------------------------------------------

def test_transactions_leave_gaps_that_ranges_cover(service, kafka, hdfs, names):
    kafka.create_topic(names.ticks_topic)
    ingest = service("ingest", **NEVER)
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=names.group)
    producer.init_transactions()
    for number, end in ((1, producer.commit_transaction), (2, producer.abort_transaction),
                        (3, producer.commit_transaction)):
        producer.begin_transaction()
        producer.send(names.ticks_topic, ticks.json_of(number).encode())
        producer.flush()
        end()
        kafka.wait_settled(names.ticks_topic)
        if number == 1:
            assert len(flush(ingest)) == 1
    producer.close()
    flush(ingest)
    ranges = hdfs.offsets(names.hdfs_root, "ticks")[0]
    assert ranges == [(0, 4)]  # offsets 1 and 3 are markers, 2 was taken back
    assert [ticks.number_of(row) for row in hdfs.rows(names.hdfs_root, "ticks")] == [1, 3]
    assert ingest.metric("ingest_skipped_offsets_total", dataset="ticks") == 3


def test_retention_that_passed_us_is_said(service, kafka, hdfs, names):
    ingest = service("ingest", **NEVER)
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(10)])
    flush(ingest)
    ingest.stop()
    kafka.produce(names.ticks_topic, [ticks.json_of(i) for i in range(10, 30)])
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.delete_records({TopicPartition(names.ticks_topic, 0): 20})
    admin.close()
    ingest.start(wait_ready=False)
    assert "offsets 10 to 19" in wait_reason(ingest, "deleted from Kafka")
    wait_told(ingest, "lost")
    flush(ingest)  # what is left is read at once
    assert hdfs.offsets(names.hdfs_root, "ticks") == {0: [(0, 9), (20, 29)]}
    assert ingest.metric("ingest_lost_offsets_total", dataset="ticks") == 10
    ingest.stop()  # a restart is no acknowledgement
    ingest.start(wait_ready=False)
    wait_reason(ingest, "offsets 10 to 19")
    wait_told(ingest, "lost")
    answer = ingest.post("/v1/partitions/0/acknowledge-loss?dataset=ticks")
    assert answer.status_code == 202
    assert answer.json() == {"acknowledged": [{"first_offset": 10, "last_offset": 19}]}
    ingest.wait_ready()
    wait_until(lambda: hdfs.offsets(names.hdfs_root, "ticks") == {0: [(0, 29)]}, "no hole is left")
    assert ingest.post("/v1/partitions/0/acknowledge-loss?dataset=ticks").status_code == 409


def test_a_topic_made_anew_is_refused(service, kafka, hdfs, names):
    bitcoin = HdfsClient(hdfs.url, "bitcoin")
    bitcoin.write(f"{names.hdfs_root}/data/{DATA}/part-00000-{0:020}-{99:020}.csv", b"")
    kafka.create_topic(names.ticks_topic)
    kafka.produce(names.ticks_topic, [ticks.json_of(0)])
    ingest = service("ingest", wait_ready=False, **NEVER)
    assert names.ticks_topic in wait_reason(ingest, "made anew")
    assert wait_told(ingest, "error")["kind"] == "conflict"
    assert partitions(ingest)[0]["state"] == "blocked"


def test_leaves_in_time_without_hdfs(service, kafka, names):
    """What can't be published will be read again; SIGTERM is obeyed all the same."""
    ingest = service("ingest", wait_ready=False, hdfs_urls="http://127.0.0.1:9",
                     drain_timeout_s=5, **NEVER)
    wait_reason(ingest, '"hdfs":{"met":false')
    ingest.stop(limit_s=15)


# --- the API --------------------------------------------------------------------------------------

def test_answers_of_the_api(service, names):
    ingest = service("ingest", **NEVER)
    wait_reading(ingest)
    one = ingest.get("/v1/partitions/0").json()["partitions"]
    assert {p["dataset"] for p in one} == {"ticks", "bars"}
    for path in ("/v1/partitions/7", "/v1/partitions/x", "/v1/partitions/-1"):
        answer = ingest.get(path)
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("no-such-partition")
    bad = ingest.post("/v1/partitions/0/acknowledge-loss?dataset=tocks")
    assert bad.status_code == 400 and "tocks" in bad.json()["detail"]
    assert ingest.get("/v1/flush").status_code == 405
    assert ingest.get("/openapi.json").json()["info"]["title"] == "Tickline ingest service"
