"""Kafka on the loopback: one node, or three with replication, KRaft, SCRAM, default deny.

Every node has three listeners. INTERNAL and CONTROLLER speak PLAIN and know the administrator
alone; CLIENT speaks SCRAM-SHA-512 and is what services and regions use. Without an access list
nobody but the administrator may do anything.
"""

import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deploy.instance import KAFKA_ADMIN, KAFKA_SECURITY
from deploy.local import jars
from deploy.local.aot import AotCache
from deploy.local.faults import LocalStackError
from deploy.local.java import UNSAFE_WARNS_FROM, Java
from deploy.local.ports import LOOPBACK
from deploy.local.processes import base_environment
from deploy.local.state import write_private

if TYPE_CHECKING:
    from confluent_kafka import TopicPartition

MECHANISM: Final = "SCRAM-SHA-512"
SCRAM_ITERATIONS: Final = 4096
FIRST_NODE: Final = 1
PROBE_TOPIC: Final = "__local_probe"
PROBE_TIMEOUT_S: Final = 5.0
FORMAT_TIMEOUT_S: Final = 60
LISTENERS: Final = ("internal", "controller", "client")
SESSION_TIMEOUT_MS: Final = 3000
LOG_SETTINGS: Final = Path(__file__).with_name("log4j2.properties")
# Small, quick to start, and enough: 170 MB resident after a load of 20,000 events a second.
JVM: Final = (
    "-Xmx320m", "-Xms64m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
    f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
)  # fmt: skip
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"

# librdkafka's settings; one of them is a callback.
Connection = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """All nodes of one instance. `ports` has `kafka-<node>.<listener>` for every node.

    `fronts` are ports that a listener is known by instead of its own, by the same names.
    """

    cluster_id: str
    nodes: int
    ports: Mapping[str, int]
    password: str
    folder: Path
    cache: Path
    java: Java
    fronts: Mapping[str, int]

    def node_folder(self, node: int) -> Path:
        """Configuration and data of one node."""
        return self.folder / f"node-{node}"

    def port(self, node: int, listener: str) -> int:
        """The port of one listener."""
        return self.ports[f"{node_name(node)}.{listener}"]

    def known_as(self, node: int, listener: str) -> str:
        """The address that clients of a listener are told."""
        front = self.fronts.get(f"{node_name(node)}.{listener}")
        return f"{LOOPBACK}:{front or self.port(node, listener)}"

    def bootstrap(self, listener: str) -> str:
        """All nodes' addresses on one listener."""
        return ",".join(self.known_as(node, listener) for node in range(1, self.nodes + 1))

    def argv(self, node: int) -> tuple[str, ...]:
        """The command of one broker in the foreground."""
        return self._java(node, "kafka.Kafka", self._settings(node))

    def _settings(self, node: int) -> str:
        return str(self.node_folder(node) / "server.properties")

    def _java(self, node: int, *arguments: str) -> tuple[str, ...]:
        return (str(self.java.program), f"@{self.node_folder(node) / 'jvm.options'}", *arguments)

    def _jvm_options(self) -> list[str]:
        options = [*JVM, "--enable-native-access=ALL-UNNAMED"]
        if self.java.major >= UNSAFE_WARNS_FROM:
            options.append("--sun-misc-unsafe-memory-access=allow")
        return [*options, "-cp", jars.classpath(jars.pinned(), self.cache)]

    def _aot_cache(self) -> AotCache:
        return AotCache(self.cache, self.java, "\n".join(self._jvm_options()), self.cluster_id)

    def _write_options(self, node: int, extra: list[str]) -> None:
        """The argument file of java: one option a line, which keeps `ps` readable."""
        lines = "".join(f'"{option}"\n' for option in [*self._jvm_options(), *extra])
        write_private(self.node_folder(node) / "jvm.options", lines)

    def ended(self, node: int, code: int) -> None:
        """A node's process ended with this exit code."""
        if node == FIRST_NODE:
            self._aot_cache().settle(code)

    def prepare(self, node: int) -> None:
        """Make a node startable: jars intact, settings written, storage formatted."""
        fetched = jars.fetch(jars.pinned(), self.cache)
        aot_cache = self._aot_cache()
        if fetched:
            aot_cache.drop()
        home = self.node_folder(node)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(Path(self._settings(node)), self.configuration(node))
        if not (home / "data" / "meta.properties").exists():
            self._write_options(node, aot_cache.use())
            self._format(node)
        # One node makes the cache; all of them use it.
        self._write_options(node, aot_cache.options() if node == FIRST_NODE else aot_cache.use())

    def _format(self, node: int) -> None:
        tool = ("kafka.tools.StorageTool", "format", "-t", self.cluster_id)
        command = self._java(node, *tool, "-c", self._settings(node))
        made = subprocess.run(
            command, capture_output=True, text=True, check=False,
            timeout=FORMAT_TIMEOUT_S, env=base_environment(),
        )  # fmt: skip
        if made.returncode != 0:
            reason = (made.stderr or made.stdout).strip().splitlines()[-1:]
            raise LocalStackError(f"Kafka's storage could not be formatted: {''.join(reason)}")

    def configuration(self, node: int) -> str:
        """server.properties of one node."""
        replicas = min(self.nodes, 3)
        in_sync = 2 if self.nodes >= 3 else 1  # noqa: PLR2004 - a majority of three
        settings = {
            **self._roles(node),
            **self._security(),
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "num.partitions": 6,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.num.partitions": 3,
            "share.coordinator.state.topic.num.partitions": 3,
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "broker.session.timeout.ms": SESSION_TIMEOUT_MS,
            "broker.heartbeat.interval.ms": SESSION_TIMEOUT_MS // 6,
            "log.cleaner.dedupe.buffer.size": 2_097_152,
            "log.dirs": self.node_folder(node) / "data",
        }
        for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
            settings[f"{topic}.replication.factor"] = replicas
        for topic in ("transaction.state.log", "share.coordinator.state.topic"):
            settings[f"{topic}.min.isr"] = in_sync
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _roles(self, node: int) -> dict[str, object]:
        voters = (
            f"{other}@{LOOPBACK}:{self.port(other, 'controller')}"
            for other in range(1, self.nodes + 1)
        )
        addresses = {name.upper(): f"{LOOPBACK}:{self.port(node, name)}" for name in LISTENERS}
        listeners = ",".join(f"{name}://{address}" for name, address in addresses.items())
        advertised = ",".join(
            f"{name.upper()}://{self.known_as(node, name)}"
            for name in LISTENERS
            if name != "controller"
        )
        return {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": ",".join(voters),
            "listeners": listeners,
            "advertised.listeners": advertised,
            "listener.security.protocol.map": ",".join(
                f"{name}:{KAFKA_SECURITY}" for name in addresses
            ),
            "inter.broker.listener.name": "INTERNAL",
            "controller.listener.names": "CONTROLLER",
        }

    def _security(self) -> dict[str, object]:
        plain = (
            f'{PLAIN} required username="{KAFKA_ADMIN}" password="{self.password}" '
            f'user_{KAFKA_ADMIN}="{self.password}";'
        )
        return {
            "sasl.enabled.mechanisms": f"PLAIN,{MECHANISM}",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.internal.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.internal.plain.sasl.jaas.config": plain,
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": plain,
            "listener.name.client.sasl.enabled.mechanisms": MECHANISM,
            "listener.name.client.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{KAFKA_ADMIN}",
            "allow.everyone.if.no.acl.found": "false",
        }

    def probe(self, node: int) -> None:
        """One record produced and consumed over a node's CLIENT listener, and one offset committed.

        Before that it creates what the round trip needs: the administrator's SCRAM credential and
        the probe's topic. Raises while there is no answer.
        """
        address = f"{LOOPBACK}:{self.port(node, 'internal')}"
        _ensure_probe(_connection(address, "PLAIN", self.password), self.password)
        client = f"{LOOPBACK}:{self.port(node, 'client')}"
        _round_trip(_connection(client, MECHANISM, self.password))


def node_name(node: int) -> str:
    """The process name of a node."""
    return f"kafka-{node}"


def _connection(bootstrap: str, mechanism: str, password: str) -> Connection:
    return {
        "bootstrap.servers": bootstrap,
        "security.protocol": KAFKA_SECURITY,
        "sasl.mechanism": mechanism,
        "sasl.username": KAFKA_ADMIN,
        "sasl.password": password,
        "socket.timeout.ms": int(PROBE_TIMEOUT_S * 1000),
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 200,
        "log_level": 0,
        "error_cb": lambda _error: None,
    }


def _ensure_probe(connection: Connection, password: str) -> None:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.admin._scram import (
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialUpsertion,
    )
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient(connection)
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
    upsertion = UserScramCredentialUpsertion(KAFKA_ADMIN, credential, password.encode())
    for done in admin.alter_user_scram_credentials([upsertion]).values():
        done.result(PROBE_TIMEOUT_S)
    topic = NewTopic(PROBE_TOPIC, num_partitions=1, config={"retention.ms": "3600000"})
    for made in admin.create_topics([topic]).values():
        try:
            made.result(PROBE_TIMEOUT_S)
        except KafkaException as fault:
            if fault.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise


def _round_trip(connection: Connection) -> None:
    from confluent_kafka import Producer, TopicPartition

    token = uuid.uuid4().bytes
    sent: list[TopicPartition] = []

    def delivered(fault: object, message: Any) -> None:
        if fault is None:
            sent.append(TopicPartition(PROBE_TOPIC, message.partition(), message.offset()))

    producer = Producer({**connection, "acks": "all", "linger.ms": 0})
    producer.produce(PROBE_TOPIC, token, on_delivery=delivered)
    producer.flush(PROBE_TIMEOUT_S)
    if not sent:
        raise LocalStackError("Kafka did not take a record.")
    if not _gives_back(connection, sent, token):
        raise LocalStackError("Kafka did not give a record back.")
    _commit(connection, sent)


def _gives_back(connection: Connection, sent: "list[TopicPartition]", token: bytes) -> bool:
    from confluent_kafka import Consumer

    consumer = Consumer({**connection, "group.id": PROBE_TOPIC, "enable.auto.commit": False})
    try:
        consumer.assign(sent)
        deadline = time.monotonic() + PROBE_TIMEOUT_S
        while time.monotonic() < deadline:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None and message.value() == token:
                return True
    finally:
        consumer.close()
    return False


def _commit(connection: Connection, sent: "list[TopicPartition]") -> None:
    """Commits as an administrator: a consumer's commit has no end once the broker is gone."""
    from confluent_kafka import ConsumerGroupTopicPartitions
    from confluent_kafka.admin import AdminClient

    request = [ConsumerGroupTopicPartitions(PROBE_TOPIC, sent)]
    admin = AdminClient(connection)
    for done in admin.alter_consumer_group_offsets(request).values():
        done.result(PROBE_TIMEOUT_S)
