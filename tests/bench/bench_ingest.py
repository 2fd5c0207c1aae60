#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ingest beside librdkafka alone (nothing read, nothing written), one partition, on a Kafka and an
HDFS of its own; and its memory. Exits 1 when a target was missed."""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from measure import ROOT, head, in_turn, row

sys.path.insert(0, str(ROOT / "deploy" / "local"))

from servers import kafka_wire, ports  # noqa: E402  (found by the path above)
from servers.stack import Stack  # noqa: E402

MEMORY_LIMIT_MB = 256
LIMIT_S = 120


class Ingest:
    """One run from the beginning of the topic, into a folder of its own."""
    runs = 0

    def __init__(self, binary, stack, folder):
        Ingest.runs += 1
        port, management = ports.free(2)
        root = f"/bench-{Ingest.runs}"
        stack.hdfs.make_home(root)
        settings = {"KAFKA_BROKERS": stack.addresses["kafka"], "TICKS_TOPIC": "peer",
                    "BARS_TOPIC": "bars", "HTTP_PORT": port, "MANAGEMENT_PORT": management,
                    "HDFS_URLS": stack.addresses["namenode"], "HDFS_ROOT": root,
                    "HDFS_USER": "bitcoin", "GROUP": root.strip("/")}
        environment = {f"INGEST_{name}": str(value) for name, value in settings.items()}
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "ingest.log"
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

    def rows_per_s(self):
        """From when the position is known until the last row is published."""
        limit = time.monotonic() + LIMIT_S
        while not self.reads():
            if self.process.poll() is not None or time.monotonic() > limit:
                sys.exit(self.log.read_text())
            time.sleep(0.01)
        begun = time.monotonic()
        self.call("/v1/flush", "POST")
        spent = time.monotonic() - begun
        last = [p for p in self.call("/v1/status")["partitions"] if p["dataset"] == "ticks"][0]
        return (last["published_offset"] + 1) / spent

    def stop(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def run(stack, folder, options):
    brokers, peaks = stack.addresses["kafka"], []
    kafka_wire.create_topic(brokers, "peer", 1)
    subprocess.run([options.build / "peer_produce", brokers, "peer", str(options.rows)], check=True,
                   stdout=subprocess.DEVNULL)

    def alone():
        return float(subprocess.run([options.build / "peer_consume", brokers, "peer"], check=True,
                                    capture_output=True, text=True).stdout)

    def ours():
        ingest = Ingest(options.bin / "ingest", stack, folder)
        try:
            return ingest.rows_per_s()
        finally:
            peaks.append(ingest.stop())
    fetched, published = in_turn(options.rounds, alone, ours)
    head(f"{options.rows:,} ticks from one partition to HDFS, medians of {options.rounds} runs")
    met = row("rows per s", statistics.median(published), statistics.median(fetched), 0.7)
    return row("peak resident, MB (peer: the limit)", max(peaks), MEMORY_LIMIT_MB, 1, False) and met


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
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
