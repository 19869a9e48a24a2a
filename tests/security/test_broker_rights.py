"""What nobody but the administrator may do to the broker: every principal tries each of it.

Who reads and writes what is tried in tests/runtime/test_topics.py; here it is topics made, altered
and deleted, rights, users, foreign groups and transactions. What would do harm is only asked to be
validated, where Kafka offers that.
"""

from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions as Offsets
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import admin as confluent

from contracts.catalogue import MINISTRY, OPERATOR, SERVICES
from deploy.instance import Instance
from services.runtime.topics import access_rules, all_topics, principals

pytestmark = pytest.mark.stack
kafka: Any = confluent
REGIONS = ("VN-07", "VN-01", "UA-26")
NAMES = [topic.name for topic in all_topics(REGIONS)]
GROUPS = sorted({rule.name for rule in access_rules(REGIONS) if not rule.prefixed
                 and rule.resource == "group"})  # fmt: skip
REFUSALS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
TIMEOUT_S = 60


class Clients:
    """Connections of principals with their own passwords."""

    def __init__(self, instance: Instance) -> None:
        self._admins: dict[str, Any] = {}  # one that nobody holds answers nothing
        self._bootstrap = instance.kafka
        self._passwords = instance.credentials.kafka_users

    def settings(self, principal: str) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": principal,
            "sasl.password": self._passwords[principal],
            "log_level": 0,
        }

    def admin(self, principal: str) -> Any:
        if principal not in self._admins:
            self._admins[principal] = kafka.AdminClient(self.settings(principal))
        return self._admins[principal]


@pytest.fixture(scope="module")
def clients(instance: Instance) -> Clients:
    return Clients(instance)


def allowed(futures: dict[Any, Any]) -> set[str]:
    """What was not refused. Any other answer than a refusal counts as allowed."""
    return {str(about) for about, future in futures.items() if not refused(future)}


def refused(future: Any) -> bool:
    try:
        future.result(TIMEOUT_S)
    except KafkaException as error:
        return error.args[0].code() in REFUSALS
    return False


def own_groups(principal: str) -> set[str]:
    return {
        rule.name
        for rule in access_rules(REGIONS)
        if rule.principal == principal and rule.resource == "group"
    }


@pytest.mark.parametrize("principal", principals(REGIONS))
class TestEveryPrincipal:
    def test_makes_no_topic(self, clients: Clients, principal: str) -> None:
        wanted = [kafka.NewTopic(f"{name}.more", 1, 1) for name in (*NAMES, principal)]
        asked = clients.admin(principal).create_topics(wanted, validate_only=True)
        assert allowed(asked) == set()

    def test_deletes_no_topic(self, clients: Clients, principal: str) -> None:
        assert allowed(clients.admin(principal).delete_topics(NAMES)) == set()

    def test_alters_no_topic(self, clients: Clients, principal: str) -> None:
        admin = clients.admin(principal)
        partitions = [kafka.NewPartitions(name, 64) for name in NAMES]
        assert allowed(admin.create_partitions(partitions, validate_only=True)) == set()

    def test_neither_sees_nor_gives_rights(self, clients: Clients, principal: str) -> None:
        admin = clients.admin(principal)
        everything = ("any", None, "any", None, None, "any", "any")
        grant = ("topic", "*", "literal", f"User:{principal}", "*", "all", "allow")
        # A refusal comes as an empty list here.
        assert admin.describe_acls(kafka.AclBindingFilter(*everything)).result(TIMEOUT_S) == []
        assert allowed(admin.create_acls([kafka.AclBinding(*grant)])) == set()
        assert allowed(admin.delete_acls([kafka.AclBindingFilter(*everything)])) == set()

    def test_makes_no_user_and_sets_no_password(self, clients: Clients, principal: str) -> None:
        admin = clients.admin(principal)
        sha = kafka.ScramCredentialInfo(kafka.ScramMechanism.SCRAM_SHA_512, 4096)
        mine = kafka.UserScramCredentialUpsertion(principal, sha, b"a password of my own")
        assert allowed(admin.alter_user_scram_credentials([mine])) == set()

    def test_sees_and_alters_no_setting_of_the_broker(
        self, clients: Clients, principal: str
    ) -> None:
        admin = clients.admin(principal)
        broker = kafka.ConfigResource(kafka.ConfigResource.Type.BROKER, "1")
        broker.add_incremental_config(
            kafka.ConfigEntry(
                "log.retention.ms", "1", incremental_operation=kafka.AlterConfigOpType.SET
            )
        )
        assert allowed(admin.describe_configs([broker])) == set()
        assert allowed(admin.incremental_alter_configs([broker], validate_only=True)) == set()

    def test_moves_and_deletes_no_group_of_another(self, clients: Clients, principal: str) -> None:
        admin = clients.admin(principal)
        foreign = [group for group in (*GROUPS, "strange") if group not in own_groups(principal)]
        assert allowed(admin.delete_consumer_groups([*GROUPS, "strange"])) == set()
        for group in foreign:
            back = Offsets(group, [TopicPartition(NAMES[0], 0, 0)])
            assert allowed(admin.alter_consumer_group_offsets([back])) == set()

    def test_lists_no_group_of_another(self, clients: Clients, principal: str) -> None:
        listed = clients.admin(principal).list_consumer_groups().result(TIMEOUT_S)
        own = own_groups(principal)
        seen = {group.group_id for group in listed.valid}
        assert all(name in own or name.startswith(f"{principal}.") for name in seen)

    def test_begins_no_transaction(self, clients: Clients, principal: str) -> None:
        named = {"transactional.id": f"{principal}.x"}
        producer = Producer({**clients.settings(principal), **named})
        with pytest.raises(KafkaException) as error:
            producer.init_transactions(TIMEOUT_S)
        assert error.value.args[0].code() in REFUSALS


def test_the_principals_are_those_of_the_instance(instance: Instance) -> None:
    assert set(principals(REGIONS)) == set(instance.credentials.kafka_users)
    assert {*SERVICES, OPERATOR, MINISTRY} < set(principals(REGIONS))
