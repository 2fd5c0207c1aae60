# SPDX-License-Identifier: GPL-3.0-or-later
"""The three services as programs of the local stack."""
import os
import subprocess

from . import history, java, rest
from .errors import StackError
from .hdfs import OWNER
from .ports import HOST, number
from .supervisor import Program

# Stopped before Kafka and HDFS: the gateway first, so that nothing more comes in, then ingest,
# which publishes what it holds.
PRIORITY = {"model": 40, "ingest": 50, "gateway": 60}
HTTP_PORT = {"gateway": 5550, "ingest": 5551, "model": 5552}
MANAGEMENT_OFFSET = 1000
STOP_WAIT_S = 60
CHECK_LIMIT_S = 30


class LocalService:
    """`settings`: what differs from the service's defaults; the user's environment wins."""

    def __init__(self, name, settings, environment=os.environ):
        self.name = name
        prefix = name.upper()
        variable = f"{prefix}_HTTP_PORT"
        self.port = number(environment.get(variable) or str(HTTP_PORT[name]), variable)
        variable = f"{prefix}_MANAGEMENT_PORT"
        self.management_port = number(
            environment.get(variable) or str(self.port + MANAGEMENT_OFFSET), variable)
        self.url = f"http://{HOST}:{self.port}"
        self.management = f"http://{HOST}:{self.management_port}"
        settings = {"http_port": self.port, "management_port": self.management_port, **settings}
        named = {f"{prefix}_{key.upper()}": str(value) for key, value in settings.items()}
        self.environment = {key: value for key, value in named.items() if key not in environment}

    def ports(self):
        prefix = self.name.upper()
        return [(self.name, self.port, f"{prefix}_HTTP_PORT"),
                (f"{self.name}'s management", self.management_port, f"{prefix}_MANAGEMENT_PORT")]

    @property
    def binary(self):
        path = java.ROOT / "build" / "bin" / self.name
        if not path.exists():
            raise StackError(f"{path} is missing; 'make build' makes it")
        return str(path)

    def check(self):
        """Raises what the service says of bad settings, before anything is started for it."""
        done = subprocess.run([self.binary, "--check"], capture_output=True, text=True,
                              env={**os.environ, **self.environment}, timeout=CHECK_LIMIT_S)
        if done.returncode != 0:
            raise StackError((done.stderr or done.stdout).strip())

    def program(self):
        return Program(self.name, [self.binary], PRIORITY[self.name], self.environment, STOP_WAIT_S)

    def answers(self, path):
        """(True when the management port's `path` gives 200, else False, and why)"""
        try:
            status, body = rest.call("GET", self.management + path, timeout_s=2)
        except OSError as error:
            return False, str(error)
        return status == 200, body.decode(errors="replace").strip()


def local_services(stack, environment=os.environ):
    kafka = {"kafka_brokers": stack.addresses["kafka"]}
    hdfs = {"hdfs_urls": stack.addresses["namenode"], "hdfs_user": OWNER}
    gateway = LocalService("gateway", {**kafka, "simulator_autostart": "true",
                                       "replay_dir": history.FOLDER,
                                       "state_dir": stack.state / "gateway"}, environment)
    # One tick a second fills a file slowly; every 30 s keeps the files few. The only member of its
    # group keeps its name, so that one that was killed need not time out before the next one gets
    # the partitions.
    ingest = LocalService("ingest", {**kafka, **hdfs, "rotate_age_ms": 30000,
                                     "kafka_group_instance_id": "local"}, environment)
    model = LocalService("model", {**kafka, **hdfs, "state_dir": stack.state / "model",
                                   **addresses_of(gateway), **addresses_of(ingest)}, environment)
    return {service.name: service for service in (gateway, ingest, model)}


def addresses_of(service):
    """For the dashboard, which shows the others where they really listen."""
    return {f"{service.name}_url": service.url,
            f"{service.name}_management_url": service.management}


def bars_topic(environment=os.environ):
    return environment.get("GATEWAY_BARS_TOPIC") or "bitcoinbars"
