#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole pipeline in the foreground: Kafka, HDFS, gateway, ingest and model, with the simulator.
Whatever dies is started again; Ctrl-C or `make stop` stops everything in order.

  STACK_STATE               the data (state)
  STACK_PORT_KAFKA …        ports of the servers, see stack.py --help
  GATEWAY_…, INGEST_…, MODEL_…  settings of the services, see build/bin/gateway --help
"""
import os
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
from servers import ports  # noqa: E402  (after the setting above)
from servers.errors import StackError  # noqa: E402
from servers.follow import Follower  # noqa: E402
from servers.history import History  # noqa: E402
from servers.java import ROOT  # noqa: E402
from servers.services import bars_topic, local_services  # noqa: E402
from servers.stack import Stack  # noqa: E402

READY_LIMIT_S = 30
POLL_S = 0.2
COLOURS = {"gateway": 32, "ingest": 36, "model": 35, "supervisor": 33, "run": 1}


class Screen:
    """Whole lines from several threads, each after the name of who says it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def show(self, name, line):
        label = f"{name:10} |"
        if self.colour:
            label = f"\033[{COLOURS.get(name, 0)}m{label}\033[0m"
        with self.lock:
            print(label, line, flush=True)

    def say(self, line):
        for part in line.splitlines():
            self.show("run", part)


class Run:
    def __init__(self, screen):
        self.screen = screen
        self.stack = Stack(os.environ.get("STACK_STATE") or ROOT / "state",
                           ports.from_environment(), say=screen.say)
        self.services = local_services(self.stack)
        self.up = False
        self.asked_to_stop = threading.Event()

    def on_signal(self, number, _):
        if not self.up:
            raise KeyboardInterrupt
        if self.asked_to_stop.is_set():
            self.screen.say("still stopping, so that nothing is lost")
        self.asked_to_stop.set()

    def check_settings(self):
        for service in self.services.values():
            service.check()

    def start_servers(self):
        began = time.monotonic()
        self.screen.say("starting Kafka and HDFS")
        programs = [service.program() for service in self.services.values()]
        more_ports = [row for service in self.services.values() for row in service.ports()]
        if not self.stack.start(programs, more_ports):
            raise StackError(f"a pipeline runs already with {self.stack.state}; "
                             "'make stop' stops it")
        self.up = True
        self.screen.say(f"Kafka and HDFS are up after {time.monotonic() - began:.1f} s")

    def start_services(self):
        for name in self.services:
            self.stack.start_server(name)
        # A model service without a model yet is alive and says that it is not ready.
        for name, path in (("gateway", "/readyz"), ("ingest", "/readyz"), ("model", "/healthz")):
            self._wait(name, path)

    def _wait(self, name, path):
        limit = time.monotonic() + READY_LIMIT_S
        while not self.asked_to_stop.is_set():
            self.stack.supervisor.check_first_start(name)
            good, why = self.services[name].answers(path)
            if good:
                return
            if time.monotonic() > limit:
                self.screen.say(f"{name} is not ready yet: {why}")
                return
            time.sleep(POLL_S)

    def show_addresses(self):
        urls = {name: service.url for name, service in self.services.items()}
        rows = [("dashboard", urls["model"] + "/"),
                ("gateway", urls["gateway"]), ("ingest", urls["ingest"]),
                ("model", urls["model"]),
                *((f"{n} management", s.management) for n, s in self.services.items()),
                ("Kafka", self.stack.addresses["kafka"]),
                ("HDFS", self.stack.addresses["namenode"]),
                ("HDFS RPC", self.stack.addresses["namenode_rpc"]),
                ("DataNode", self.stack.addresses["datanode"]),
                ("data and logs", str(self.stack.state))]
        self.screen.say("the pipeline is up; Ctrl-C stops it")
        for name, address in rows:
            self.screen.say(f"  {name:20}{address}")

    def stay(self):
        """Until a signal, or until `make stop` stopped everything from elsewhere."""
        while not self.asked_to_stop.wait(1):
            if not self.stack.supervisor.is_alive():
                died = self.stack.supervisor.leftovers()
                self.screen.say("the supervisor died" if died else "stopped from elsewhere")
                return

    def stop(self):
        self.screen.say("stopping gateway, ingest, model, Kafka and HDFS, in this order")
        self.stack.stop()


def follow(run, screen):
    supervisor = run.stack.supervisor
    files = {name: supervisor.log_of(name) for name in run.services}
    return Follower({**files, "supervisor": supervisor.log}, screen.show)


def main():
    screen = Screen()
    run = Run(screen)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, run.on_signal)
    follower = follow(run, screen)
    run.check_settings()
    run.start_servers()
    history = History(run.stack.addresses["kafka"], bars_topic(), run.services["gateway"].url,
                      screen.say)
    follower.start()
    try:
        run.start_services()
        if not run.asked_to_stop.is_set():
            run.show_addresses()
            history.start()
            run.stay()
            history.stop()
    finally:
        run.stop()
        follower.stop()
    screen.say("stopped; the next run goes on with the data")


if __name__ == "__main__":
    try:
        main()
    except StackError as error:
        sys.exit(f"run: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
