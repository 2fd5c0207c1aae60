# SPDX-License-Identifier: GPL-3.0-or-later
"""The other NameNode takes over in the middle of a load: nothing lost, nothing doubled."""
import json

import pytest

from support import wait_until
from support.hdfs import HdfsClient
from support.ticks import row_values, values

TICKS, RATE_PER_S = 60_000, 2000
CATCH_UP_S = 180


def published(hdfs, names):
    ranges = hdfs.offsets(names.hdfs_root, "ticks").values()
    return sum(last - first + 1 for found in ranges for first, last in found)


@pytest.mark.timeout(600)
def test_failovers_in_the_middle_of_a_load(service, stack, kafka, names, ha):
    first, second = (HdfsClient(ha.urls[node], stack.hdfs.superuser) for node in ("nn1", "nn2"))
    first.make_folder(names.hdfs_root, owner="bitcoin")
    gateway = service("gateway")
    ingest = service("ingest", hdfs_urls=",".join(ha.urls.values()), rotate_rows=500,
                     retry_max_ms=1000)
    source = gateway.post("/v1/sources", {"type": "simulator", "rate_per_s": RATE_PER_S,
                                          "count": TICKS, "seed": 1}).json()["id"]

    def go_on(hdfs):
        before = published(hdfs, names)
        wait_until(lambda: published(hdfs, names) > before + 2000, "it publishes", CATCH_UP_S)

    go_on(first)
    ha.stand_by("nn1")  # as for maintenance
    ha.activate("nn2")
    go_on(second)
    assert ingest.metric("webhdfs_requests_total", outcome="standby") >= 1
    ha.processes.kill("nn2")  # without a word
    ha.activate("nn1")
    go_on(first)
    ha.start_node("nn2")

    wait_until(lambda: gateway.get(f"/v1/sources/{source}").json()["state"] == "done", "all is sent",
               CATCH_UP_S)
    wait_until(lambda: published(first, names) == TICKS, "all is published", CATCH_UP_S)
    ingest.wait_ready(60)
    assert first.offsets(names.hdfs_root, "ticks") == {0: [(0, TICKS - 1)]}
    rows = first.rows_by_offset(names.hdfs_root, "ticks")
    for message in kafka.read_all(names.ticks_topic):
        assert row_values(rows[message.partition, message.offset]) == \
            values(json.loads(message.value))
    ingest.stop()
    assert list(first.walk(f"{names.hdfs_root}/staging")) == []
