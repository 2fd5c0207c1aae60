#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway beside bare civetweb with librdkafka, beside FastAPI, and beside librdkafka alone for
batches, on a Kafka of its own. Its memory with 256 connections while Kafka is away. Exits 1 when a target was
missed."""
import argparse
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

from measure import ROOT, Load, head, in_turn, median, need_wrk, peak_mb, row, serving

sys.path.insert(0, str(ROOT / "deploy" / "local"))

from servers import kafka_wire, ports  # noqa: E402  (found by the path above)
from servers.stack import Stack  # noqa: E402

HERE = pathlib.Path(__file__).parent
BATCH = 1000
PRODUCED = 300000
MEMORY_LIMIT_MB = 128


class Gateway:
    def __init__(self, binary, brokers, folder):
        self.port, self.management = ports.free(2)
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {"KAFKA_BROKERS": brokers, "TICKS_TOPIC": "ours", "BARS_TOPIC": "bars",
                    "HTTP_PORT": self.port, "MANAGEMENT_PORT": self.management,
                    "HTTP_THREADS": 300}
        environment = {f"GATEWAY_{name}": str(value) for name, value in settings.items()}
        with open(folder / "gateway.log", "ab") as log:
            self.process = subprocess.Popen([binary], env={**os.environ, **environment},
                                            stdout=log, stderr=log)
        limit = time.monotonic() + 60
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > limit:
                sys.exit((folder / "gateway.log").read_text())
            time.sleep(0.1)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.management}/readyz", timeout=5):
                return True
        except urllib.error.URLError:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def compare_ticks(gateway, peer, connections, options):
    sides = in_turn(
        options.rounds,
        lambda: Load(f"http://127.0.0.1:{peer}/p", connections, options.seconds,
                     HERE / "post_tick.lua"),
        lambda: Load(gateway.url + "/v1/ticks", connections, options.seconds,
                     HERE / "post_tick.lua"))
    bare, ours = sides
    head(f"One acknowledged tick per request, {connections} connections, medians of "
         f"{options.rounds} runs of {options.seconds} s")
    met = row("ticks per s", median(ours, "per_s"), median(bare, "per_s"), 0.9)
    row("p50, us", median(ours, "p50_s") * 1e6, median(bare, "p50_s") * 1e6, 1.0, False)
    low_tail = row("p99, us", median(ours, "p99_s") * 1e6, median(bare, "p99_s") * 1e6, 1.2, False)
    return met and (low_tail or connections == 1)  # a lone connection's tail is the machine's


# How uvicorn serves FastAPI: its own default, and with its faster extras. (what, loop, http, target)
PYTHONS = (("FastAPI on uvicorn", "asyncio", "h11", 6),
           ("FastAPI on uvicorn with uvloop and httptools", "uvloop", "httptools", None))


def compare_with_python(gateway, brokers, options, python):
    name, loop, http, target = python
    with serving(options.python, HERE / "peer_fastapi.py", brokers, "peer", loop, http) as peer:
        theirs, ours = in_turn(
            options.rounds,
            lambda: Load(f"http://127.0.0.1:{peer}/p", 32, options.seconds, HERE / "post_tick.lua"),
            lambda: Load(gateway.url + "/v1/ticks", 32, options.seconds, HERE / "post_tick.lua"))
    head(f"The same beside {name}, 32 connections, medians of {options.rounds} runs")
    return row("ticks per s", median(ours, "per_s"), median(theirs, "per_s"), target)


def compare_batches(gateway, brokers, options):
    def produce():
        said = subprocess.run([options.build / "peer_produce", brokers, "peer", str(PRODUCED)],
                              capture_output=True, text=True, check=True).stdout
        return float(said)
    alone, ours = in_turn(
        options.rounds, produce,
        lambda: Load(gateway.url + "/v1/ticks", 4, options.seconds, HERE / "post_batch.lua"))
    head(f"NDJSON batches of {BATCH}, 4 connections, medians of {options.rounds} runs")
    return row("acknowledged records per s", median(ours, "per_s") * BATCH,
               statistics.median(alone), 0.7)


def measure_memory(gateway, stack, seconds):
    """256 connections go on posting while Kafka is away; they are told 503, which wrk counts."""
    stack.stop_server("kafka")
    try:
        subprocess.run(["wrk", "-t1", "-c256", f"-d{seconds}", "-s", str(HERE / "post_tick.lua"),
                        gateway.url + "/v1/ticks"], capture_output=True, check=True)
    finally:
        stack.start_server("kafka")
        stack.wait()
    head(f"Memory, 256 connections, Kafka away for {seconds} s")
    return row("peak resident, MB (peer: the limit)", peak_mb(gateway.process.pid), MEMORY_LIMIT_MB, 1, False)


def run(stack, folder, options):
    brokers = stack.addresses["kafka"]
    kafka_wire.create_topic(brokers, "peer", 1)
    gateway = Gateway(options.bin / "gateway", brokers, folder)
    met = []
    try:
        with serving(options.build / "peer_gateway", 64, brokers, "peer") as peer:
            met += [compare_ticks(gateway, peer, connections, options) for connections in (1, 32)]
        if options.python.exists():
            met += [compare_with_python(gateway, brokers, options, python)
                    for python in PYTHONS]
        met.append(compare_batches(gateway, brokers, options))
        met.append(measure_memory(gateway, stack, options.away_seconds))
    finally:
        gateway.stop()
    return all(met)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--python", type=pathlib.Path,
                        default=ROOT / "build" / "bench" / "venv" / "bin" / "python",
                        help="that has the packages of tests/bench/requirements.txt")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--away-seconds", type=int, default=60)
    options = parser.parse_args()
    need_wrk()
    with tempfile.TemporaryDirectory(prefix="tickline-bench-") as name:
        folder = pathlib.Path(name)
        stack = Stack(folder / "state", free_ports=True, say=lambda line: None)
        stack.start()
        try:
            met = run(stack, folder, options)
        finally:
            stack.stop()
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
