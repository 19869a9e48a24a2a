"""What the yardsticks of the benchmark send and take is what the platform sends and takes.

Needs nothing that runs; that the rows are alike, the benchmark checks itself.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord

from contracts.catalogue import BY_PAYLOAD, key_of, topic_for
from contracts.codec import Undecodable, decode, encode
from services.beneficiary.worker import SUBSCRIPTIONS as BENEFICIARY
from services.benefits.worker import SUBSCRIPTIONS as BENEFITS
from services.notifications.worker import SUBSCRIPTIONS as NOTIFICATIONS
from services.runtime.sealing import PersonKeys
from tests.load import alike
from tests.load.bare.hops import HOPS
from tests.load.newcomers import claims
from tests.load.obvious.events import Claim, StatusChanged, announced, decided

Sent = list[tuple[str, bytes]]
"""(topic, event)."""
LEFT_OUT = 30
"""Bytes of what the platform leaves out: an e-mail or a level that is null, a zone of no hours."""

pytestmark = pytest.mark.unit


def taken_by_bare(service: str, records: Sequence[tuple[str, bytes]]) -> Sent:
    found = [
        ConsumerRecord(topic, 0, 0, 0, 0, b"key", value, 0, 3, len(value), ())
        for topic, value in records
    ]
    rows = HOPS[service].taken(found, "").rows["outbox"]
    return [(topic, event) for _, topic, _, event in rows]


def sent_by_bare(claim: bytes) -> Sent:
    first = taken_by_bare("beneficiary", [(alike.CLAIMS, claim)])
    facts = [(topic, event) for topic, event in first if topic in alike.TAKEN["benefits"]]
    return [*first, *taken_by_bare("benefits", facts)]


def sent_by_obvious(claim: bytes) -> Sent:
    first = announced(Claim.model_validate_json(claim))
    then = [one for _, fact in first if isinstance(fact, StatusChanged) for one in decided(fact)]
    return [(kind.topic, fact.model_dump_json().encode()) for kind, fact in (*first, *then)]


@pytest.mark.parametrize("sent_by", [sent_by_bare, sent_by_obvious])
def test_a_yardstick_sends_what_the_contracts_call_facts(sent_by: Callable[[bytes], Sent]) -> None:
    for _, _, claim in claims("alike", 20):
        sent = sent_by(claim)
        assert Counter(topic for topic, _ in sent) == alike.CARRIED
        for topic, raw in sent:
            fact = decode(raw)
            assert not isinstance(fact, Undecodable), raw
            kind = BY_PAYLOAD[type(fact.data)]
            assert topic == topic_for(kind, "beneficiary", alike.REGION)
            assert fact.subject == key_of(fact.data)
            assert 0 <= len(raw) - len(encode(fact)) <= LEFT_OUT


def test_both_yardsticks_say_the_same() -> None:
    [(_, _, claim)] = claims("alike", 1)
    bare, obvious = (
        [decode(raw) for _, raw in sent(claim)] for sent in (sent_by_bare, sent_by_obvious)
    )
    assert bare == obvious


def test_a_service_takes_what_the_platform_s_takes() -> None:
    subscriptions = {
        "beneficiary": BENEFICIARY,
        "benefits": BENEFITS,
        "notifications": NOTIFICATIONS,
    }
    taken = {
        service: {
            topic
            for topic in (alike.CLAIMS, *alike.CARRIED)
            if any(re.match(subscription.pattern, topic) for subscription in own)
        }
        for service, own in subscriptions.items()
    }
    assert {service: set(topics) for service, topics in alike.TAKEN.items()} == taken


def test_what_is_not_sealed_is_as_long_as_if_it_were() -> None:
    key = PersonKeys.of(bytes(32)).issue(uuid4())
    document = '{"name":"Nông Văn Hòa"}'.encode()
    assert len(alike.sealed(document)) == len(key.seal(document))
    assert len(alike.WRAPPED) == len(key.wrapped)
