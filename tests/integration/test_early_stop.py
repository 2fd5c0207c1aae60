# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that is stopped while it still starts leaves in order."""
import time

import pytest
import requests

from support import wait_until

MOMENTS_S = [0, 0.2, 1, 3]


def answers(running):
    assert running.process.poll() is None, running.log()
    try:
        return requests.get(f"{running.management}/healthz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.parametrize("name", ["gateway", "ingest", "model"])
def test_sigterm_at_any_moment_of_the_start(service, name):
    running = service(name, wait_ready=False)
    for i, moment_s in enumerate(MOMENTS_S):
        if i > 0:
            running.start(wait_ready=False)
        wait_until(lambda: answers(running), f"{name} answers", 20)
        time.sleep(moment_s)
        running.stop()
