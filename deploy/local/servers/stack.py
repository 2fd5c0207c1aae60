# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka and HDFS together, with their data in one state folder."""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import time

from . import java, ports as port_table
from .errors import StackError
from .hdfs import DATANODE, NAMENODE, Hdfs
from .kafka import NAME as KAFKA, Kafka
from .supervisor import Supervisor, is_alive

SERVERS = (NAMENODE, DATANODE, KAFKA)
ADDRESSES, VERSIONS = "addresses.json", "versions.json"
START_LIMIT_S, STOP_LIMIT_S = 120, 180
POLL_S = 0.1


def _read_json(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StackError(f"{path} can't be read: {error}") from None


def _release(version):
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _try_lock(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Stack:
    """`ports`: {name: port} of those that were chosen; the others are the state folder's last ones,
    else free ones (`free_ports`), else the defaults. `say` gets a line per step."""

    def __init__(self, state, ports=None, free_ports=False, say=print):
        self.state = pathlib.Path(state).resolve()
        self.say = say
        self.supervisor = Supervisor(self.state)
        self.ports = self._choose_ports(ports or {}, free_ports)
        self.kafka = Kafka(self.state, self.ports)
        self.hdfs = Hdfs(self.state, self.ports)

    def _choose_ports(self, chosen, free_ports):
        ports = {**_read_json(self.state / ADDRESSES).get("ports", {}), **chosen}
        missing = [name for name in port_table.DEFAULTS if name not in ports]
        if free_ports:
            ports.update(zip(missing, port_table.free(len(missing))))
        return {name: ports.get(name, default) for name, default in port_table.DEFAULTS.items()}

    @property
    def addresses(self):
        host, ports = port_table.HOST, self.ports
        return {"kafka": f"{host}:{ports['kafka']}",
                "namenode": f"http://{host}:{ports['namenode-http']}",
                "namenode_rpc": f"hdfs://{host}:{ports['namenode-rpc']}",
                "datanode": f"http://{host}:{ports['datanode-http']}",
                "ports": ports}

    @contextlib.contextmanager
    def _locked(self, limit_s=0):
        """One start or stop at a time; the other one gets `limit_s` to end."""
        self._check_path()
        self.state.mkdir(parents=True, exist_ok=True)
        limit = time.monotonic() + limit_s
        with open(self.state / "lock", "w") as lock:
            while not _try_lock(lock):
                if time.monotonic() >= limit:
                    raise StackError(f"another start or stop works on {self.state} now")
                time.sleep(POLL_S)
            yield

    def _check_path(self):
        for letter in ":;,\n":
            if letter in str(self.state):
                raise StackError(f"the state folder's path {str(self.state)!r} holds {letter!r}, "
                                 "which Java's and the supervisor's settings can't express; "
                                 "--state takes another one")

    # --- start ----------------------------------------------------------------------------------

    def start(self, programs=(), more_ports=(), limit_s=START_LIMIT_S):
        """Kafka and HDFS up and usable; `programs` are put under the same supervisor, not started,
        and `more_ports` must be free as well. False when it was running already."""
        with self._locked():
            if self.supervisor.is_up():
                return False
            self._end_leftovers()
            program = java.find()
            port_table.check([*port_table.settings(self.ports), *more_ports])
            java.fetch_jars("kafka", "hadoop")
            self._prepare(program)
            self.supervisor.write_config([*self.kafka.programs(program),
                                          *self.hdfs.programs(program), *programs])
            self.supervisor.start()
            try:
                self._start_servers(time.monotonic() + limit_s)
                self.hdfs.first_use()
                self.kafka.first_use()
            except BaseException:
                self.supervisor.shutdown(STOP_LIMIT_S)
                raise
        return True

    def _prepare(self, java_program):
        self._check_versions()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(server.prepare, java_program)
                         for server in (self.kafka, self.hdfs)]:
                done.result()
        (self.state / ADDRESSES).write_text(json.dumps(self.addresses, indent=2) + "\n")

    def _check_versions(self):
        """Data that a newer release or another major one wrote are not touched."""
        ours = {name: java.version_of(name) for name in ("kafka", "hadoop")}
        for name, theirs in _read_json(self.state / VERSIONS).items():
            mine = ours.get(name, theirs)
            if _release(theirs) > _release(mine) or _release(theirs)[0] != _release(mine)[0]:
                raise StackError(
                    f"{self.state} holds data of {name} {theirs}, and this is {mine}. "
                    "--state takes another folder; 'make clean-data' removes the data")
        (self.state / VERSIONS).write_text(json.dumps(ours) + "\n")

    def _end_leftovers(self):
        pids = self.supervisor.leftovers()
        for sent, limit_s in ((signal.SIGTERM, 30), (signal.SIGKILL, 5)):
            if not pids:
                return
            self.say(f"ending processes {' '.join(map(str, pids))}, which an earlier supervisor "
                     "left behind")
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
            limit = time.monotonic() + limit_s
            while (pids := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < limit:
                time.sleep(POLL_S)
        raise StackError(f"processes {' '.join(map(str, pids))} do not end")

    def _start_servers(self, limit):
        self.supervisor.start_program(KAFKA)
        self.supervisor.start_program(NAMENODE)
        # A DataNode that comes first sleeps between its tries, longer than the NameNode takes.
        self._wait(lambda: None if self.hdfs.rpc_answers() else "no answer on its RPC port",
                   (NAMENODE, KAFKA), NAMENODE, limit)
        self.supervisor.start_program(DATANODE)
        self._wait(self.kafka.problem, (KAFKA, NAMENODE, DATANODE), KAFKA, limit)
        self._wait(self.hdfs.problem, (DATANODE, NAMENODE, KAFKA), "HDFS", limit)

    def _wait(self, problem, servers, what, limit):
        while (why := problem()) is not None:
            for name in servers:
                self.supervisor.check_first_start(name)
            if time.monotonic() > limit:
                raise StackError(f"{what} is not ready in time: {why}; "
                                 + self.supervisor.log_end(servers[0]))
            time.sleep(POLL_S)

    # --- afterwards -----------------------------------------------------------------------------

    def is_up(self):
        return self.supervisor.is_up()

    def problems(self):
        """{server: why it can't be used}, empty when all is well."""
        found = {"kafka": self.kafka.problem(), "hdfs": self.hdfs.problem()}
        return {name: why for name, why in found.items() if why is not None}

    def wait(self, limit_s=START_LIMIT_S):
        """Until everything is usable, after a server was restarted or killed."""
        limit = time.monotonic() + limit_s
        while problems := self.problems():
            if time.monotonic() > limit:
                raise StackError("not ready in time: " + "; ".join(
                    f"{name}: {why}" for name, why in problems.items()))
            time.sleep(POLL_S)

    def status(self):
        """[{name, state, pid, description}] of every program."""
        return [{"name": info["name"], "state": info["statename"].lower(), "pid": info["pid"],
                 "description": info["description"].rpartition(", ")[2]}
                for info in self.supervisor.call("getAllProcessInfo")]

    def stop(self):
        """Everything in order. False when nothing ran."""
        with self._locked(limit_s=STOP_LIMIT_S):
            if self.supervisor.is_up():
                self.supervisor.shutdown(STOP_LIMIT_S)
                return True
            left = bool(self.supervisor.leftovers())
            self._end_leftovers()
            return left

    def stop_server(self, name):
        self.supervisor.stop_program(name)

    def start_server(self, name):
        self.supervisor.start_program(name)

    def restart(self, name):
        self.stop_server(name)
        self.start_server(name)

    def kill(self, name):
        """SIGKILL; the supervisor starts it again."""
        self.supervisor.call("signalProcess", name, "KILL")

    def clean(self):
        """Removes the state folder; what runs is stopped first."""
        if not self.state.exists():
            return False
        if any(self.state.iterdir()) and not (self.state / VERSIONS).exists():
            raise StackError(f"{self.state} is not a folder that the stack made; not removed")
        self.stop()
        shutil.rmtree(self.state)
        return True
