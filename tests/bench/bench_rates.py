#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each part of the pipeline takes at a steady rate of simulated ticks: CPU, memory, how long a record
waits at most for HDFS, files, and a training of what came. On a Kafka and an HDFS of its own for each rate;
default settings, one partition. Compares nothing and misses no target."""
import argparse
import os
import pathlib
import sys
import tempfile
import time

from measure import ROOT, peak_mb

sys.path[:0] = [str(ROOT / "deploy" / "local"), str(ROOT / "tests" / "integration")]

from servers.stack import Stack  # noqa: E402  (found by the path above)
from support import models, wait_until  # noqa: E402
from support.services import Service  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
SERVERS = ("kafka", "namenode", "datanode")
DATASET = {"dataset": "ticks"}


def cpu_s(pid):
    """Of all its threads since it began."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Pipeline:
    """The three services by their defaults, on the stack; stop() it in any case."""

    def __init__(self, stack, folder, binaries):
        self.stack, self.folder, self.binaries = stack, folder, binaries
        self.services = {}

    def start(self):
        kafka = {"kafka_brokers": self.stack.addresses["kafka"]}
        hdfs = {"hdfs_urls": self.stack.addresses["namenode"]}
        self.gateway = self.service("gateway", **kafka)
        self.ingest = self.service("ingest", **kafka, **hdfs)
        models.start_model(self.service, **kafka, **hdfs, state_dir=self.folder / "model")
        pids = {row["name"]: row["pid"] for row in self.stack.status()}
        self.pids = {**{name: one.process.pid for name, one in self.services.items()},
                     **{name: pids[name] for name in SERVERS}}

    def service(self, name, wait_ready=True, **settings):
        self.services[name] = Service(name, settings, self.folder, self.binaries, False)
        if wait_ready:
            self.services[name].wait_ready()
        return self.services[name]

    def send(self, rate_per_s, seconds):
        """Starts a simulator; its address."""
        made = self.gateway.post("/v1/sources", {"type": "simulator", "rate_per_s": rate_per_s,
                                                 "count": rate_per_s * seconds, "seed": 1})
        assert made.status_code == 201, made.text
        return made.headers["Location"]

    def counted(self):
        return {"acks": self.gateway.metric("gateway_ack_seconds_count"),
                "ack_s": self.gateway.metric("gateway_ack_seconds_sum"),
                "sent_bytes": self.gateway.metric("gateway_published_bytes_total"),
                "rows": self.ingest.metric("ingest_published_rows_total", **DATASET),
                "bytes": self.ingest.metric("ingest_published_bytes_total", **DATASET),
                "files": self.ingest.metric("ingest_published_files_total", **DATASET),
                "publish_s": self.ingest.metric("ingest_publish_seconds_sum", **DATASET)}

    def wait_published(self, rows):
        wait_until(lambda: self.counted()["rows"] == rows, "all is published", 120)

    def run(self, rate_per_s, seconds):
        """Prints what it took."""
        self.send(100, 1)
        self.wait_published(100)  # the servers' first file takes them seconds
        sent, counted = rate_per_s * seconds, self.counted()
        before = {name: cpu_s(pid) for name, pid in self.pids.items()}
        began, oldest_s = time.monotonic(), 0
        source = self.send(rate_per_s, seconds)
        while self.gateway.get(source).json()["state"] == "running":
            oldest_s = max(oldest_s, self.ingest.metric("ingest_unpublished_age_seconds", **DATASET))
            time.sleep(0.2)
        spent_s = time.monotonic() - began
        self.wait_published(sent + 100)
        cpu = {name: cpu_s(pid) - before[name] for name, pid in self.pids.items()}
        taken = {name: value - counted[name] for name, value in self.counted().items()}
        self.tell_cpu(sent, spent_s, cpu)
        self.tell_rest(sent, spent_s, oldest_s, taken)
        self.train(sent)

    def tell_cpu(self, sent, spent_s, cpu):
        print(f"\n{sent:,} ticks in {spent_s:.1f} s, {sent / spent_s:,.0f} a second")
        print(f"{'':10}{'CPU s':>8}{'of a core':>11}{'µs a tick':>11}{'peak MB':>9}")
        for name, used in cpu.items():
            print(f"{name:10}{used:8.2f}{used / spent_s:11.1%}{used / sent * 1e6:11.2f}"
                  f"{peak_mb(self.pids[name]):9.0f}")

    def tell_rest(self, sent, spent_s, oldest_s, taken):
        print(f"acknowledged after {taken['ack_s'] / taken['acks'] * 1e3:.1f} ms on average; "
              f"a file published in {taken['publish_s'] / taken['files'] * 1e3:.0f} ms, no record "
              f"waited longer than {oldest_s:.1f} s; {taken['files']:.0f} files, "
              f"{taken['files'] / spent_s * 3600:,.0f} an hour; {taken['bytes'] / sent:.0f} bytes a "
              f"row, {taken['sent_bytes'] / sent:.0f} in Kafka")

    def train(self, rows):
        model = self.services["model"]
        before = cpu_s(model.process.pid)
        began = time.monotonic()
        job = models.train(model, "ia")
        spent_s, used = time.monotonic() - began, cpu_s(model.process.pid) - before
        print(f"training of ia: {job['state']}, {spent_s:.2f} s, {used / rows * 1e6:.2f} µs CPU a row; "
              f"peak {peak_mb(model.process.pid):.0f} MB")

    def stop(self):
        for one in reversed(list(self.services.values())):
            one.clean_up()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("rates", type=int, nargs="*", default=[10, 1000, 100_000], metavar="RATE")
    options = parser.parse_args()
    for rate_per_s in options.rates:
        with tempfile.TemporaryDirectory(prefix="bench-rates-") as folder:
            folder = pathlib.Path(folder)
            stack = Stack(folder / "state", free_ports=True, say=lambda line: None)
            pipeline = Pipeline(stack, folder, options.bin)
            stack.start()
            try:
                pipeline.start()
                pipeline.run(rate_per_s, options.seconds)
            finally:
                pipeline.stop()
                stack.stop()


if __name__ == "__main__":
    main()
