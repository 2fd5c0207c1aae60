# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of `make test-acl`.

  secured    SecuredKafka: users with passwords, and nothing allowed that was not granted
"""
import pytest

from .secured_kafka import SecuredKafka


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    one = SecuredKafka(tmp_path_factory.mktemp("secured"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


@pytest.fixture
def secured(broker):
    broker.revoke_all()
    return broker
