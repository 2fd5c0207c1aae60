# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the integration tests: services as processes, Kafka and HDFS as clients see them."""
import time

LIMIT_S = 30
POLL_S = 0.05


def wait_until(condition, what, limit_s=LIMIT_S, poll_s=POLL_S):
    """The first true value of condition(); AssertionError with `what` and the last value when none
    came in time."""
    limit = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < limit, f"not within {limit_s} s: {what} (last: {value!r})"
        time.sleep(poll_s)
