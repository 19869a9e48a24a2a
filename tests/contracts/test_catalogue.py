"""The one table: what travels where, under which key, and who may read it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.catalogue import (
    BY_NAME,
    CLAIM_OWNERS,
    CLAIM_RETENTION_DAYS,
    DEAD_LETTERS,
    EVENTS,
    MINISTRY,
    OPERATOR,
    RECEIPTS,
    REGIONAL,
    SERVICES,
    TOPIC_BY_NAME,
    TOPICS,
    EventType,
    claims_pattern,
    claims_topic,
    data_class_of,
    key_of,
    receipts_topic,
    region_of_topic,
    regional_topics,
    topic_for,
)
from contracts.platform import EventRejected
from contracts.values import DataClass
from deploy.contracts.schemas import data_schema, inlined

TEMPLATES = {RECEIPTS, DEAD_LETTERS, *(REGIONAL.format(owner=owner) for owner in CLAIM_OWNERS)}
FACTS = [event for event in EVENTS if not event.is_claim]
every_type = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
every_fact = pytest.mark.parametrize("event", FACTS, ids=lambda event: event.name)
PERSONAL = {"name", "family", "middle", "given", "phone", "email", "address", "account", "value"}


def test_names_stand_once() -> None:
    assert len(BY_NAME) == len(EVENTS)
    assert len(TOPIC_BY_NAME) == len(TOPICS)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_is_named_after_its_owner_and_read_by_others(topic: Any) -> None:
    owner = topic.name.split(".")[0]
    assert re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*\.v[1-9]", topic.name)
    assert topic.owner == (OPERATOR if owner == "platform" else owner)
    assert set(topic.readers) <= {*SERVICES, MINISTRY, OPERATOR}
    assert len(set(topic.readers)) == len(topic.readers)


@every_type
def test_a_type_travels_on_a_topic_of_its_owner(event: EventType) -> None:
    assert event.topic in TOPIC_BY_NAME or event.topic in TEMPLATES
    owner, noun, verb = event.name.removeprefix("regional.").split(".")
    assert owner in {*SERVICES, "platform"}
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", noun)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", verb)
    if event.is_claim:
        assert event.topic == REGIONAL.format(owner=owner)
        assert event.name.startswith("regional.")
    elif event.topic not in TEMPLATES:
        assert event.topic.startswith(f"{owner}.")


@every_type
def test_the_key_is_a_required_reference_and_never_a_name(event: EventType) -> None:
    field = event.payload.model_fields[event.key]
    assert field.is_required() or event.payload is EventRejected
    assert event.key not in PERSONAL
    levels = [mark.level for mark in field.metadata if hasattr(mark, "level")]
    assert levels[0] <= DataClass.C1


def names(schema: Any) -> Iterator[str]:
    """Every field name in a schema, at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, dict | list):
            yield from names(part)


@every_fact
def test_no_fact_carries_a_name_a_phone_or_an_account_in_the_open(event: EventType) -> None:
    assert PERSONAL & set(names(inlined(data_schema(event)))) == set()


def test_what_is_sealed_and_its_keys_are_read_by_those_who_write_to_people_or_pay_them() -> None:
    for name in ("beneficiary.contact.v1", "beneficiary.key.v1"):
        assert set(TOPIC_BY_NAME[name].readers) == {"benefits", "notifications"}
        assert TOPIC_BY_NAME[name].compacted


def test_a_ministry_reads_only_what_nobody_stands_behind() -> None:
    open_topics = {topic.name for topic in TOPICS if MINISTRY in topic.readers}
    classes = [data_class_of(event.payload) for event in EVENTS if event.topic in open_topics]
    assert set(classes) == {DataClass.C0}


def test_a_region_has_its_claims_topics_and_its_receipts() -> None:
    # Given the topics of one region
    topics = {topic.name: topic for topic in regional_topics("VN-07")}
    # Then there is one per owner that answers claims, and the answers
    assert set(topics) == {
        "regional.vn-07.beneficiary.v1",
        "regional.vn-07.workforce.v1",
        "receipts.vn-07.v1",
    }
    for owner in CLAIM_OWNERS:
        topic = topics[claims_topic("VN-07", owner)]
        # And only the owner reads a claim, for a week; the topic proves the region
        assert (topic.owner, topic.readers) == ("region.vn-07", (owner,))
        assert topic.settings["retention.ms"] == str(CLAIM_RETENTION_DAYS * 86_400_000)
        assert region_of_topic(topic.name) == "VN-07"
        assert re.fullmatch(claims_pattern(owner), topic.name)
        assert not re.fullmatch(claims_pattern(owner), f"{topic.name}.x")
    # And only the region reads its receipts
    assert topics[receipts_topic("VN-07")].readers == ("region.vn-07",)


def test_a_topic_is_kept_as_its_row_says() -> None:
    assert TOPIC_BY_NAME["beneficiary.contact.v1"].settings["cleanup.policy"] == "compact"
    assert TOPIC_BY_NAME["benefits.payment.v1"].settings == {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "max.message.bytes": "1048576",
    }


def test_where_a_fact_goes_depends_on_who_publishes_it_about_which_region() -> None:
    accepted = BY_NAME["platform.event.accepted"]
    assert topic_for(accepted, "beneficiary", "UA-26") == "receipts.ua-26.v1"
    with pytest.raises(ValueError, match="a receipt goes to a region"):
        topic_for(accepted, "beneficiary", None)
    letter = BY_NAME["platform.record.dead-lettered"]
    assert topic_for(letter, "insights", None) == "insights.dead-letter.v1"
    settled = BY_NAME["benefits.payment.settled"]
    assert topic_for(settled, "benefits", "VN-07") == "benefits.payment.v1"


def test_an_answer_to_unreadable_bytes_is_keyed_by_their_position() -> None:
    answer = EventRejected(
        claim_source="urn:hamroh:region:vn-07",
        code="json.malformed",
        path="",
        digest="0" * 64,
        position="regional.vn-07.beneficiary.v1-0:17",
    )
    assert key_of(answer) == answer.position
    assert key_of(answer.model_copy(update={"claim_id": "c-1"})) == "c-1"
