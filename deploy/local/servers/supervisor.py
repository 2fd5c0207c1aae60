# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes under Debian's supervisor: its configuration, written into the state folder, and its
XML-RPC interface on a unix socket there."""
import contextlib
import dataclasses
import hashlib
import http.client
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import xmlrpc.client

from .errors import StackError

# Each process carries this with the state folder as value: what a killed supervisor left running
# is found again by it.
MARK = "TICKLINE_STATE"
SOCKET_PATH_LIMIT = 90  # sockaddr_un takes 107, supervisor appends its pid while it binds
RPC_TIMEOUT_S = 10
UP = ("STARTING", "RUNNING")
SPAWN_ERROR = 50  # supervisor.xmlrpc.Faults; said as well of what ended before supervisor answered


@dataclasses.dataclass
class Program:
    """`priority`: started in rising order, stopped in falling order, one after the other."""
    name: str
    command: list
    priority: int
    environment: dict = dataclasses.field(default_factory=dict)
    stop_wait_s: int = 30


def _escape(text):
    return str(text).replace("%", "%%")


def _environment(pairs):
    return ",".join('{}="{}"'.format(k, _escape(v).replace("\\", "\\\\").replace('"', '\\"'))
                    for k, v in pairs.items())


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=RPC_TIMEOUT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(RPC_TIMEOUT_S)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return _Connection(self.path)


class Supervisor:
    def __init__(self, state):
        self.state = pathlib.Path(state)
        self.logs = self.state / "logs"
        self.config = self.state / "supervisord.conf"
        self.pid_file = self.state / "supervisord.pid"
        self.log = self.logs / "supervisord.log"
        self.socket = self._socket_path()

    def _socket_path(self):
        path = str(self.state / "supervisor.sock")
        if len(path) <= SOCKET_PATH_LIMIT:
            return path
        name = hashlib.sha256(path.encode()).hexdigest()[:16]
        return os.path.join(tempfile.gettempdir(), f"tickline-{os.geteuid()}-{name}.sock")

    def log_of(self, program):
        return self.logs / f"{program}.log"

    # --- configuration --------------------------------------------------------------------------

    def _section(self, program):
        # A program that dies while it starts is tried again after 1, 2, 3 … s, without an end.
        return {
            "command": _escape(" ".join(map(shlex.quote, program.command))),
            "directory": _escape(self.state),
            "environment": _environment({**program.environment, MARK: str(self.state)}),
            "priority": program.priority,
            "autostart": "false",
            "autorestart": "true",
            "startsecs": 3,
            "startretries": 1000000,
            "stopwaitsecs": program.stop_wait_s,
            "redirect_stderr": "true",
            "stdout_logfile": _escape(self.log_of(program.name)),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": 2,
        }

    def write_config(self, programs):
        sections = {
            "unix_http_server": {"file": _escape(self.socket), "chmod": "0600"},
            "supervisord": {"logfile": _escape(self.log), "logfile_maxbytes": "5MB",
                            "logfile_backups": 1, "loglevel": "info",
                            "pidfile": _escape(self.pid_file),
                            "childlogdir": _escape(self.logs), "identifier": "tickline"},
            "rpcinterface:supervisor": {"supervisor.rpcinterface_factory":
                                        "supervisor.rpcinterface:make_main_rpcinterface"},
            "supervisorctl": {"serverurl": _escape(f"unix://{self.socket}")},
        }
        if os.geteuid() == 0:
            sections["supervisord"]["user"] = "root"
        sections.update({f"program:{p.name}": self._section(p) for p in programs})
        self.logs.mkdir(parents=True, exist_ok=True)
        self.config.write_text("".join(
            f"[{title}]\n" + "".join(f"{k}={v}\n" for k, v in keys.items()) + "\n"
            for title, keys in sections.items()))

    # --- its own life ---------------------------------------------------------------------------

    def start(self):
        program = shutil.which("supervisord")
        if not program:
            raise StackError("supervisord is missing; 'make deps' installs it")
        # Java names files in the locale's encoding.
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("HADOOP_")},
                       "LC_ALL": "C.UTF-8"}
        done = subprocess.run([program, "-c", str(self.config)], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"supervisord did not start:\n{done.stdout}{done.stderr}")
        limit = time.monotonic() + RPC_TIMEOUT_S
        while not self.is_up():
            if time.monotonic() > limit:
                raise StackError(f"supervisord does not answer on {self.socket}:\n"
                                 + tail(self.log))
            time.sleep(0.05)

    def is_up(self):
        try:
            return self.call("getState")["statecode"] == 1
        except StackError:
            return False

    def is_alive(self):
        """Its process is there, be it busy or on its way out."""
        pid = self._pid()
        return pid is not None and is_alive(pid)

    def shutdown(self, limit_s):
        """Stops every program in falling priority, then itself."""
        pid = self._pid()
        self.call("shutdown")
        limit = time.monotonic() + limit_s
        while pid and is_alive(pid):
            if time.monotonic() > limit:
                raise StackError(f"supervisord (pid {pid}) did not end within {limit_s} s:\n"
                                 + tail(self.log))
            time.sleep(0.05)

    def _pid(self):
        with contextlib.suppress(OSError, ValueError):
            return int(self.pid_file.read_text())
        return None

    # --- programs -------------------------------------------------------------------------------

    def call(self, method, *arguments):
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self.socket))
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise StackError(f"supervisor: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException) as error:
            raise StackError(f"supervisor does not answer on {self.socket}: {error}") from None

    def info(self, name):
        return self.call("getProcessInfo", name)

    def start_program(self, name):
        """What ended at once is told as check_first_start tells it."""
        try:
            self.call("startProcess", name, False)
        except StackError as error:
            if getattr(error.__cause__, "faultCode", None) != SPAWN_ERROR:
                raise
            self.check_first_start(name)

    def stop_program(self, name):
        self.call("stopProcess", name, False)
        limit = time.monotonic() + 60
        while self.info(name)["statename"] == "STOPPING":
            if time.monotonic() > limit:
                raise StackError(f"{name} did not stop within 60 s")
            time.sleep(0.05)

    def check_first_start(self, name):
        """Raises with the log's end when the program is not up, or was started again already."""
        info = self.info(name)
        is_up = info["statename"] in UP
        if is_up and not info["stop"]:
            return
        why = ("it ended and was started again" if is_up else
               info["spawnerr"] or f"exit code {info['exitstatus']}")
        raise StackError(f"{name} did not start ({why}); {self.log_end(name)}")

    def log_end(self, name):
        return f"the end of {self.log_of(name)}:\n{tail(self.log_of(name))}"

    def leftovers(self):
        """Processes of this state folder that run without a supervisor."""
        mark = f"{MARK}={self.state}".encode()
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
        return [pid for pid in found if pid != os.getpid() and is_alive(pid)]


def is_alive(pid):
    """A zombie is dead: in a container nobody may be there to reap it."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def tail(path, lines=30, limit_bytes=16384):
    try:
        with open(path, "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - limit_bytes))
            text = log.read().decode(errors="replace")
    except OSError as error:
        return f"  (no log: {error})"
    return "\n".join("  " + line for line in text.splitlines()[-lines:]) or "  (empty)"
