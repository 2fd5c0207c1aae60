#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs COMMAND on a machine that pauses: every few seconds all of its processes are stopped together
for a while and go on, as when a host is overcommitted or a virtual machine moves. What passes only
while nothing pauses waits for less than it asserts."""
import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import time


def processes():
    """{pid: (parent, whether it is stopped)}"""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        found[int(folder.name)] = int(parent), state == "T"
    return found


def running_below(root):
    """The processes that descend from `root`, but for those that somebody else has stopped."""
    every = processes()
    found, last = {root}, set()
    while found != last:
        last = found
        found = found | {pid for pid, (parent, _) in every.items() if parent in found}
    return [pid for pid in found - {root} if not every[pid][1]]


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def pause(seconds):
    pids = running_below(os.getpid())
    try:
        send(pids, signal.SIGSTOP)
        time.sleep(seconds)
    finally:
        send(pids, signal.SIGCONT)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=float, default=8, metavar="S", help="on average (8)")
    parser.add_argument("--pause", type=float, default=1.2, metavar="S", help="how long (1.2)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.command:
        parser.error("COMMAND is missing")
    running, pauses = subprocess.Popen(options.command), 0
    while True:
        try:
            running.wait(random.uniform(0.5, 1.5) * options.every)
            break
        except subprocess.TimeoutExpired:
            pause(options.pause)
            pauses += 1
    print(f"{pauses} pauses of {options.pause:g} s")
    sys.exit(running.returncode)


if __name__ == "__main__":
    main()
