#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka and HDFS on this machine: started, watched and stopped under Debian's supervisor.

  stack.py start             until both are really usable; ports and addresses go to
                             STATE/addresses.json
  stack.py start SERVER      one that was stopped: kafka, namenode, datanode, and under
                             `make run` gateway, ingest, model
  stack.py stop [SERVER]     everything in order, with the services of `make run`; or one server
  stack.py status            exit 0: usable, 1: not, with the reason
  stack.py wait              until everything is usable
  stack.py restart SERVER
  stack.py kill SERVER       SIGKILL; the supervisor starts it again
  stack.py clean             stops everything and removes the state folder, after asking
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
from servers import ports  # noqa: E402  (after the setting above)
from servers.errors import StackError  # noqa: E402
from servers.java import ROOT  # noqa: E402
from servers.services import HTTP_PORT as SERVICES  # noqa: E402
from servers.stack import SERVERS, START_LIMIT_S, Stack  # noqa: E402


def start(stack, options):
    if options.server:
        stack.start_server(options.server)
        stack.wait(options.timeout)
    elif not stack.start(limit_s=options.timeout):
        print("it is running already")
    for name, address in stack.addresses.items():
        if name != "ports":
            print(f"{name:14}{address}")


def stop(stack, options):
    if options.server:
        stack.stop_server(options.server)
    elif not stack.stop():
        print("nothing is running")


def status(stack, _):
    if not stack.is_up():
        sys.exit("nothing is running")
    for row in stack.status():
        pid = f"pid {row['pid']}" if row["pid"] else ""
        print(f"{row['name']:14}{row['state']:10}{pid:14}{row['description']}")
    problems = stack.problems()
    for name, why in problems.items():
        print(f"{name} is not usable: {why}")
    sys.exit(1 if problems else 0)


def wait(stack, options):
    stack.wait(options.timeout)


def restart(stack, options):
    stack.restart(options.server)
    stack.wait(options.timeout)


def kill(stack, options):
    stack.kill(options.server)


def clean(stack, options):
    if stack.state.exists() and not (options.force or os.environ.get("FORCE") == "1"):
        answer = input(f"Remove all data in {stack.state}? [y/N] ") if sys.stdin.isatty() else ""
        if answer.strip().lower() not in ("y", "yes"):
            sys.exit("nothing was removed; FORCE=1 does not ask")
    print(f"{stack.state} is removed" if stack.clean() else f"there is no {stack.state}")


COMMANDS = {"start": start, "stop": stop, "status": status, "wait": wait, "restart": restart,
            "kill": kill, "clean": clean}
ONE_SERVER = ("restart", "kill")


def read_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("server", nargs="?", choices=[*SERVERS, *SERVICES])
    parser.add_argument("--state", default=os.environ.get("STACK_STATE") or ROOT / "state",
                        metavar="DIR", help="default: state, or STACK_STATE")
    parser.add_argument("--timeout", type=float, default=START_LIMIT_S, metavar="S")
    parser.add_argument("--force", action="store_true", help="clean: do not ask")
    parser.add_argument("--free-ports", action="store_true",
                        help="start: any free ports in place of the defaults, of those from "
                             f"{ports.FREE_RANGE} (FIRST-LAST) where it is set")
    for name, default in ports.DEFAULTS.items():
        parser.add_argument(ports.flag(name), metavar="PORT",
                            help=f"default: {default}, or {ports.variable(name)}")
    options = parser.parse_args(arguments)
    if options.command in ONE_SERVER and not options.server:
        parser.error(f"{options.command} takes the name of a server: {', '.join(SERVERS)}")
    return options


def chosen_ports(options):
    chosen = ports.from_environment()
    for name in ports.DEFAULTS:
        text = getattr(options, "port_" + name.replace("-", "_"))
        if text is not None:
            chosen[name] = ports.number(text, ports.flag(name))
    return chosen


def main(arguments):
    options = read_options(arguments)
    try:
        stack = Stack(options.state, chosen_ports(options), options.free_ports)
        COMMANDS[options.command](stack, options)
    except StackError as error:
        sys.exit(f"stack: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
