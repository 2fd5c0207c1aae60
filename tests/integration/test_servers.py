# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures themselves: what the other tests rely on."""
import pytest

from servers import ports
from servers.errors import StackError
from support.hdfs import HdfsError


def test_kafka_keeps_order_and_bytes(kafka, names):
    kafka.create_topic(names.ticks_topic)
    sent = kafka.produce(names.ticks_topic, [b"a", b"\xff\x00", None, "é"], key=b"k")
    assert sent == [(0, 0), (0, 1), (0, 2), (0, 3)]
    read = kafka.read_all(names.ticks_topic)
    assert [m.value for m in read] == [b"a", b"\xff\x00", None, "é".encode()]
    assert [m.offset for m in read] == [0, 1, 2, 3]
    assert kafka.end_offsets(names.ticks_topic) == {0: 4}


def test_topics_are_made_by_those_who_need_them(kafka):
    assert kafka.topics()["topicdefault"] == 1
    assert kafka.end_offsets("nobody-made-this") == {}


def test_hdfs_ranges_and_rows(hdfs, names):
    folder = f"{names.hdfs_root}/data/bitcoin_data"
    name = "part-{:05}-{:020}-{:020}.csv"
    hdfs.write(f"{folder}/{name.format(0, 0, 1)}", b"a\nb\n")
    hdfs.write(f"{folder}/{name.format(0, 2, 2)}", b"c\n")
    hdfs.write(f"{folder}/{name.format(1, 7, 7)}", b"d\n")
    hdfs.write(f"{folder}/_COPYING_", b"x\n")
    assert hdfs.offsets(names.hdfs_root, "ticks") == {0: [(0, 2)], 1: [(7, 7)]}
    assert hdfs.rows(names.hdfs_root, "ticks") == ["a", "b", "c", "d"]
    assert hdfs.rows_by_offset(names.hdfs_root, "ticks")[(1, 7)] == "d"
    hdfs.write(f"{folder}/{name.format(0, 2, 5)}", b"c\n")
    with pytest.raises(AssertionError, match="repeats offsets"):
        hdfs.offsets(names.hdfs_root, "ticks")


def test_the_services_user_owns_its_root_and_nothing_else(hdfs, names):
    user = type(hdfs)(hdfs.url, "bitcoin")
    user.write(f"{names.hdfs_root}/mine", b"1")
    with pytest.raises(HdfsError, match="AccessControlException"):
        user.write("/elsewhere", b"1")


def test_free_ports_are_given_once(monkeypatch):
    first = ports.free_range()[0]
    monkeypatch.setenv(ports.FREE_RANGE, f"{first}-{first + 99}")
    monkeypatch.setattr(ports, "given", set())
    seen = []
    with pytest.raises(StackError, match="2 free ports are wanted, [01] were found"):
        while True:
            seen += ports.free(2)
    assert len(seen) == len(set(seen)) > 0 and set(seen) <= set(range(first, first + 100))
    for wrong in (f"{first}-1", "1", "low-high"):
        with pytest.raises(StackError, match=ports.FREE_RANGE):
            ports.free_range({ports.FREE_RANGE: wrong})
