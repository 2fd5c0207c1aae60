# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of `make test-ha`.

  ha    HaHdfs: two NameNodes, nn1 active, and a DataNode
"""
import pytest

from .ha_hdfs import HaHdfs


@pytest.fixture
def ha(run_folder):
    folder = run_folder / "ha"
    folder.mkdir()
    one = HaHdfs(folder)
    try:
        one.start()
        yield one
    finally:
        one.stop()
