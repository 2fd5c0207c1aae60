# SPDX-License-Identifier: GPL-3.0-or-later
"""deploy/local/stack.py as its users meet it: each test has a stack of its own."""
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from servers import kafka_wire, ports
from support import wait_until
from support.hdfs import HdfsClient
from support.kafka import KafkaClient
from support.services import ROOT

PROGRAM = ROOT / "deploy" / "local" / "stack.py"
START_LIMIT_S = 120


class Cli:
    def __init__(self, state):
        self.state = state

    def __call__(self, *arguments, code=0, **environment):
        done = subprocess.run([sys.executable, PROGRAM, *arguments, "--state", self.state],
                              capture_output=True, text=True, timeout=START_LIMIT_S,
                              stdin=subprocess.DEVNULL, env={**os.environ, **environment})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def addresses(self):
        return json.loads((self.state / "addresses.json").read_text())

    def pid(self, name):
        row = next(row for row in self("status").splitlines() if row.startswith(name))
        return int(row.split("pid ")[1].split()[0])


@pytest.fixture
def cli(tmp_path):
    # A space and a letter beyond ASCII: users have such folders.
    one = Cli(tmp_path / "stäte of mine")
    yield one
    one("stop")


@pytest.fixture
def taken():
    with socket.socket() as holder:
        holder.bind((ports.HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.timeout(400)
def test_a_whole_life(cli):
    shown = cli("start", "--free-ports")
    where = cli.addresses
    assert where["kafka"] in shown and where["namenode"] in shown
    assert "it is running already" in cli("start")
    kafka = KafkaClient(where["kafka"])
    kafka.create_topic("kept")
    kafka.produce("kept", ["1", "2"])
    HdfsClient(where["namenode"], "bitcoin").write("/bitcoin/kept", b"kept")

    # A killed server comes back by itself (test_run.py kills Kafka), and the log says so.
    before = cli.pid("namenode")
    cli("kill", "namenode")
    wait_until(lambda: "exited: namenode (terminated by SIGKILL" in log_of_supervisor(cli),
               "the log tells of it")
    cli("wait")
    assert cli.pid("namenode") != before
    cli("restart", "datanode")
    assert "not usable" not in cli("status")

    # The data outlive a stop, and the ports stay.
    cli("stop")
    assert "nothing is running" in cli("status", code=1)
    with pytest.raises(kafka_wire.KafkaError):
        kafka_wire.topics(where["kafka"])
    cli("start")
    assert cli.addresses == where
    assert [m.value for m in kafka.read_all("kept")] == [b"1", b"2"]
    assert HdfsClient(where["namenode"], "bitcoin").read("/bitcoin/kept") == b"kept"

    # What a dead supervisor left behind is ended, and does not stand in the way.
    os.kill(int((cli.state / "supervisord.pid").read_text()), signal.SIGKILL)
    assert "which an earlier supervisor left behind" in cli("start")
    assert [m.value for m in kafka.read_all("kept")] == [b"1", b"2"]

    assert "nothing was removed" in cli("clean", code=1)
    assert cli.state.exists()
    cli("clean", FORCE="1")
    assert not cli.state.exists()


def log_of_supervisor(cli):
    return (cli.state / "logs" / "supervisord.log").read_text()


def test_taken_ports_are_named_with_their_settings(cli, taken):
    said = cli("start", "--free-ports", "--port-kafka", str(taken), code=1,
               STACK_PORT_NAMENODE_HTTP=str(taken))
    assert f"port {taken} of kafka is taken by pid {os.getpid()} (" in said
    assert "--port-kafka or STACK_PORT_KAFKA" in said
    assert f"port {taken} is wanted by kafka and by namenode-http" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1", "80 "])
def test_a_bad_port_is_told(cli, text):
    assert f"STACK_PORT_KAFKA: '{text}' is no port" in cli("status", code=1, STACK_PORT_KAFKA=text)


def test_missing_java_is_told(cli, tmp_path):
    said = cli("start", "--free-ports", code=1, JAVA_HOME=str(tmp_path))
    assert f"Java is missing: there is no java in JAVA_HOME ({tmp_path})" in said
    assert "make deps" in said


def test_an_old_java_is_told(cli, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_412\"' >&2\n")
    java.chmod(0o755)
    said = cli("start", "--free-ports", code=1, JAVA_HOME=str(tmp_path))
    assert f"{java} is Java 8; Kafka and HDFS need 17 or newer" in said


def test_a_failed_start_shows_the_end_of_the_log(cli):
    (cli.state / "kafka" / "data").mkdir(parents=True)  # never formatted
    said = cli("start", "--free-ports", code=1)
    assert "kafka did not start (" in said
    assert "meta.properties" in said.partition("the end of")[2]
    assert "nothing is running" in cli("status", code=1)


def test_data_of_another_version_are_not_touched(cli):
    cli.state.mkdir()
    (cli.state / "versions.json").write_text('{"kafka": "5.0.0", "hadoop": "3.4.2"}')
    said = cli("start", "--free-ports", code=1)
    assert "holds data of kafka 5.0.0, and this is 4.1.2" in said
    assert [p.name for p in cli.state.iterdir() if p.is_dir()] == []


def test_blocks_without_their_namenode_are_not_formatted_away(cli):
    (cli.state / "hdfs" / "data" / "current").mkdir(parents=True)
    said = cli("start", "--free-ports", code=1)
    assert "holds blocks, but the NameNode's folder" in said
    assert not (cli.state / "hdfs" / "name").exists()


def test_clean_removes_only_what_the_stack_made(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "is not a folder that the stack made" in Cli(tmp_path)("clean", "--force", code=1)
    assert (tmp_path / "thesis.txt").exists()
