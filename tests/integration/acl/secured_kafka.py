# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kafka of its own whose users log in (SASL/PLAIN) and may do what was granted to them, no more."""
import base64
import socket
import uuid

from kafka import KafkaProducer
from kafka.admin import (ACL, ACLFilter, ACLOperation, ACLPermissionType,
                         ACLResourcePatternType, KafkaAdminClient, NewTopic, ResourcePattern,
                         ResourcePatternFilter, ResourceType)

from servers import java, ports
from servers.kafka import HEAP, Kafka
from servers.processes import Processes

ADMIN = "admin"
USERS = (ADMIN, "gateway", "ingest", "verify", "model")
# Without a protocol of its own the controller's listener knows nobody: this broker alone is there.
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config={jaas}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{admin};User:ANONYMOUS
allow.everyone.if.no.acl.found=false
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


def password(user):
    return f"secret-of-{user}"


def jaas():
    users = "".join(f' user_{user}="{password(user)}"' for user in USERS)
    return ("org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="{ADMIN}" password="{password(ADMIN)}"{users};')


class SecuredKafka:
    def __init__(self, folder):
        self.folder = folder / "kafka"
        self.folder.mkdir()
        self.port, self.controller = ports.free(2)
        self.address = f"{ports.HOST}:{self.port}"
        self.processes = Processes(self.folder)
        self.java = java.find()
        self.admin = None

    def start(self):
        config = self.folder / "server.properties"
        config.write_text(PROPERTIES.format(port=self.port, controller=self.controller,
                                            jaas=jaas(), admin=ADMIN,
                                            data=self.folder / "data"))
        options = Kafka(self.folder, {"kafka": self.port}).options
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        java.run([self.java, *java.QUICK, *options, "kafka.tools.StorageTool", "format",
                  f"--cluster-id={cluster}", "-c", str(config), "--standalone"], "formatting")
        self.processes.start("kafka", [self.java, *HEAP, *options, "kafka.Kafka", str(config)])
        self.processes.wait(self._listens, "the broker listens")
        self.admin = KafkaAdminClient(**self.client(ADMIN))

    def _listens(self):
        try:
            socket.create_connection((ports.HOST, self.port), 2).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.admin:
            self.admin.close()
        self.processes.stop()

    # --- users ----------------------------------------------------------------------------------

    def client(self, user):
        """Arguments of kafka-python's clients."""
        return {"bootstrap_servers": self.address, "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN", "sasl_plain_username": user,
                "sasl_plain_password": password(user)}

    def settings(self, user):
        """Settings of a service that is to log in as `user`."""
        return {"kafka_brokers": self.address, "kafka.security.protocol": "SASL_PLAINTEXT",
                "kafka.sasl.mechanism": "PLAIN", "kafka.sasl.username": user,
                "kafka.sasl.password": password(user)}

    def grant(self, user, kind, name, operation, prefixed=False):
        pattern = (ACLResourcePatternType.PREFIXED if prefixed else ACLResourcePatternType.LITERAL)
        self.admin.create_acls([ACL(f"User:{user}", "*", ACLOperation[operation],
                                    ACLPermissionType.ALLOW,
                                    ResourcePattern(ResourceType[kind], name, pattern))])

    def revoke_all(self):
        self.admin.delete_acls([ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY,
                                          ResourcePatternFilter(ResourceType.ANY, None,
                                                                ACLResourcePatternType.ANY))])

    def produce(self, topic, values):
        """As a foreign producer, who is the admin."""
        producer = KafkaProducer(**self.client(ADMIN), acks="all")
        try:
            for sent in [producer.send(topic, value.encode(), partition=0) for value in values]:
                sent.get(30)
        finally:
            producer.close()

    def create_topic(self, name, **configs):
        self.admin.create_topics([NewTopic(name, 1, 1, topic_configs=configs)])
