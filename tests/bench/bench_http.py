#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server beside bare civetweb: the same small answer, with and without routing, checks,
request ids, ETags and metrics. Exits 1 when a target was missed."""
import argparse
import pathlib
import sys

from measure import ROOT, Load, head, in_turn, median, need_wrk, row, serving

PREDICT = pathlib.Path(__file__).with_name("post_predict.lua")
VERSION = "/v1/models/ia/versions/3"


def compare(build, connections, rounds, seconds):
    with serving(build / "serve_http", 64) as ours, serving(build / "peer_gateway", 64) as peer:
        url = f"http://127.0.0.1:{ours}"
        bare, get, post = in_turn(
            rounds,
            lambda: Load(f"http://127.0.0.1:{peer}/h", connections, seconds),
            lambda: Load(url + VERSION, connections, seconds),
            lambda: Load(url + "/v1/models/ia/predict", connections, seconds, PREDICT))
    head(f"HTTP answers, {connections} connections, medians of {rounds} runs of {seconds} s")
    met = row("GET with two parameters, per s", median(get, "per_s"), median(bare, "per_s"), 0.75)
    met &= row("POST with a JSON body, per s", median(post, "per_s"), median(bare, "per_s"), 0.75)
    row("p50 of GET, us", median(get, "p50_s") * 1e6, median(bare, "p50_s") * 1e6, 1.3, False)
    row("p99 of GET, us", median(get, "p99_s") * 1e6, median(bare, "p99_s") * 1e6, 1.3, False)
    return met


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    need_wrk()
    met = [compare(options.build, connections, options.rounds, options.seconds)
           for connections in (1, 32)]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
