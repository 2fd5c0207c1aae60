# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of the servers: their names, their settings, free ones, and who holds a taken one."""
import itertools
import os
import pathlib
import random
import socket

from .errors import StackError

HOST = "127.0.0.1"
FREE_RANGE = "STACK_FREE_PORTS"

# name: default. The flag is --port-NAME, the environment variable STACK_PORT_NAME.
DEFAULTS = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "namenode-http": 9870,
    "namenode-rpc": 9000,
    "datanode-http": 9864,
    "datanode-data": 9866,
    "datanode-ipc": 9867,
}


def flag(name):
    return f"--port-{name}"


def variable(name):
    return "STACK_PORT_" + name.upper().replace("-", "_")


def number(text, where):
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise StackError(f"{where}: {text!r} is no port; it takes a number from 1 to 65535")
    return int(text)


def from_environment(environment=os.environ):
    """{name: port} for the variables that are set."""
    return {name: number(environment[variable(name)], variable(name))
            for name in DEFAULTS if environment.get(variable(name))}


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


given = set()  # to callers of free(); a server that is stopped for a while has its ports free


def free_range(environment=os.environ):
    """Where free ones are taken from: STACK_FREE_PORTS (FIRST-LAST), else below the range that the
    kernel gives to outgoing connections, so that none of those takes one before it is used."""
    text = environment.get(FREE_RANGE)
    if text:
        first, last = (number(one, FREE_RANGE) for one in (text.partition("-")[::2]))
        if first > last:
            raise StackError(f"{FREE_RANGE}: {text!r} is no range; it takes FIRST-LAST")
        return range(first, last + 1)
    try:
        low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        low = 32768
    return range(10000, low if low > 12000 else 32768)


def free(count):
    """`count` different ports that nothing listens on, and that this process was not given yet."""
    candidates = [port for port in free_range() if port not in given]
    random.SystemRandom().shuffle(candidates)
    found = list(itertools.islice(filter(is_free, candidates), count))
    if len(found) < count:
        raise StackError(f"{count} free ports are wanted, {len(found)} were found")
    given.update(found)
    return found


def owner(port):
    """'pid 12 (java)' of who listens on the port, or '' where that can't be seen."""
    inodes = {fields[9]
              for table in ("/proc/net/tcp", "/proc/net/tcp6") if os.path.exists(table)
              for fields in map(str.split, pathlib.Path(table).read_text().splitlines()[1:])
              if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            links = {os.readlink(entry) for entry in (process / "fd").iterdir()}
            if any(f"socket:[{inode}]" in links for inode in inodes):
                return f"pid {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:
            continue
    return ""


def settings(ports):
    """[(name, port, how another one is set)] of the servers, for check()."""
    return [(name, port, f"{flag(name)} or {variable(name)}") for name, port in ports.items()]


def check(wanted):
    """Raises with every port at once that is taken or wanted twice, each with the setting that
    moves it and, where that can be seen, with who has it."""
    complaints, first = [], {}
    for name, port, setting in wanted:
        if port in first:
            complaints.append(f"port {port} is wanted by {first[port]} and by {name}; another one "
                              f"is set by {setting}")
        elif not is_free(port):
            holder = owner(port)
            complaints.append(f"port {port} of {name} is taken{' by ' + holder if holder else ''}; "
                              f"another one is set by {setting}")
        first.setdefault(port, name)
    if complaints:
        raise StackError("\n".join(complaints))
