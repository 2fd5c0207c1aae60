# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /v1/dead-letters/replay: what was refused and would be taken now becomes a row, once, however
often it is asked for and whatever breaks meanwhile."""
import itertools
import json
import threading
import time

import pytest
import requests
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from support import numbered_ticks as ticks, wait_until

NEVER = {"rotate_rows": 10_000_000, "rotate_bytes": 536_870_912, "rotate_age_ms": 3_600_000,
         "rotate_idle_ms": 3_600_000}
# Prices are divided by almost nothing, and what comes out is no number any more.
NARROW = {"price_low": 0, "price_high": 1e-305}
HEADERS = "tickline-replayed-partition", "tickline-replayed-offset"


def bare(i):
    """A tick whose normalised prices ingest has to compute."""
    return json.dumps({k: v for k, v in ticks.fields(i).items() if not k.endswith("_normalized")})


def flush(ingest):
    answer = ingest.post("/v1/flush", timeout=60)
    assert answer.status_code == 200, answer.text


def replay(ingest, **query):
    answer = ingest.post("/v1/dead-letters/replay", params={"dataset": "ticks", **query},
                         timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(answer):
    return answer["replayed"], answer["skipped"], answer["still_bad"]


def numbers(hdfs, names):
    return sorted(map(ticks.number_of, hdfs.rows(names.hdfs_root, "ticks")))


@pytest.fixture
def refused(service, kafka, names):
    """refused(values): they are dead letters now; returns the ingest, stopped."""
    def refuse(values, **settings):
        kafka.create_topic(names.ticks_topic)
        ingest = service("ingest", **NEVER, **NARROW, **settings)
        kafka.produce(names.ticks_topic, values, key=b"\x00k", partition=0)
        flush(ingest)
        ingest.stop()
        for name in NARROW:
            del ingest.settings[name]
        return ingest
    return refuse


def copies(kafka, topic, limit_s=60):
    """{offset that a record was sent from: how many committed copies there are}, and the copies."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.address, enable_auto_commit=False,
                             isolation_level="read_committed", auto_offset_reset="earliest")
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end, limit = kafka.end_offsets(topic, "read_committed")[0], time.monotonic() + limit_s
    found, sent = {}, []
    while consumer.position(partition) < end:
        assert time.monotonic() < limit, f"{topic} was not read within {limit_s} s"
        for record in itertools.chain(*consumer.poll(timeout_ms=500).values()):
            headers = dict(record.headers)
            if HEADERS[1] in headers:
                offset = int(headers[HEADERS[1]])
                found[offset] = found.get(offset, 0) + 1
                sent.append((record, headers))
    consumer.close()
    return found, sent


def test_what_is_good_now_becomes_a_row_once(refused, kafka, hdfs, names):
    ingest = refused([bare(i) for i in range(6)] + ["never", None, ticks.json_of(8)] +
                     [bare(i) for i in range(9, 12)])
    assert numbers(hdfs, names) == [8]
    ingest.start()
    check_wrong_questions(ingest)
    looked = replay(ingest, dry_run="true")
    assert counts(looked) == (9, 0, 2) and looked["dry_run"] is True
    assert looked["reasons"] == {"not-json": 1, "null": 1} and looked["more"] is False
    assert f"{names.ticks_topic}.replayed" not in kafka.topics()

    first = replay(ingest, limit=4)
    assert counts(first) == (4, 0, 0) and first["more"] is True and first["next"] == 4
    assert counts(replay(ingest, since=9, until=10, reason="not-finite")) == (2, 0, 0)
    assert counts(replay(ingest, reason="null")) == (0, 0, 1)
    rest = replay(ingest)
    assert counts(rest) == (3, 6, 2) and rest["more"] is False and rest["next"] == 12
    again = replay(ingest)
    assert counts(again) == (0, 9, 2)
    kafka.wait_settled(names.ticks_topic)
    flush(ingest)
    assert numbers(hdfs, names) == list(range(6)) + [8] + list(range(9, 12))
    assert len(hdfs.dead_letters(names.hdfs_root, "ticks")) == 11

    found, sent = copies(kafka, names.ticks_topic)
    assert found == {offset: 1 for offset in [0, 1, 2, 3, 4, 5, 9, 10, 11]}
    originals = {m.offset: m for m in kafka.read_all(names.ticks_topic)}
    for record, headers in sent:
        original = originals[int(headers[HEADERS[1]])]
        assert headers[HEADERS[0]] == b"0" and record.key == b"\x00k"
        assert (record.value, record.timestamp) == (original.value, original.timestamp_ms)
    assert ingest.metric("ingest_replayed_records_total", outcome="replayed") == 9
    assert ingest.metric("ingest_replayed_records_total", outcome="skipped") == 15
    assert "by=anonymous" in ingest.log() and "dead letters replayed" in ingest.log()


def check_wrong_questions(ingest):
    for query, words in (({"dry_run": "perhaps"}, "dry_run"), ({"limit": 0}, "limit"),
                         ({"reason": "No Reason"}, "reason"), ({"dataset": "trades"}, "dataset")):
        answer = ingest.post("/v1/dead-letters/replay", params={"dataset": "ticks", **query})
        assert answer.status_code == 400 and words in answer.json()["detail"]


class EndOfLog:
    """Where a partition ends, records of open transactions included."""

    def __init__(self, kafka, topic):
        self.consumer = KafkaConsumer(bootstrap_servers=kafka.address)
        self.partition = TopicPartition(topic, 0)

    def offset(self):
        return self.consumer.end_offsets([self.partition])[self.partition]


@pytest.mark.timeout(180)
def test_killed_in_the_middle(refused, kafka, hdfs, names):
    """Each killed call may have done all or nothing of its part."""
    kills, part = 4, 40
    ingest = refused([bare(i) for i in range(kills * part)],
                     **{"kafka.group.instance.id": "one", "kafka.session.timeout.ms": 6000})
    end = EndOfLog(kafka, names.ticks_topic)
    for kill in range(kills):
        ingest.start(wait_ready=False)
        ingest.wait_listening()
        before = end.offset()
        asked = threading.Thread(target=ask_and_be_cut, args=(ingest, kill * part, part))
        asked.start()
        # A moment; as soon as something of it is in the log, perhaps not committed; when all of it is.
        if kill % 3 == 0:
            asked.join(0.1 * kill)
        else:
            enough = 1 if kill % 3 == 1 else part + 1
            wait_until(lambda: end.offset() >= before + enough, "records are sent", 60, poll_s=0)
        ingest.kill()
        asked.join()
    end.consumer.close()
    ingest.start()
    answer = replay(ingest)
    assert answer["replayed"] + answer["skipped"] == kills * part
    print(f"{answer['skipped'] // part} of the killed calls were committed")
    assert counts(replay(ingest)) == (0, kills * part, 0)
    kafka.wait_settled(names.ticks_topic)
    flush(ingest)
    assert copies(kafka, names.ticks_topic)[0] == {offset: 1 for offset in range(kills * part)}
    assert numbers(hdfs, names) == list(range(kills * part))


def ask_and_be_cut(ingest, since, limit):
    try:
        ingest.post("/v1/dead-letters/replay",
                    params={"dataset": "ticks", "since": since, "limit": limit}, timeout=60)
    except requests.RequestException:
        pass


def test_nothing_is_replayed_while_kafka_or_the_ledger_is_not_to_be_had(refused, service, kafka, names):
    ingest = refused([bare(0), bare(1)])
    away = service("ingest", wait_ready=False, kafka_brokers="127.0.0.1:9", replay_timeout_ms=1000)
    away.wait_listening()
    answer = away.post("/v1/dead-letters/replay?dataset=ticks")
    assert answer.status_code == 503 and "nothing was replayed" in answer.json()["detail"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert away.metric("ingest_replayed_records_total") == 0

    ingest.settings["replay_timeout_ms"] = 15000
    ingest.start(wait_ready=False)
    ingest.wait_listening()
    assert counts(replay(ingest, limit=1)) == (1, 0, 0)
    ledger = f"{names.ticks_topic}.replayed"
    other = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=names.group)
    other.init_transactions()
    other.begin_transaction()
    entry = {"partition": 0, "offsets": [[1, 1]]}
    other.send(ledger, json.dumps(entry).encode(), key=b"0:1").get(30)
    answer = ingest.post("/v1/dead-letters/replay?dataset=ticks", timeout=60)
    assert answer.status_code == 503 and "unfinished" in answer.json()["detail"], answer.text
    other.commit_transaction()
    assert counts(replay(ingest)) == (0, 2, 0)  # what the other one says is believed
    other.begin_transaction()
    other.send(ledger, b"no entry", key=b"0:2").get(30)
    other.commit_transaction()
    other.close()
    answer = ingest.post("/v1/dead-letters/replay?dataset=ticks", timeout=60)
    assert answer.status_code == 503 and "can't be read" in answer.json()["detail"], answer.text
