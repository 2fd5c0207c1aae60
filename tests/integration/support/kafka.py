# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka as another client sees it, by kafka-python."""
import collections
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from servers import kafka_wire
from . import wait_until

Message = collections.namedtuple("Message", "partition offset key value timestamp_ms")


class KafkaClient:
    def __init__(self, address):
        self.address = address

    def create_topic(self, topic, partitions=1):
        kafka_wire.create_topic(self.address, topic, partitions)

    def topics(self):
        """{topic: number of partitions}"""
        return kafka_wire.topics(self.address)

    def produce(self, topic, values, key=None, partition=None):
        """Each value bytes, str or None (a tombstone); returns [(partition, offset)]."""
        producer = KafkaProducer(bootstrap_servers=self.address, acks="all", linger_ms=5)
        try:
            sent = [producer.send(topic, value.encode() if isinstance(value, str) else value,
                                  key=key, partition=partition) for value in values]
            done = [future.get(30) for future in sent]
        finally:
            producer.close()
        return [(record.partition, record.offset) for record in done]

    def end_offsets(self, topic, isolation_level="read_uncommitted"):
        """{partition: the next offset}; "read_committed": where the first open transaction begins"""
        consumer = KafkaConsumer(bootstrap_servers=self.address, isolation_level=isolation_level)
        try:
            partitions = [TopicPartition(topic, p)
                          for p in consumer.partitions_for_topic(topic) or ()]
            return {p.partition: end for p, end in consumer.end_offsets(partitions).items()}
        finally:
            consumer.close()

    def wait_settled(self, topic):
        """Kafka answers the end of a transaction before it is written to the partitions."""
        wait_until(lambda: self.end_offsets(topic, "read_committed") == self.end_offsets(topic),
                   f"no transaction is open in {topic}")

    def read_all(self, topic, limit_s=60):
        """Every message that is in the topic now, by partition and offset."""
        consumer = KafkaConsumer(bootstrap_servers=self.address, enable_auto_commit=False,
                                 auto_offset_reset="earliest")
        try:
            partitions = [TopicPartition(topic, p)
                          for p in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found, limit = [], time.monotonic() + limit_s
            while any(consumer.position(p) < ends[p] for p in partitions):
                assert time.monotonic() < limit, f"{topic} was not read within {limit_s} s"
                for records in consumer.poll(timeout_ms=500, max_records=20000).values():
                    found += [Message(r.partition, r.offset, r.key, r.value, r.timestamp)
                              for r in records]
        finally:
            consumer.close()
        return sorted((m for m in found if m.offset < ends[TopicPartition(topic, m.partition)]),
                      key=lambda m: (m.partition, m.offset))
