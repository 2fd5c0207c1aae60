# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kafka server: one node that is broker and controller (KRaft)."""
import base64
import uuid

from . import java, kafka_wire
from .ports import HOST
from .supervisor import Program

NAME = "kafka"
HEAP = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC"]


def _property(text):
    """A value for a Java properties file, which is read as Latin-1."""
    return "".join(c if " " <= c <= "~" and c != "\\" else
                   "".join(f"\\u{int.from_bytes(unit, 'big'):04x}" for unit in
                           (c.encode("utf-16-be")[i:i + 2]
                            for i in range(0, len(c.encode("utf-16-be")), 2)))
                   for c in str(text))


class Kafka:
    def __init__(self, state, ports):
        self.folder = state / "kafka"
        self.data = self.folder / "data"
        self.config = self.folder / "server.properties"
        self.ports = ports
        self.address = f"{HOST}:{ports['kafka']}"
        self.options = ["-Djava.awt.headless=true",
                        f"-Dlog4j2.configurationFile={java.FOLDER / 'kafka' / 'log4j2.yaml'}",
                        "-cp", f"{java.JARS / 'kafka'}/*"]

    def _write_config(self, path, data):
        java.render("kafka/server.properties.in", path, {
            "PORT": self.ports["kafka"], "CONTROLLER_PORT": self.ports["kafka-controller"],
            "DATA": _property(data)})

    def prepare(self, java_program):
        """Writes the configuration; formats the data folder if there is none, and only then."""
        self._write_config(self.config, self.data)
        if self.data.exists():
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        with java.fresh_folder(self.data) as folder:
            config = self.folder / "format.properties"
            self._write_config(config, folder)
            # An id that starts with a dash must not be taken for an option.
            java.run([java_program, *java.QUICK, *self.options,
                      "kafka.tools.StorageTool", "format",
                      f"--cluster-id={cluster}", "-c", str(config), "--standalone"],
                     "formatting Kafka's data folder")
            config.unlink()

    def programs(self, java_program):
        return [Program(NAME, [java_program, *HEAP, *self.options, "kafka.Kafka",
                               str(self.config)], priority=30)]

    def problem(self):
        """Why it can't be used yet, or None."""
        try:
            kafka_wire.topics(self.address)
        except kafka_wire.KafkaError as error:
            return str(error)
        return None

    def first_use(self):
        # The services make theirs; this one was the original's and nothing writes to it.
        kafka_wire.create_topic(self.address, "topicdefault")
