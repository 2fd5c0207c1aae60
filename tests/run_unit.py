#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs cmocka programs, one process and one time limit each; prints output only on failure.
Writes the counts to RESULTS/unit-LABEL.json. Exits 1 when a test failed or a program ran none."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

TIME_LIMIT_S = 120
# They wait for sockets and clocks more than they compute.
PROGRAMS_PER_CORE = 4


def run(program):
    try:
        done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=TIME_LIMIT_S)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b"").decode(errors="replace") + "\ntime limit passed", -1
    passed, failed, skipped = (
        sum(map(int, re.findall(rf"\[  {word} *\] (\d+) test", output)))
        for word in ("PASSED", "FAILED", "SKIPPED"))
    if code != 0 and failed == 0 or passed + failed == 0:
        failed += 1
    return program, {"passed": passed, "failed": failed, "skipped": skipped}, output


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--label", required=True)
    parser.add_argument("--results", required=True, type=pathlib.Path)
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    with concurrent.futures.ThreadPoolExecutor(PROGRAMS_PER_CORE * os.cpu_count()) as pool:
        for program, its, output in pool.map(run, options.programs):
            counts = {what: counts[what] + its[what] for what in counts}
            if its["failed"]:
                print(f"--- {program}\n{output}")
    options.results.mkdir(parents=True, exist_ok=True)
    name = "unit-" + options.label.replace(",", "-")
    (options.results / f"{name}.json").write_text(json.dumps(counts))
    print(f"{name}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
