"""The whole table of who may do what: principals x topics x operations, on the real broker.

The probes change nothing: a record stamped in the far future is refused after authorisation, the
end of a partition is told to whoever may read it, deletion is asked for records before the first.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka import ConsumerGroupTopicPartitions as Offsets
from confluent_kafka.admin import (  # type: ignore[attr-defined] # its stubs do not re-export
    AdminClient,
    ConfigResource,
)
from pydantic import SecretStr

from contracts.catalogue import CLAIM_OWNERS, MINISTRY, OPERATOR, SERVICES, claims_topic
from deploy.instance import Instance
from services.runtime import topics
from services.runtime.settings import Settings
from services.runtime.topics import Rule, access_rules, all_topics, region_principal

REGIONS = ("VN-07", "VN-99")
CENTRES = tuple(map(region_principal, REGIONS))
RULES = access_rules(REGIONS)
FAR_FUTURE_MS = 4_000_000_000_000
DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)


def allowed(
    principal: str, operation: str, resource: str = "topic", rules: Sequence[Rule] = RULES
) -> set[str]:
    return {
        rule.name
        for rule in rules
        if (rule.principal, rule.operation, rule.resource) == (principal, operation, resource)
    }


class TestRules:
    def test_a_centre_writes_its_claims_and_reads_its_answers_and_nothing_else(self) -> None:
        assert allowed("region.vn-07", "write") == {
            "regional.vn-07.beneficiary.v1",
            "regional.vn-07.workforce.v1",
        }
        assert allowed("region.vn-07", "read") == {"receipts.vn-07.v1"}
        assert allowed("region.vn-07", "read", "group") == {"region.vn-07."}

    def test_the_ministry_reads_aggregates_and_law(self) -> None:
        assert allowed(MINISTRY, "read") == {"insights.indicator.v1", "benefits.rulepack.v1"}
        assert allowed(MINISTRY, "write") == set()

    def test_the_operator_moves_the_clock_and_reads_dead_letters(self) -> None:
        assert allowed(OPERATOR, "write") == {"platform.clock.v1"}
        letters = {f"{name}.dead-letter.v1" for name in SERVICES}
        assert allowed(OPERATOR, "read") == {"platform.clock.v1", *letters}

    def test_sealed_contacts_have_two_readers(self) -> None:
        for topic in ("beneficiary.contact.v1", "beneficiary.key.v1"):
            readers = {rule.principal for rule in RULES if rule.name == topic} - {"beneficiary"}
            assert readers == {"benefits", "notifications"}

    def test_claims_are_read_by_their_owner_alone_in_one_group(self) -> None:
        assert {
            rule.principal
            for rule in RULES
            if rule.name.startswith("regional.") and rule.operation == "read"
        } == {"beneficiary", "workforce"}
        assert "beneficiary.regional" in allowed("beneficiary", "read", "group")

    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_reads_facts_in_one_group(self, service: str) -> None:
        claims = {f"{service}.regional"} if service in CLAIM_OWNERS else set()
        assert allowed(service, "read", "group") == {f"{service}.facts"} | claims

    def test_who_is_no_service_reads_each_topic_in_a_group_of_its_name(self) -> None:
        for reader in (MINISTRY, OPERATOR):
            groups = {f"{reader}.{topic}" for topic in allowed(reader, "read")}
            assert allowed(reader, "read", "group") == groups

    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_writes_its_own_topics_and_receipts(self, service: str) -> None:
        for name in allowed(service, "write"):
            assert name.startswith((f"{service}.", "receipts."))

    def test_only_the_groups_of_a_centre_are_prefixed_and_nothing_is_a_wildcard(self) -> None:
        prefixed = {rule for rule in RULES if rule.prefixed}
        assert prefixed == {Rule(c, "group", f"{c}.", "read", prefixed=True) for c in CENTRES}
        assert not any("*" in rule.name or "*" in rule.principal for rule in RULES)

    def test_a_user_that_no_rule_knows_is_refused(self) -> None:
        with pytest.raises(ValueError, match="mallory"):
            topics.apply(Settings(), REGIONS, {"mallory": "secret"})


class Broker:
    """The broker as its principals see it."""

    def __init__(self, instance: Instance, regions: Sequence[str]) -> None:
        self._bootstrap = instance.kafka
        self._passwords = instance.credentials.kafka_users
        self.rules = access_rules(regions)
        self.names = {topic.name for topic in all_topics(regions)}
        literal = {rule.name for rule in self.rules if rule.resource == "group"}
        centres = {f"{region_principal(region)}.portal" for region in regions}
        self.group_names = {*literal, *centres, "region.vn-070.portal", "anything"}

    def allowed(self, principal: str, operation: str, resource: str = "topic") -> set[str]:
        return allowed(principal, operation, resource, self.rules)

    def connection(self, principal: str, **more: Any) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": principal,
            "sasl.password": self._passwords[principal],
            "log_level": 0,
            **more,
        }

    def described(self, principal: str) -> set[str]:
        listed = AdminClient(self.connection(principal)).list_topics(timeout=20).topics
        return set(listed) & self.names

    def writable(self, principal: str) -> set[str]:
        codes: dict[str, int] = {}

        def told(error: KafkaError, _message: Any, name: str) -> None:
            codes[name] = error.code()

        # Whoever may write at all may write idempotently; who may not fails before any topic.
        idempotent = {"enable.idempotence": bool(self.allowed(principal, "write")), "acks": -1}
        producer = Producer(self.connection(principal, **idempotent))
        for name in self.names:
            producer.produce(
                name, b"x", key=b"x", timestamp=FAR_FUTURE_MS, on_delivery=partial(told, name=name)
            )
        assert producer.flush(30) == 0
        assert set(codes.values()) <= {KafkaError.INVALID_TIMESTAMP, *DENIED}
        return {name for name, code in codes.items() if code == KafkaError.INVALID_TIMESTAMP}

    def readable(self, principal: str) -> set[str]:
        """Who may read a topic may describe it, too: what is hidden cannot be read."""
        seen = self.described(principal)
        once = {"group.id": "none", "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer(self.connection(principal, **once))
        consumer.assign([TopicPartition(name, 0, 0) for name in seen])
        answers: dict[str, bool] = {}
        while seen - answers.keys():
            message = consumer.poll(20)
            assert message is not None, f"no answer about {seen - answers.keys()}"
            error = message.error()
            if error is None or error.code() in (KafkaError._PARTITION_EOF, *DENIED):
                answers[message.topic() or "its group"] = (
                    error is None or error.code() not in DENIED
                )
        consumer.close()
        return {name for name, yes in answers.items() if yes}

    def alterable(self, principal: str) -> set[str]:
        """Topics that a principal may delete records of, or see or change the settings of."""
        admin = AdminClient(self.connection(principal))
        resources = {name: ConfigResource(ConfigResource.Type.TOPIC, name) for name in self.names}
        asked: dict[Any, Any] = {
            **admin.delete_records([TopicPartition(name, 0, 0) for name in self.names]),
            **admin.describe_configs([*resources.values()]),
            **admin.alter_configs([*resources.values()], validate_only=True),
        }
        return {str(about) for about, future in asked.items() if not refused(future)}

    def groups(self, principal: str) -> set[str]:
        admin = AdminClient(self.connection(principal))
        asked = {
            name: admin.list_consumer_group_offsets([Offsets(name)])[name]
            for name in self.group_names
        }
        return {name for name, future in asked.items() if not refused(future)}


def refused(future: Any) -> bool:
    fault = future.exception(20)
    if fault is None:
        return False
    assert isinstance(fault, KafkaException)
    assert fault.args[0].code() in DENIED
    return True


@pytest.fixture(scope="module")
def settings(instance: Instance) -> Settings:
    return Settings(
        kafka_admin_bootstrap=instance.kafka_internal,
        kafka_admin_password=SecretStr(instance.credentials.kafka_admin),
        kafka_security="SASL_PLAINTEXT",
        regions=instance.regions,
    )


@pytest.fixture(scope="module")
def broker(instance: Instance, settings: Settings) -> Broker:
    assert len(settings.regions) > 1
    return Broker(instance, settings.regions)


@pytest.fixture
def principal(request: pytest.FixtureRequest, settings: Settings) -> str:
    asked: str | int = request.param
    return asked if isinstance(asked, str) else region_principal(settings.regions[asked])


@pytest.mark.stack
class TestDrift:
    def test_an_applied_broker_does_not_differ_and_changes_no_more(
        self, settings: Settings
    ) -> None:
        assert topics.drift(settings, settings.regions) == []
        assert topics.apply(settings, settings.regions, {}) == []

    def test_what_differs_is_named_and_corrected(self, settings: Settings) -> None:
        admin, centre = topics._admin(settings), region_principal(settings.regions[-1])
        name = claims_topic(settings.regions[-1], "workforce")
        stray = Rule(centre, "topic", "beneficiary.contact.v1", "read")
        for future in admin.create_acls([topics._binding(stray)]).values():
            future.result(20)
        changed = topics._corrections({(name, "retention.ms"): "700000000"})
        for future in admin.incremental_alter_configs(changed).values():
            future.result(20)
        found = self.told(settings, 2)
        topics.apply(settings, settings.regions, {})
        assert found == [
            f"topic {name} should have retention.ms=604800000",
            f"rule User:{centre} allow read topic beneficiary.contact.v1 is not in the table",
        ]
        assert self.told(settings, 0) == []

    def told(self, settings: Settings, faults: int) -> list[str]:
        """The broker tells what it took a moment later."""
        deadline = time.monotonic() + 60
        while len(found := topics.drift(settings, settings.regions)) != faults:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return found


@pytest.mark.stack
@pytest.mark.parametrize("principal", [*SERVICES, OPERATOR, MINISTRY, 0, 1], indirect=True)
class TestBroker:
    def test_sees_what_it_may_use(self, broker: Broker, principal: str) -> None:
        expected = broker.allowed(principal, "read") | broker.allowed(principal, "write")
        assert broker.described(principal) == expected

    def test_writes(self, broker: Broker, principal: str) -> None:
        assert broker.writable(principal) == broker.allowed(principal, "write")

    def test_reads(self, broker: Broker, principal: str) -> None:
        assert broker.readable(principal) == broker.allowed(principal, "read")

    def test_alters_nothing(self, broker: Broker, principal: str) -> None:
        assert broker.alterable(principal) == set()

    def test_joins_its_own_groups(self, broker: Broker, principal: str) -> None:
        own = {name for name in broker.group_names if name.startswith(f"{principal}.")}
        assert broker.groups(principal) == broker.allowed(principal, "read", "group") | own
