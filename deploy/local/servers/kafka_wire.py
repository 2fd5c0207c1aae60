# SPDX-License-Identifier: GPL-3.0-or-later
"""The three requests of Kafka's protocol that the stack itself needs, without a client library."""
import socket
import struct

METADATA, LIST_OFFSETS, CREATE_TOPICS = (3, 1), (2, 1), (19, 2)  # (key, version)
LATEST = -1
UNKNOWN_TOPIC, TOPIC_EXISTS = 3, 36
ANSWER_LIMIT_BYTES = 1 << 24


class KafkaError(Exception):
    """No answer, or one that can't be used."""


def _string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def _array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        value, = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return value

    def string(self):
        length = self.take("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def array(self, read):
        return [read() for _ in range(self.take("i"))]


def _receive(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise KafkaError("the broker closed the connection")
        data += piece
    return data


def ask(address, request, body, timeout_s):
    host, port = address.rsplit(":", 1)
    message = struct.pack(">hhi", *request, 1) + _string("stack") + body
    try:
        with socket.create_connection((host, int(port)), timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(message)) + message)
            length, = struct.unpack(">i", _receive(connection, 4))
            if not 4 <= length <= ANSWER_LIMIT_BYTES:
                raise KafkaError(f"an answer of {length} bytes")
            reader = _Reader(_receive(connection, length))
    except OSError as error:
        raise KafkaError(f"{address}: {error}") from None
    reader.take("i")  # correlation id
    return reader


def topics(address, timeout_s=2):
    """{topic: number of partitions}, once a broker and a controller are known."""
    reader = ask(address, METADATA, struct.pack(">i", -1), timeout_s)
    brokers = reader.array(
        lambda: (reader.take("i"), reader.string(), reader.take("i"), reader.string()))
    controller = reader.take("i")
    if not brokers or controller < 0:
        raise KafkaError("no broker or no controller yet")
    return {name: len(partitions) for error, name, _, partitions in reader.array(
        lambda: (reader.take("h"), reader.string(), reader.take("b"), reader.array(
            lambda: (reader.take("h"), reader.take("i"), reader.take("i"),
                     reader.array(lambda: reader.take("i")),
                     reader.array(lambda: reader.take("i")))))) if error == 0}


def create_topic(address, name, partitions=1, timeout_s=10):
    """An existing topic is fine."""
    topic = _string(name) + struct.pack(">ih", partitions, 1) + _array([]) + _array([])
    reader = ask(address, CREATE_TOPICS, _array([topic]) + struct.pack(">i?", 5000, False),
                 timeout_s)
    reader.take("i")  # throttle time
    for _, error, why in reader.array(
            lambda: (reader.string(), reader.take("h"), reader.string())):
        if error not in (0, TOPIC_EXISTS):
            raise KafkaError(f"topic {name}: {why or error}")


def end_offset(address, topic, timeout_s=5):
    """Sum of the end offsets of all partitions; 0 for a topic that does not exist."""
    partitions = topics(address, timeout_s).get(topic, 0)
    if not partitions:
        return 0
    wanted = _array([struct.pack(">iq", p, LATEST) for p in range(partitions)])
    reader = ask(address, LIST_OFFSETS,
                 struct.pack(">i", -1) + _array([_string(topic) + wanted]), timeout_s)
    total = 0
    for _, rows in reader.array(lambda: (reader.string(), reader.array(
            lambda: (reader.take("i"), reader.take("h"), reader.take("q"), reader.take("q"))))):
        for partition, error, _, offset in rows:
            if error:
                raise KafkaError(f"{topic}/{partition}: error {error}")
            total += offset
    return total
