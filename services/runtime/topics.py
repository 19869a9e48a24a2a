"""Topics, users and access rules as code, made from the catalogue for a set of regions.

Everything is denied by default and every name is literal, but for the consumer groups of a region,
which it names itself under its prefix. READ and WRITE carry DESCRIBE with them, and WRITE carries
the right to an idempotent producer (Kafka 3.0 on): no other operation is ever granted.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Literal

from confluent_kafka import KafkaException
from confluent_kafka import admin as confluent

from contracts.catalogue import MINISTRY, OPERATOR, SERVICES, TOPICS, Topic, regional_topics
from services.runtime.settings import Settings

kafka: Any = confluent
"""Its stubs re-export nothing."""
TIMEOUT_S: Final = 30
SCRAM_ITERATIONS: Final = 8192
OURS: Final = (*(f"{service}." for service in SERVICES), "platform.", "regional.", "receipts.")


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One allowed operation of a principal on a topic or a consumer group."""

    principal: str
    resource: Literal["topic", "group"]
    name: str
    operation: Literal["read", "write"]
    prefixed: bool = False
    """The name is a prefix: only for the groups of a region."""


def region_principal(region: str) -> str:
    """The Kafka user of a region: `region.vn-07`."""
    return f"region.{region.lower()}"


def principals(regions: Iterable[str]) -> tuple[str, ...]:
    """Every user that exists."""
    return (*SERVICES, OPERATOR, MINISTRY, *map(region_principal, regions))


def all_topics(regions: Iterable[str]) -> tuple[Topic, ...]:
    """Every topic that exists."""
    return (*TOPICS, *(topic for region in regions for topic in regional_topics(region)))


def access_rules(regions: Iterable[str]) -> tuple[Rule, ...]:
    """Everything that anybody may do; what is not in here is denied."""
    rules: set[Rule] = set()
    for topic in all_topics(regions):
        for owner in topic.owner.split("+"):
            rules.add(Rule(owner, "topic", topic.name, "write"))
        for reader in topic.readers:
            rules.add(Rule(reader, "topic", topic.name, "read"))
            rules.add(_group(reader, topic.name))
    return tuple(sorted(rules))


def _group(reader: str, topic: str) -> Rule:
    if topic.startswith("receipts."):
        return Rule(reader, "group", f"{reader}.", "read", prefixed=True)
    own = "regional" if topic.startswith("regional.") else "facts"
    return Rule(reader, "group", f"{reader}.{own if reader in SERVICES else topic}", "read")


def apply(settings: Settings, regions: Sequence[str], users: Mapping[str, str]) -> list[str]:
    """Makes the broker agree with the catalogue; returns what was changed.

    Creates topics, corrects their settings, sets passwords, adds rules and removes those of our
    principals that are no longer in the table. Partitions are never changed: keys would move.
    Returns when the broker tells the same; a `TimeoutError` if it does not in half a minute.
    """
    if strangers := users.keys() - set(principals(regions)):
        raise ValueError(f"users that no rule knows: {', '.join(sorted(strangers))}")
    admin = _admin(settings)
    wanted = _topics(settings, regions)
    missing, differing = _topic_drift(admin, wanted)
    _wait(admin.create_topics([wanted[name] for name in missing]) if missing else {})
    _wait(admin.incremental_alter_configs(_corrections(differing)) if differing else {})
    credential = kafka.ScramCredentialInfo(kafka.ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
    upserts = [
        kafka.UserScramCredentialUpsertion(u, credential, p.encode()) for u, p in users.items()
    ]
    _wait(admin.alter_user_scram_credentials(upserts) if upserts else {})
    lacking, extra = _rule_drift(admin, regions)
    _wait(admin.create_acls(lacking) if lacking else {})
    ours = [acl for acl in extra if _is_ours(acl.principal.removeprefix("User:"))]
    _wait(admin.delete_acls([_filter(acl) for acl in ours]) if ours else {})
    _settle(admin, wanted, regions)
    return [
        *(f"topic {name} created" for name in missing),
        *(f"topic {name} {key}={value}" for (name, key), value in differing.items()),
        *(f"user {name} set" for name in users),
        *(f"rule {_said(acl)} added" for acl in lacking),
        *(f"rule {_said(acl)} removed" for acl in ours),
    ]


def drift(settings: Settings, regions: Sequence[str]) -> list[str]:
    """Where the broker differs from the catalogue; empty if nowhere."""
    admin = _admin(settings)
    wanted = _topics(settings, regions)
    missing, differing = _topic_drift(admin, wanted)
    found = admin.list_topics(timeout=TIMEOUT_S).topics
    partitions = {name: len(found[name].partitions) for name in wanted if name in found}
    strangers = [name for name in found if name.startswith(OURS) and name not in wanted]
    lacking, extra = _rule_drift(admin, regions)
    return [
        *(f"topic {name} is missing" for name in missing),
        *(f"topic {name} should have {key}={value}" for (name, key), value in differing.items()),
        *(
            f"topic {name} has {count} partitions instead of {wanted[name].num_partitions}"
            for name, count in partitions.items()
            if count != wanted[name].num_partitions
        ),
        *(f"topic {name} is not in the catalogue" for name in strangers),
        *(f"user {name} is missing" for name in _missing_users(admin, principals(regions))),
        *(f"rule {_said(acl)} is missing" for acl in lacking),
        *(f"rule {_said(acl)} is not in the table" for acl in extra),
    ]


def _admin(settings: Settings) -> Any:
    options: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_admin_bootstrap or settings.kafka_bootstrap,
        "security.protocol": settings.kafka_security,
        "client.id": "hamroh-topics",
    }
    if settings.kafka_security != "PLAINTEXT":
        options |= {
            "sasl.mechanism": settings.kafka_admin_mechanism,
            "sasl.username": settings.kafka_admin_username,
            "sasl.password": settings.kafka_admin_password.get_secret_value(),
        }
    if settings.kafka_ca_file:
        options["ssl.ca.location"] = settings.kafka_ca_file
    return kafka.AdminClient(options)


def _wait(futures: Mapping[Any, Future[Any]]) -> list[Any]:
    return [future.result(TIMEOUT_S) for future in futures.values()]


def _settle(admin: Any, wanted: Mapping[str, Any], regions: Sequence[str]) -> None:
    """A broker answers before it has learned everything: who starts now must find it all."""
    deadline = time.monotonic() + TIMEOUT_S
    while _topic_drift(admin, wanted) != ([], {}) or _rule_drift(admin, regions)[0]:
        if time.monotonic() > deadline:
            raise TimeoutError("the broker took everything but does not tell it yet")
        time.sleep(0.05)


def _topics(settings: Settings, regions: Iterable[str]) -> dict[str, Any]:
    copies = settings.kafka_replicas
    return {
        topic.name: kafka.NewTopic(topic.name, topic.partitions, copies, config=topic.settings)
        for topic in all_topics(regions)
    }


def _topic_drift(
    admin: Any, wanted: Mapping[str, Any]
) -> tuple[list[str], dict[tuple[str, str], str]]:
    """Topics that are missing, and (topic, setting) → value for settings that differ."""
    found = admin.list_topics(timeout=TIMEOUT_S).topics
    there = [name for name in wanted if name in found]
    resources = [kafka.ConfigResource(kafka.ConfigResource.Type.TOPIC, name) for name in there]
    described = _wait(admin.describe_configs(resources)) if resources else []
    differing = {
        (name, key): value
        for name, config in zip(there, described, strict=True)
        for key, value in wanted[name].config.items()
        if config[key].value != value
    }
    return [name for name in wanted if name not in found], differing


def _corrections(differing: Mapping[tuple[str, str], str]) -> list[Any]:
    entries: dict[str, list[Any]] = {}
    for (name, key), value in differing.items():
        entry = kafka.ConfigEntry(key, value, incremental_operation=kafka.AlterConfigOpType.SET)
        entries.setdefault(name, []).append(entry)
    return [
        kafka.ConfigResource(kafka.ConfigResource.Type.TOPIC, name, incremental_configs=changed)
        for name, changed in entries.items()
    ]


def _rule_drift(admin: Any, regions: Iterable[str]) -> tuple[list[Any], list[Any]]:
    """Rules that are missing, and rules that are not in the table."""
    wanted = {_binding(rule) for rule in access_rules(regions)}
    found = set(admin.describe_acls(_filter()).result(TIMEOUT_S))
    return sorted(wanted - found, key=_said), sorted(found - wanted, key=_said)


def _binding(rule: Rule) -> Any:
    return kafka.AclBinding(
        rule.resource,
        rule.name,
        "prefixed" if rule.prefixed else "literal",
        f"User:{rule.principal}",
        "*",
        rule.operation,
        "allow",
    )


def _filter(acl: Any = None) -> Any:
    """A filter for one rule; without, for every rule there is."""
    parts = ("restype", "name", "resource_pattern_type", "principal", "host", "operation")
    given = (
        [getattr(acl, part) for part in parts] if acl else ["any", None, "any", None, None, "any"]
    )
    return kafka.AclBindingFilter(*given, acl.permission_type if acl else "any")


def _said(acl: Any) -> str:
    star = "*" if acl.resource_pattern_type == kafka.ResourcePatternType.PREFIXED else ""
    verb = f"{acl.permission_type.name} {acl.operation.name}".lower()
    return f"{acl.principal} {verb} {acl.restype.name.lower()} {acl.name}{star}"


def _is_ours(principal: str) -> bool:
    return principal in (*SERVICES, OPERATOR, MINISTRY) or principal.startswith("region.")


def _missing_users(admin: Any, names: Sequence[str]) -> list[str]:
    """Users without a SCRAM credential."""
    described = admin.describe_user_scram_credentials(list(names))
    missing = []
    for name, future in described.items():
        try:
            future.result(TIMEOUT_S)
        except KafkaException:
            missing.append(name)
    return missing
