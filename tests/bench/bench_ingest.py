#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ingest beside librdkafka alone (nothing read, nothing written) and beside Spark Structured Streaming, one
partition, on a Kafka and an HDFS of its own; its memory, and what its formats cost. Exits 1 when a target was
missed."""
import argparse
import collections
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import ingest_peers
import spark_peers
from measure import ROOT, head, in_turn, median, peak_mb, row

sys.path.insert(0, str(ROOT / "deploy" / "local"))

from servers import kafka_wire, ports  # noqa: E402  (found by the path above)
from servers.stack import Stack  # noqa: E402

MEMORY_LIMIT_MB = 256
LIMIT_S = 120

FORMATS = ("csv", "csv.gz", "jsonl", "jsonl.gz")

# Rows per s of one run: alone, and with the program's start.
Drained = collections.namedtuple("Drained", "per_s whole_per_s row_bytes peak_mb")


class Ingest:
    """One run from the beginning of the topic, into a folder of its own."""
    runs = 0

    def __init__(self, binary, stack, folder, **more):
        Ingest.runs += 1
        port, management = ports.free(2)
        root = f"/bench-{Ingest.runs}"
        stack.hdfs.make_home(root)
        settings = {"KAFKA_BROKERS": stack.addresses["kafka"], "TICKS_TOPIC": "peer",
                    "BARS_TOPIC": "bars", "HTTP_PORT": port, "MANAGEMENT_PORT": management,
                    "HDFS_URLS": stack.addresses["namenode"], "HDFS_ROOT": root,
                    "HDFS_USER": "bitcoin", "GROUP": root.strip("/"), **more}
        environment = {f"INGEST_{name}": str(value) for name, value in settings.items()}
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "ingest.log"
        self.started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([binary], env={**os.environ, **environment},
                                            stdout=log, stderr=log)

    def call(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.load(answer)

    def reads(self):
        try:
            return any(p["dataset"] == "ticks" and p["state"] == "reading"
                       for p in self.call("/v1/status")["partitions"])
        except (urllib.error.URLError, ConnectionError):
            return False

    def drain(self):
        """From when the position is known until the last row is published."""
        limit = time.monotonic() + LIMIT_S
        while not self.reads():
            if self.process.poll() is not None or time.monotonic() > limit:
                sys.exit(self.log.read_text())
            time.sleep(0.01)
        begun = time.monotonic()
        files = self.call("/v1/flush", "POST")["files"]
        ended = time.monotonic()
        rows = sum(file["rows"] for file in files)
        return Drained(rows / (ended - begun), rows / (ended - self.started),
                       sum(file["bytes"] for file in files) / rows, peak_mb(self.process.pid))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def drained(stack, folder, options, **more):
    """By one run of ours with `more` settings."""
    ingest = Ingest(options.bin / "ingest", stack, folder, **more)
    try:
        return ingest.drain()
    finally:
        ingest.stop()


def beside_librdkafka(stack, folder, options):
    def alone():
        return float(subprocess.run([options.build / "peer_consume", stack.addresses["kafka"], "peer"],
                                    check=True, capture_output=True, text=True).stdout)
    fetched, ours = in_turn(options.rounds, alone, lambda: drained(stack, folder, options))
    head(f"{options.rows:,} ticks from one partition to HDFS, medians of {options.rounds} runs")
    met = row("rows per s", median(ours, "per_s"), statistics.median(fetched), 0.7)
    return row("peak resident, MB (peer: the limit)", max(run.peak_mb for run in ours),
               MEMORY_LIMIT_MB, 1, False) and met


def beside_spark(stack, folder, options):
    return ingest_peers.beside_spark(stack, folder, options, lambda: drained(stack, folder, options))


def formats(stack, folder, options):
    """What packing and JSON cost in time and spare in bytes. The ticks of peer_produce.c are made in a loop,
    so that they pack better than real ones."""
    runs = in_turn(options.rounds, *(lambda name=name: drained(stack, folder, options, FORMAT=name)
                                     for name in FORMATS))
    csv = runs[0]
    head(f"{options.rows:,} ticks in each format (peer: csv), medians of {options.rounds} runs")
    for name, found in zip(FORMATS, runs):
        row(f"{name}, rows per s", median(found, "per_s"), median(csv, "per_s"), None)
        row("  bytes a row", median(found, "row_bytes"), median(csv, "row_bytes"), None, form="{:,.1f}")
    most = max(run.peak_mb for found in runs for run in found)
    return row("peak resident, MB (peer: the limit)", most, MEMORY_LIMIT_MB, 1, False)


SECTIONS = {"librdkafka": beside_librdkafka, "spark": beside_spark, "formats": formats}


def run(stack, folder, options):
    brokers = stack.addresses["kafka"]
    kafka_wire.create_topic(brokers, "peer", 1)
    subprocess.run([options.build / "peer_produce", brokers, "peer", str(options.rows)], check=True,
                   stdout=subprocess.DEVNULL)
    return all([section(stack, folder, options) for name, section in SECTIONS.items()
                if options.only in (None, name)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--python", type=pathlib.Path, default=spark_peers.PYTHON, help="that has PySpark")
    parser.add_argument("--only", choices=SECTIONS, help="one section alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder:
        folder = pathlib.Path(folder)
        stack = Stack(folder / "state", free_ports=True)
        stack.start()
        try:
            good = run(stack, folder, options)
        finally:
            stack.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
