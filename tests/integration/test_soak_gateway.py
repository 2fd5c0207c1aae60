# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: the gateway under a load that lasts, not part of `make test`."""
import itertools
import json
import os
import random
import threading
import time
import uuid

import pytest
import requests

from support import wait_until

RECORDS = int(os.environ.get("SOAK_RECORDS", 2_000_000))
BODY_BYTES = int(os.environ.get("SOAK_BODY_BYTES", 10_000_000_000))
BATCH, CLIENTS, RESTARTS, MEMORY_LIMIT_MB = 1000, 64, 3, 128
LINE = ('{{"timestamp":1751328000000,"buy_price":107120.5,"sell_price":107120.5,'
        '"volume":{},"volatility":1.5}}')


class Clients:
    """Each posts batches with an Idempotency-Key, again and again until an answer says what became
    of every record; now and then one gives up waiting and asks with the same key."""

    def __init__(self, gateway, batches):
        self.url = gateway.url + "/v1/ticks?detail=records"
        self.batches = iter(range(batches))
        self.places, self.by_outcome, self.statuses = {}, {}, {}
        self.gave_up = self.replayed = 0
        self.error = None
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(seed,), daemon=True)
                        for seed in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, seed):
        chance = random.Random(seed)
        try:
            with requests.Session() as session:
                while (batch := self.next_batch()) is not None:
                    self.deliver(session, batch, chance)
        except Exception as error:  # told by the test's own thread
            self.error = error

    def next_batch(self):
        with self.lock:
            return next(self.batches, None)

    def deliver(self, session, batch, chance):
        first = batch * BATCH
        body = "\n".join(LINE.format(volume) for volume in range(first, first + BATCH))
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": str(uuid.uuid4())}
        while True:
            patience_s = chance.choice((0.05, 60, 60, 60))
            try:
                answer = session.post(self.url, data=body, headers=headers, timeout=patience_s)
            except requests.RequestException:
                with self.lock:
                    self.gave_up += 1
                continue
            with self.lock:
                self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
                self.replayed += "Idempotency-Replayed" in answer.headers
            if answer.status_code in (409, 429, 503):
                time.sleep(min(1, int(answer.headers.get("Retry-After", 1))) * chance.random())
                continue
            return self.note(first, answer.json()["records"])

    def note(self, first, records):
        with self.lock:
            for record in records:
                volume, outcome = first + record["index"], record["outcome"]
                self.by_outcome.setdefault(outcome, set()).add(volume)
                if outcome == "accepted":
                    self.places[volume] = record["partition"], record["offset"]

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.error:
            raise self.error


@pytest.mark.soak
@pytest.mark.disturbs
@pytest.mark.timeout(3600)
def test_two_million_records_over_three_restarts_of_kafka(service, stack, kafka, names):
    gateway = service("gateway", delivery_timeout_ms=4000, answer_timeout_ms=8000,
                      broker_timeout_ms=1000)
    began = time.monotonic()
    clients = Clients(gateway, RECORDS // BATCH)
    for restart in range(1, RESTARTS + 1):
        due = RECORDS * restart // (RESTARTS + 1)
        wait_until(lambda: len(clients.places) >= due or clients.error, "the load goes on", 1200)
        stack.kill("kafka")
        gateway.wait_not_ready(60)
        stack.wait()
    clients.join()
    took_s = time.monotonic() - began
    assert clients.by_outcome.keys() <= {"accepted", "unknown", "unavailable"}
    told = sum(map(len, clients.by_outcome.values()))
    assert told == RECORDS

    messages = kafka.read_all(names.ticks_topic, 900)
    stored = {(m.partition, m.offset): json.loads(m.value)["volume"] for m in messages}
    volumes = list(stored.values())
    assert len(volumes) == len(set(volumes)), "a record was stored twice"
    wrong = [v for v, place in clients.places.items() if stored.get(place) != v]
    assert not wrong, f"{len(wrong)} accepted records are not where the answer said: {wrong[:5]}"
    assert not set(volumes) & clients.by_outcome.get("unavailable", set())
    assert set(volumes) <= set(itertools.chain(*clients.by_outcome.values()))
    assert gateway.peak_mb() < MEMORY_LIMIT_MB
    counts = {name: len(found) for name, found in clients.by_outcome.items()}
    print(f"\n{RECORDS} records in {took_s:.0f} s: {counts}; answers {clients.statuses}, of which "
          f"{clients.replayed} replayed; given up {clients.gave_up} times; "
          f"peak {gateway.peak_mb():.0f} MB")


def body_of(total_bytes):
    """NDJSON in pieces of a thousand lines; a member that the gateway ignores makes them long."""
    line = json.dumps({**json.loads(LINE.format(0)), "note": "x" * 400}) + "\n"
    piece = (line * BATCH).encode()
    for _ in range(total_bytes // len(piece)):
        yield piece


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_gigabytes_in_one_body(service):
    gateway = service("gateway", http_body_limit_bytes=2 * BODY_BYTES, unknown_members="ignore",
                      http_body_timeout_ms=3600000, http_request_timeout_ms=60000)
    before_mb = gateway.peak_mb()
    began = time.monotonic()
    answer = requests.post(f"{gateway.url}/v1/ticks", data=body_of(BODY_BYTES), timeout=3600,
                           headers={"Content-Type": "application/x-ndjson"})
    took_s = time.monotonic() - began
    said = answer.json()
    assert answer.status_code == 200, said
    assert said["accepted"] == gateway.metric("gateway_records_total", outcome="accepted")
    assert gateway.metric("gateway_request_bytes_total") >= BODY_BYTES * 0.99
    assert gateway.peak_mb() < MEMORY_LIMIT_MB
    print(f"\n{said['accepted']} records of one body of {BODY_BYTES / 1e9:.1f} GB in {took_s:.0f} "
          f"s; peak {before_mb:.0f} MB before, {gateway.peak_mb():.0f} MB after")
