# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: programs that print their port or answer by lines, runs of wrk, and a table of
ratios.
The machine's own speed drifts, so the two sides of a ratio run in turn and medians are compared."""
import contextlib
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def need_wrk():
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")


def peak_mb(pid):
    """The most that a process had resident so far."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


@contextlib.contextmanager
def serving(program, *arguments):
    """The port of a program that serves until its standard input ends."""
    with subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.stdin.close()
        process.wait(20)


class Asked:
    """A program that answers each line with a line of JSON, until its standard input ends. Whatever
    else it says goes to a file."""

    def __init__(self, log, *command):
        self.log, self.begun = log, time.monotonic()
        with open(log, "wb") as sink:
            self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=sink, text=True)

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.process.args[1]} ended:\n{self.log.read_text(errors='replace')[-3000:]}")
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Load:
    """One run of wrk: requests per second, and latencies in seconds."""

    def __init__(self, url, connections, seconds, script=None):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency"]
        if script is not None:
            command += ["-s", str(script)]
        said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", said)
        if failed:
            sys.exit(f"{url}: {failed[0]}\n{said}")
        self.per_s = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
        self.p50_s, self.p99_s = (self._latency(said, mark) for mark in ("50%", "99%"))

    @staticmethod
    def _latency(said, mark):
        value, unit = re.search(rf"{mark}\s+([\d.]+)(us|ms|s|m)\b", said).groups()
        return float(value) * UNITS_S[unit]


def in_turn(rounds, *sides):
    """Each side (a function) `rounds` times, in turn, after one run each that does not count;
    a list of results per side."""
    for side in sides:
        side()
    results = [[] for _ in sides]
    for _ in range(rounds):
        for side, found in zip(sides, results):
            found.append(side())
    return results


def median(loads, member):
    return statistics.median(getattr(load, member) for load in loads)


def not_measured(peer, why):
    """Said in place of a table; True, for no target was missed."""
    print(f"\nNOT MEASURED beside {peer}: {why}")
    return True


def head(title):
    print(f"\n{title}\n{'':36}{'ours':>12}{'peer':>12}{'ratio':>8}  target")


def row(what, ours, peer, target, higher_is_better=True, form="{:,.0f}"):
    """One line; True when the target is met, or there is none."""
    ratio = ours / peer
    if target is None:
        print(f"{what:36}{form.format(ours):>12}{form.format(peer):>12}{ratio:8.2f}")
        return True
    met = ratio >= target if higher_is_better else ratio <= target
    sign = ">=" if higher_is_better else "<="
    print(f"{what:36}{form.format(ours):>12}{form.format(peer):>12}{ratio:8.2f}  "
          f"{sign} {target:g}{'' if met else '  missed'}")
    return met
