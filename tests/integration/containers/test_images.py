# SPDX-License-Identifier: GPL-3.0-or-later
"""The images, and the pipeline in them: small, without root, on a read-only file system, and replaced one
by one under load without a loss."""
import itertools
import threading

import pytest
import requests

from support import numbered_ticks, wait_until
from .conftest import BASE, SERVICES, USER, inspect, podman

MOST_OVER_BASE_MB = 120
BATCH = 50


@pytest.mark.timeout(1800)
def test_what_the_images_are(images):
    base = inspect(BASE)["Size"]
    for name in SERVICES:
        image = inspect(images[name])
        over_mb = (image["Size"] - base) / 1e6
        print(f"{name}: {over_mb:.0f} MB over the base")
        assert over_mb < MOST_OVER_BASE_MB
        assert image["Config"]["User"] == f"{USER}:{USER}"
        assert image["Config"]["Entrypoint"] == [f"/usr/bin/{name}"]
        labels = image["Labels"]
        assert labels["org.opencontainers.image.title"] == f"tickline-{name}"
        assert labels["org.opencontainers.image.licenses"] == "GPL-3.0-or-later"
        version = podman("run", "--rm", "--network=host", images[name], "--version").split()
        assert version[:2] == [name, labels["org.opencontainers.image.version"]]


def test_they_refuse_to_serve_everybody(images):
    """An image listens on all addresses, which takes tokens or a word."""
    for name in SERVICES:
        with pytest.raises(AssertionError, match="allow_anonymous"):
            podman("run", "--rm", "--network=host", images[name], "--check")
        podman("run", "--rm", "--network=host", "-e", f"{name.upper()}_ALLOW_ANONYMOUS=true",
               images[name], "--check")


@pytest.mark.timeout(300)
def test_the_pipeline_in_containers(contained, hdfs, names):
    gateway, ingest = contained("gateway"), contained("ingest")
    answer = gateway.post("/v1/ticks", "\n".join(map(numbered_ticks.json_of, range(500))),
                          "application/x-ndjson")
    assert answer.json()["accepted"] == 500, answer.text
    assert ingest.post("/v1/flush").status_code == 200
    assert len(hdfs.rows(names.hdfs_root, "ticks")) == 500
    model = contained("model", wait_ready=False, autotrain_rows=100, autotrain_check_s=1)
    wait_until(lambda: model.ready()[0], "a model serves", 120)
    for one in (gateway, ingest, model):
        assert one.run_in(f"/usr/bin/{one.name}", "--health") == (0, "")
        assert one.run_in("/usr/bin/id", "-u") == (0, f"{USER}\n")
        code, said = one.run_in("/usr/bin/touch", "/usr/bin/x")
        assert code != 0 and "Read-only file system" in said
        assert one.run_in("/usr/bin/grep", "CapEff", "/proc/self/status")[1].split() == \
            ["CapEff:", "0000000000000000"]
        podman("healthcheck", "run", one.container)
    model.stop()
    model.start()  # ready at once, from the volume
    assert model.get("/v1/models/ia").json()["serving"]


class Load(threading.Thread):
    """Posts numbered ticks to the gateways that are up, each batch until one took it."""

    def __init__(self, urls):
        super().__init__()
        self.urls, self.ended = urls, threading.Event()
        self.accepted, self.refusals, self.wrong = 0, 0, None

    def run(self):
        for first in itertools.count(0, BATCH):
            body = "\n".join(map(numbered_ticks.json_of, range(first, first + BATCH)))
            while not self.ended.is_set() and not self.wrong and not self.took(body):
                self.refusals += 1
                self.ended.wait(0.02)
            if self.ended.is_set() or self.wrong:
                return
            self.accepted = first + BATCH
            self.ended.wait(0.01)

    def took(self, body):
        try:
            answer = requests.post(f"{self.urls[0]}/v1/ticks", data=body, timeout=30,
                                   headers={"Content-Type": "application/x-ndjson",
                                            "Connection": "close"})
        except requests.ConnectionError as error:
            # Nobody listens any more is the only thing that may be said without an answer.
            if "refused" not in str(error):
                self.wrong = repr(error)
            return False
        if answer.status_code not in (200, 503):
            self.wrong = answer.text
        return answer.status_code == 200


@pytest.mark.timeout(600)
def test_a_rolling_restart_under_load_loses_nothing(contained, hdfs, kafka, names):
    more = {"topic_partitions": 2}
    gateways, members = [contained("gateway", **more)], [contained("ingest", **more)]
    load = Load([gateways[0].url])
    load.start()
    try:
        for _ in range(3):
            for kind, running in (("gateway", gateways), ("ingest", members)):
                before = load.accepted
                running.append(contained(kind, **more))
                load.urls[0] = gateways[-1].url
                running.pop(0).stop()
                wait_until(lambda: load.wrong or load.accepted > before + 5 * BATCH, "it goes on")
    finally:
        load.ended.set()
        load.join(60)
    assert load.wrong is None and load.accepted > 0
    ends = sum(kafka.end_offsets(names.ticks_topic).values())
    rows = wait_until(lambda: (lambda lines: len(lines) >= ends and lines)(
        hdfs.rows(names.hdfs_root, "ticks")), "everything is on HDFS", 60)
    numbers = [numbered_ticks.number_of(line) for line in rows]
    print(f"{load.accepted} ticks accepted over 6 restarts, {load.refusals} refusals")
    assert sorted(numbers) == list(range(len(numbers))) and len(numbers) >= load.accepted
