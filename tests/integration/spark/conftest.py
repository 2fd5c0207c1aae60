# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of deploy/compose.yaml on this machine, for `make test-spark`: the ports that it publishes,
topics and folders by their defaults, and its profile `spark`: a master and a worker.

  shared_stack  Kafka and HDFS, whose ports must be free
  submit        submit("consumer.py", INPUT=…): a script of scripts/, handed to the master
"""
import os
import pathlib
import subprocess
import sys

import pytest

from servers import java, ports
from servers.processes import Processes
from servers.stack import Stack
from support import wait_until

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SPARK = pathlib.Path(sys.prefix) / "bin"
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
LOOPBACK = {"SPARK_LOCAL_IP": ports.HOST, "SPARK_DAEMON_MEMORY": "256m",
            "PYSPARK_PYTHON": sys.executable, "HADOOP_USER_NAME": "bitcoin"}


def published():
    """{variable: port} of deploy/.env.example"""
    lines = (ROOT / "deploy" / ".env.example").read_text().splitlines()
    return {name: int(value) for name, _, value in (line.partition("=") for line in lines)
            if name.endswith("_PORT")}


@pytest.fixture(scope="session")
def shared_stack(run_folder):
    numbers = published()
    servers = Stack(run_folder / "state", {"kafka": numbers["KAFKA_PORT"],
                                           "namenode-http": numbers["NAMENODE_HTTP_PORT"],
                                           "namenode-rpc": numbers["NAMENODE_RPC_PORT"]})
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def master(run_folder):
    """The address that scripts are submitted to."""
    folder = run_folder / "spark"
    folder.mkdir()
    port, page = ports.free(2)
    address = f"spark://{ports.HOST}:{port}"
    worker = ["--memory", "1g", "--cores", "2", "--work-dir", folder / "work", "--webui-port", "0"]
    servers = Processes(folder)

    def start(name, *more):
        command = [SPARK / "spark-class", name, "--host", ports.HOST, *more]
        servers.start(name.rpartition(".")[2], ["env", *(f"{k}={v}" for k, v in LOOPBACK.items()),
                                                *map(str, command)])
    try:
        start(MASTER, "--port", port, "--webui-port", page)
        servers.wait(lambda: not ports.is_free(port), "Spark's master listens")
        start(WORKER, *worker, address)
        servers.wait(lambda: "registered with master" in servers.log_of("Worker").read_text(),
                     "the worker has found the master")
        yield address
    finally:
        servers.stop()


class Submitted:
    """A script at work; its output goes to a file."""

    def __init__(self, master, script, folder, environment):
        jars = sorted((java.JARS / "spark").glob("*.jar"))
        self.log_path = folder / f"{script}.log"
        settings = {"spark.driver.host": ports.HOST, "spark.driver.bindAddress": ports.HOST,
                    "spark.ui.enabled": "false", "spark.hadoop.dfs.replication": "1",
                    "spark.executor.memory": "512m", "spark.sql.shuffle.partitions": "2"}
        flags = [word for k, v in settings.items() for word in ("--conf", f"{k}={v}")]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [SPARK / "spark-submit", "--master", master, "--driver-memory", "512m", *flags,
                 "--jars", ",".join(map(str, jars)), HERE / "scripts" / script], cwd=folder,
                env={**os.environ, **LOOPBACK, **environment}, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_until(self, condition, what, limit_s=120):
        def now():
            assert self.process.poll() is None, f"it ended:\n{self.log()[-3000:]}"
            return condition()
        return wait_until(now, what, limit_s)

    def end(self, limit_s=180):
        """What it printed, when it has ended by itself."""
        code = self.process.wait(limit_s)
        assert code == 0, f"it left with {code}:\n{self.log()[-3000:]}"
        return self.log()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


@pytest.fixture(scope="module")
def submit(master, tmp_path_factory):
    made = []

    def start(script, **environment):
        made.append(Submitted(master, script, tmp_path_factory.mktemp("submitted"), environment))
        return made[-1]
    yield start
    for one in made:
        one.stop()
