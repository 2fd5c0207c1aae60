# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's supervisor as deploy/local uses it."""
import xmlrpc.client

import pytest

from servers.errors import StackError
from servers.supervisor import SPAWN_ERROR, Program, Supervisor


class Slow(Supervisor):
    """Its supervisord is late: what it started has ended before it looks, which it calls an
    error of the start."""

    def call(self, method, *arguments):
        answer = super().call(method, *arguments)
        if method == "startProcess":
            raise StackError("supervisor") from xmlrpc.client.Fault(SPAWN_ERROR, "SPAWN_ERROR")
        return answer


@pytest.mark.parametrize("kind", [Supervisor, Slow])
def test_what_ends_at_once_is_told_with_its_log(kind, tmp_path):
    supervisor = kind(tmp_path)
    supervisor.write_config([Program("brief", ["/bin/echo", "a port is wanted twice"], 1)])
    supervisor.start()
    try:
        with pytest.raises(StackError) as told:
            supervisor.start_program("brief")
            while True:
                supervisor.check_first_start("brief")
    finally:
        supervisor.shutdown(20)
    assert str(told.value).startswith("brief did not start (")
    assert "a port is wanted twice" in str(told.value)
