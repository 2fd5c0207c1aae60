# SPDX-License-Identifier: GPL-3.0-or-later
"""The original Python producer goes on working beside the gateway: what it writes to our topic with
kafka-python reaches HDFS row for row."""
import json
import random

from kafka import KafkaProducer

from support import wait_until
from support.ticks import FIELDS, original_tick, row_values, values

TICKS = 5000


def produce(address, topic, ticks):
    """As the original does it: JSON by json.dumps, no key."""
    producer = KafkaProducer(bootstrap_servers=address,
                             value_serializer=lambda value: json.dumps(value).encode("utf-8"))
    try:
        for tick in ticks:
            producer.send(topic, value=tick)
        producer.flush()
    finally:
        producer.close()


def test_original_producer_is_ingested_row_for_row(service, kafka, hdfs, names, stack):
    ingest = service("ingest", topic_partitions=3)
    source = random.Random(20261125)
    ticks = [original_tick(source) for _ in range(TICKS)]
    produce(stack.addresses["kafka"], names.ticks_topic, ticks)

    messages = kafka.read_all(names.ticks_topic)
    assert len(messages) == TICKS
    assert ingest.post("/v1/flush").status_code == 200
    rows = wait_until(lambda: (lambda found: len(found) >= TICKS and found)(
        hdfs.rows_by_offset(names.hdfs_root, "ticks")), "every tick is published")

    assert len(rows) == TICKS
    for message in messages:
        assert row_values(rows[message.partition, message.offset]) == values(json.loads(message.value))
    assert sorted(map(row_values, rows.values())) == sorted(map(values, ticks))
    assert all(line.count(",") == len(FIELDS) - 1 and '"' not in line for line in rows.values())
    assert hdfs.dead_letters(names.hdfs_root, "ticks") == []
    assert hdfs.offsets(names.hdfs_root, "ticks") == {
        partition: [(0, end - 1)]
        for partition, end in kafka.end_offsets(names.ticks_topic).items() if end > 0}
