#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs libFuzzer programs, each over its stored corpus and a scratch folder that keeps what it finds
from run to run. A program fuzz_x reads CORPUS/x (and the words of CORPUS/x.dict). Each counts as one
test; output is printed only on failure, with the path of the input that failed.
Writes the counts to RESULTS/fuzz.json. Exits 1 when one failed."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

# Sanitizers slow a start down; an input that hangs is reported by libFuzzer itself.
GRACE_S = 60
INPUT_TIME_LIMIT_S = 10
MEMORY_LIMIT_MB = 2048


def run(program, seconds, corpus, scratch):
    name = program.name.removeprefix("fuzz_")
    seeds, found, crashes = corpus / name, scratch / name, scratch / f"{name}-failed-"
    if not seeds.is_dir() or not any(seeds.iterdir()):
        return f"no stored corpus in {seeds}"
    found.mkdir(parents=True, exist_ok=True)
    command = [program, f"-max_total_time={seconds}", f"-timeout={INPUT_TIME_LIMIT_S}",
               f"-rss_limit_mb={MEMORY_LIMIT_MB}", f"-artifact_prefix={crashes}",
               "-print_final_stats=1"]
    words = corpus / f"{name}.dict"
    if words.exists():
        command.append(f"-dict={words}")
    try:
        done = subprocess.run([*command, found, seeds], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=seconds + GRACE_S)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + "\ntime limit passed"
    runs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    if done.returncode == 0 and runs and int(runs[1]) > len(list(seeds.iterdir())):
        return ""
    return done.stdout + f"\nexit code {done.returncode}; inputs that failed: {crashes}*"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("programs", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    scratch = options.results.parent / "fuzz-corpus"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outputs = list(pool.map(
            lambda program: run(program, options.seconds, options.corpus, scratch),
            options.programs))
    for program, output in zip(options.programs, outputs):
        if output:
            print(f"--- {program}\n{output}")
    failed = sum(map(bool, outputs))
    passed = len(outputs) - failed
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "fuzz.json").write_text(json.dumps({"passed": passed, "failed": failed}))
    print(f"fuzz: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
