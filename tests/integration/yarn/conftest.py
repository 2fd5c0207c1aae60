# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ResourceManager and NodeManager beside the stack's HDFS, for `make test-yarn`.

  yarn     the running Yarn; without a node until `node` is used
  node     the same with its NodeManager
  trainer  trainer(**settings): a model service that may train there
"""
import pytest

from servers.yarn import NODEMANAGER, RESOURCEMANAGER, Yarn
from support import models


@pytest.fixture(scope="session")
def yarn(shared_stack, run_folder):
    folder = run_folder / "yarn"
    folder.mkdir()
    one = Yarn(folder, shared_stack.hdfs)
    try:
        one.start(RESOURCEMANAGER)
        yield one
    finally:
        one.stop()


@pytest.fixture
def node(yarn):
    if not yarn.has_node():
        yarn.start(NODEMANAGER)
    return yarn


@pytest.fixture
def trainer(service, yarn):
    def start(**more):
        settings = {"yarn_urls": yarn.url, "yarn_classpath": yarn.classpath, "yarn_poll_ms": 200,
                    "autotrain": False}
        return models.start_model(service, **{**settings, **more})
    return start
