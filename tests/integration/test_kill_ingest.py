# SPDX-License-Identifier: GPL-3.0-or-later
"""ingest is killed by SIGKILL at random moments while ticks pour in: in the end every offset of the
topic is in exactly one file, with the row of that very tick."""
import json
import os
import random
import threading
import time

import pytest
import requests

from support import wait_until
from support.ticks import original_tick, row_values, values

TICKS = 200_000
KILLS, FAR_KILLS = 10, 3
BATCH = 1000
PARTITIONS = 3
CATCH_UP_S = 240


class Feed(threading.Thread):
    """Posts ticks to the gateway as NDJSON, a batch at a time, as far as `allow(n)` lets it."""

    def __init__(self, gateway, ticks):
        super().__init__(daemon=True)
        self.gateway, self.ticks, self.accepted, self.error = gateway, ticks, 0, None
        self.allowed = threading.Semaphore(0)
        self.start()

    def allow(self, count):
        for _ in range(count // BATCH):
            self.allowed.release()

    def run(self):
        try:
            for first in range(0, len(self.ticks), BATCH):
                self.allowed.acquire()
                body = "\n".join(json.dumps(tick) for tick in self.ticks[first:first + BATCH])
                answer = self.gateway.post("/v1/ticks", body, "application/x-ndjson")
                assert answer.status_code == 200, answer.text
                self.accepted += answer.json()["accepted"]
        except Exception as error:  # told by the test's own thread
            self.error = error

    def finish(self):
        self.join(CATCH_UP_S)
        if self.error:
            raise self.error
        assert self.accepted == len(self.ticks)


def published_since_start(ingest):
    try:
        return ingest.metric("ingest_published_rows_total")
    except requests.ConnectionError:  # it does not listen yet
        return 0


def held_offsets(hdfs, names):
    """How many offsets the files hold; asserts on the way that none is held twice."""
    ranges = hdfs.offsets(names.hdfs_root, "ticks").values()
    return sum(last - first + 1 for found in ranges for first, last in found)


@pytest.mark.timeout(900)
def test_ten_kills_lose_and_double_nothing(service, kafka, hdfs, names):
    seed = int(os.environ.get("TICKLINE_KILL_SEED", time.time_ns() % 1_000_000))
    print(f"TICKLINE_KILL_SEED={seed}")  # shown by pytest when the test fails
    chance = random.Random(seed)
    ticks = [original_tick(chance) for _ in range(TICKS)]
    gateway = service("gateway", topic_partitions=PARTITIONS)
    # Small files, so that a kill meets every step of the protocol. Most of the killed are static
    # members, who come back to their partitions at once; those of the others are free only when
    # the shortest session that Kafka allows is over, and then somebody else's by all that Kafka knows.
    ingest = service("ingest", rotate_rows=2000, rotate_idle_ms=100, topic_partitions=PARTITIONS,
                     **{"kafka.session.timeout.ms": 6000, "kafka.heartbeat.interval.ms": 1000,
                        "kafka.group.instance.id": "one"})
    feed = Feed(gateway, ticks)
    busy = 0
    for kill in range(KILLS):
        feed.allow(TICKS // (KILLS + 1) // BATCH * BATCH)
        wait_until(lambda: published_since_start(ingest), "the new ingest publishes", CATCH_UP_S)
        time.sleep(chance.uniform(0, 0.4))  # the random moment, not a wait for something
        ingest.kill()
        busy += held_offsets(hdfs, names) < sum(kafka.end_offsets(names.ticks_topic).values())
        if kill == KILLS - 1:  # large files from now on: only the end result matters
            ingest.settings.pop("rotate_rows")
        if kill == KILLS - FAR_KILLS:
            ingest.settings.pop("kafka.group.instance.id")
        ingest.start(wait_ready=False)
    feed.allow(TICKS)
    feed.finish()
    ingest.wait_ready(CATCH_UP_S)
    wait_until(lambda: held_offsets(hdfs, names) >= TICKS, "every offset is in a file", CATCH_UP_S,
               poll_s=0.5)

    messages = kafka.read_all(names.ticks_topic)
    rows = hdfs.rows_by_offset(names.hdfs_root, "ticks")
    assert len(messages) == TICKS
    assert sorted(rows) == [(message.partition, message.offset) for message in messages]
    for message in messages:
        assert row_values(rows[message.partition, message.offset]) == \
            values(json.loads(message.value))
    assert hdfs.dead_letters(names.hdfs_root, "ticks") == []
    assert busy >= KILLS // 2, f"only {busy} kills met an ingest with work left; seed {seed}"
