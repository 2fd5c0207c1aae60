# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka and HDFS away, at the start and in the middle: the services run, say not ready and why,
recover by themselves, and what was acknowledged is in the topic and, once, on HDFS."""
import collections
import contextlib
import json
import threading

import pytest
import requests

from support import wait_until

pytestmark = pytest.mark.disturbs
RECOVERY_S = 120
TICK = {"timestamp": "2026-01-02T03:04:05Z", "buy_price": 107120.5, "sell_price": 107119.25,
        "volatility": 0.5}
# Small limits, so that an outage is met at every step within seconds.
GATEWAY = {"delivery_timeout_ms": 4000, "answer_timeout_ms": 6000, "broker_timeout_ms": 1000}
INGEST = {"rotate_age_ms": 1000, "rotate_idle_ms": 300, "retry_max_ms": 1000,
          "kafka.session.timeout.ms": 6000, "kafka.heartbeat.interval.ms": 1000,
          "kafka.reconnect.backoff.max.ms": 1000}


@contextlib.contextmanager
def away(stack, *servers):
    """These servers are stopped within the block, and usable again after it."""
    try:
        for name in servers:
            stack.stop_server(name)
        yield
    finally:
        for name in reversed(servers):
            stack.start_server(name)
        stack.wait()


def unmet(service):
    """{condition: reason} of what /readyz says is not met; None while nothing answers."""
    assert service.process.poll() is None, service.log()[-3000:]
    try:
        answer = requests.get(f"{service.management}/readyz", timeout=5)
    except requests.ConnectionError:
        return None
    body = answer.json()
    assert answer.status_code == (200 if body["ready"] else 503)
    return {name: state["reason"] for name, state in body["conditions"].items()
            if not state["met"]}


def wait_unmet(service, condition):
    """Waits until it is not met and the reason is more than that it is starting; returns it."""
    def reason():
        said = (unmet(service) or {}).get(condition, "starting")
        return None if said.startswith("starting") else said
    return wait_until(reason, f"{service.name} says why {condition} is not met", 60)


def wait_met(service, condition):
    wait_until(lambda: (lambda found: found is not None and condition not in found)(unmet(service)),
               f"{service.name} has {condition} again", RECOVERY_S)


def retrying(ingest):
    """Why the partition of ticks waits before it tries again; None while it does not."""
    one, = (p for p in ingest.get("/v1/partitions/0").json()["partitions"] if p["dataset"] == "ticks")
    return one["error"] if one["state"] == "retrying" else None


def is_alive(service):
    return requests.get(f"{service.management}/healthz", timeout=5).status_code == 200


class Poster(threading.Thread):
    """Posts one tick after another, each with a volume of its own; keeps the volumes by status."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.by_status = gateway, collections.defaultdict(list)
        self.retry_after, self.error = [], None
        self.stopping = threading.Event()
        self.start()

    def run(self):
        volume = 0
        try:
            while not self.stopping.is_set():
                volume += 1
                answer = self.gateway.post("/v1/ticks", {**TICK, "volume": volume})
                self.by_status[answer.status_code].append(volume)
                if answer.status_code == 503:
                    self.retry_after.append(int(answer.headers["Retry-After"]))
                    self.stopping.wait(0.05)
        except Exception as error:  # told by the test's own thread
            self.error = error

    def count(self, status):
        return len(self.by_status[status])

    def finish(self):
        self.stopping.set()
        self.join(30)
        if self.error:
            raise self.error
        return self.by_status[200]


def topic_volumes(kafka, names):
    return [json.loads(message.value)["volume"] for message in kafka.read_all(names.ticks_topic)]


def assert_all_on_hdfs(ingest, kafka, hdfs, names, accepted):
    """Everything acknowledged is in the topic, and every message of the topic on HDFS, once."""
    stored = topic_volumes(kafka, names)
    assert set(accepted) <= set(stored)

    def rows():
        # offsets() asserts that no offset is in two files.
        held = hdfs.offsets(names.hdfs_root, "ticks")
        return sum(last - first + 1 for r in held.values() for first, last in r) == len(stored)
    wait_until(rows, "every message of the topic is on HDFS", RECOVERY_S)
    volumes = [int(float(row.split(",")[3])) for row in hdfs.rows(names.hdfs_root, "ticks")]
    assert sorted(volumes) == sorted(stored)
    assert hdfs.dead_letters(names.hdfs_root, "ticks") == []
    assert is_alive(ingest)


# --- at the start ----------------------------------------------------------------------------------

@pytest.mark.timeout(400)
def test_kafka_away_at_the_start(service, stack, kafka, hdfs, names):
    with away(stack, "kafka"):
        gateway = service("gateway", wait_ready=False, **GATEWAY)
        ingest = service("ingest", wait_ready=False, **INGEST)
        model = service("model", wait_ready=False, **{"kafka.reconnect.backoff.max.ms": 1000})
        for one in (gateway, ingest, model):
            assert wait_unmet(one, "kafka")
            assert is_alive(one)
        answer = gateway.post("/v1/ticks", {**TICK, "volume": 1})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["type"] == "urn:tickline:problem:kafka-unavailable"
        assert "hdfs" not in (unmet(ingest) or {})
        assert model.get("/v1/models").status_code == 200
    for one in (gateway, ingest, model):
        wait_met(one, "kafka")
    gateway.wait_ready(RECOVERY_S)
    ingest.wait_ready(RECOVERY_S)
    answer = gateway.post("/v1/ticks", [{**TICK, "volume": v} for v in range(10)])
    assert answer.status_code == 200, answer.text
    assert_all_on_hdfs(ingest, kafka, hdfs, names, list(range(10)))


@pytest.mark.timeout(400)
def test_hdfs_away_at_the_start(service, stack, kafka, hdfs, names):
    with away(stack, "datanode", "namenode"):
        gateway = service("gateway")  # ready: it does not need HDFS
        ingest = service("ingest", wait_ready=False, **INGEST)
        model = service("model", wait_ready=False)
        reason = wait_unmet(ingest, "hdfs")
        assert "connect" in reason.lower()
        wait_met(model, "kafka")
        assert "model" in unmet(model)
        answer = gateway.post("/v1/ticks", [{**TICK, "volume": v} for v in range(10)])
        assert answer.status_code == 200
        assert is_alive(ingest) and is_alive(model)
    ingest.wait_ready(RECOVERY_S)
    assert_all_on_hdfs(ingest, kafka, hdfs, names, list(range(10)))


# --- in the middle ---------------------------------------------------------------------------------

@pytest.mark.timeout(600)
def test_kafka_goes_and_comes(service, stack, kafka, hdfs, names):
    gateway = service("gateway", **GATEWAY)
    ingest = service("ingest", **INGEST)
    poster = Poster(gateway)
    wait_until(lambda: poster.count(200) > 100, "ticks are taken")
    with away(stack, "kafka"):
        assert wait_unmet(gateway, "kafka")
        assert wait_unmet(ingest, "kafka")
        wait_until(lambda: poster.count(503) > 10, "the gateway refuses")
        assert is_alive(gateway) and is_alive(ingest)
    gateway.wait_ready(RECOVERY_S)
    before = poster.count(200)
    wait_until(lambda: poster.count(200) > before + 100, "ticks are taken again", RECOVERY_S)
    accepted = poster.finish()
    assert set(poster.by_status) <= {200, 503, 504}
    assert all(1 <= seconds <= 60 for seconds in poster.retry_after)
    ingest.wait_ready(RECOVERY_S)
    # A 503 says that nothing was stored.
    assert not set(poster.by_status[503]) & set(topic_volumes(kafka, names))
    assert_all_on_hdfs(ingest, kafka, hdfs, names, accepted)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("servers", [("datanode",), ("datanode", "namenode")],
                         ids=["datanode", "both"])
def test_hdfs_goes_and_comes(service, stack, kafka, hdfs, names, servers):
    gateway = service("gateway")
    ingest = service("ingest", **INGEST)
    poster = Poster(gateway)
    wait_until(lambda: hdfs.published(names.hdfs_root, "ticks"), "the first file is published")
    with away(stack, *servers):
        before = poster.count(200)
        wait_until(lambda: any((unmet(ingest) or {}).values()), "ingest says that it is not ready",
                   60)
        failure = wait_until(lambda: retrying(ingest), "the partition's failure is told", 60)
        assert failure["kind"] in ("unreachable", "closed", "unavailable"), failure
        wait_until(lambda: poster.count(200) > before + 200, "the gateway goes on")
        assert is_alive(ingest)
    ingest.wait_ready(RECOVERY_S)
    accepted = poster.finish()
    assert set(poster.by_status) == {200}
    assert ingest.metric("ingest_retries_total", dataset="ticks") > 0
    assert_all_on_hdfs(ingest, kafka, hdfs, names, accepted)
