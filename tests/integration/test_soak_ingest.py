# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: three ingests share three partitions while they and the servers are killed, stopped
and brought back at random; in the end every offset is in exactly one file."""
import contextlib
import json
import os
import random
import signal
import time

import pytest
import requests

from support import wait_until
from support.ticks import row_values, values

RECORDS = int(os.environ.get("SOAK_RECORDS", 2_000_000))
ROUNDS = int(os.environ.get("SOAK_ROUNDS", 40))
PARTITIONS = INSTANCES = 3
SESSION_S, CATCH_UP_S, MEMORY_LIMIT_MB, SAMPLE = 6, 900, 256, 20000
SETTINGS = {"topic_partitions": PARTITIONS, "rotate_rows": 20000, "rotate_idle_ms": 500,
            "retry_max_ms": 1000, "kafka.session.timeout.ms": SESSION_S * 1000,
            "kafka.heartbeat.interval.ms": 1000, "kafka.max.poll.interval.ms": 15000,
            "kafka.reconnect.backoff.max.ms": 1000}


class Chaos:
    """Each deed leaves things as it found them, but for what it is about."""

    def __init__(self, stack, instances, chance):
        self.stack, self.instances, self.chance = stack, instances, chance
        self.done, self.peak = {}, 0

    def deed(self):
        name = self.chance.choice(("kill", "kill", "sleep", "leave", "kafka", "namenode", "datanode"))
        self.done[name] = self.done.get(name, 0) + 1
        one = self.chance.choice(self.instances)
        self.peak = max(self.peak, one.peak_mb())
        getattr(self, name, lambda _: self.server(name))(one)

    def kill(self, one):
        one.kill()
        one.start(wait_ready=False)

    def sleep(self, one):
        """Past its session, so that it wakes with work that is another's by then."""
        one.process.send_signal(signal.SIGSTOP)
        time.sleep(SESSION_S + self.chance.uniform(0.5, 4))
        one.process.send_signal(signal.SIGCONT)

    def leave(self, one):
        one.stop(limit_s=60)
        time.sleep(self.chance.uniform(0, 3))
        one.start(wait_ready=False)

    def server(self, name):
        if self.chance.random() < 0.5:
            self.stack.kill(name)  # its supervisor starts it again
        else:
            self.stack.stop_server(name)
            time.sleep(self.chance.uniform(0, 8))
            self.stack.start_server(name)
        self.stack.wait()


def held(hdfs, names):
    with contextlib.suppress(requests.RequestException):
        ranges = hdfs.offsets(names.hdfs_root, "ticks").values()
        return sum(last - first + 1 for found in ranges for first, last in found)
    return -1


@pytest.mark.soak
@pytest.mark.disturbs
@pytest.mark.timeout(3600)
def test_two_million_ticks_through_three_instances(service, stack, kafka, hdfs, names):
    seed = int(os.environ.get("TICKLINE_SOAK_SEED", time.time_ns() % 1_000_000))
    print(f"\nTICKLINE_SOAK_SEED={seed}")
    chance = random.Random(seed)
    gateway = service("gateway", topic_partitions=PARTITIONS, delivery_timeout_ms=60000)
    instances = [service("ingest", wait_ready=False, **SETTINGS) for _ in range(INSTANCES)]
    began = time.monotonic()
    started = gateway.post("/v1/sources", {"type": "simulator", "rate_per_s": 15000,
                                           "count": RECORDS, "seed": seed})
    assert started.status_code == 201, started.text
    source = f"/v1/sources/{started.json()['id']}"
    chaos = Chaos(stack, instances, chance)
    for _ in range(ROUNDS):
        time.sleep(chance.uniform(0, 3))
        chaos.deed()
    wait_until(lambda: gateway.get(source).json()["state"] == "done", "all are sent", CATCH_UP_S)
    ends = kafka.end_offsets(names.ticks_topic)
    assert sum(ends.values()) >= RECORDS
    wait_until(lambda: held(hdfs, names) == sum(ends.values()), "all are on HDFS", CATCH_UP_S, 1)
    took_s = time.monotonic() - began
    for one in instances:
        chaos.peak = max(chaos.peak, one.peak_mb())
        one.stop(limit_s=60)

    assert hdfs.offsets(names.hdfs_root, "ticks") == {p: [(0, end - 1)] for p, end in ends.items()}
    rows = hdfs.rows_by_offset(names.hdfs_root, "ticks")
    messages = kafka.read_all(names.ticks_topic, 900)
    assert len(rows) == len(messages) == sum(ends.values())
    for message in chance.sample(messages, min(SAMPLE, len(messages))):
        assert row_values(rows[message.partition, message.offset]) == \
            values(json.loads(message.value))
    assert list(hdfs.walk(f"{names.hdfs_root}/staging")) == []
    assert chaos.peak < MEMORY_LIMIT_MB
    print(f"{sum(ends.values())} offsets in {took_s:.0f} s, through {chaos.done}; "
          f"peak {chaos.peak:.0f} MB")
