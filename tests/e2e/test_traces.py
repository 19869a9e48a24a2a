"""One trace leads from a region's claim to the message, whichever way the claim came."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.catalogue import claims_topic
from contracts.codec import decode
from contracts.envelope import Envelope
from contracts.values import person_id, region_source
from deploy.demo.platform import Platform
from deploy.local.stack import Stack
from services.cli.importing import KINDS, claim_of
from services.runtime.broker import Publisher, read_from_start
from services.runtime.routes import seed_of
from services.runtime.tracing import traceparent
from tests.collector import Collector, Told
from tests.e2e.test_marked_people import row
from tests.runtime.stage import until

pytestmark = [pytest.mark.stack, pytest.mark.local]

REGION = "VN-07"
SOURCE = region_source(REGION)
OUTSIDE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""What the region says that its claims belong to."""
WAY = {
    "regional.beneficiary.person.registered": {"beneficiary"},
    "beneficiary.status.changed": {"benefits"},
    # the sealed contact stands on a compacted topic: only the sweeping leader sends it
    "beneficiary.contact.changed": {"benefits", "notifications"},
    "benefits.notice.issued": {"notifications"},
    "job send_messages": {"notifications"},
    "send text message": {"notifications"},
    "notifications.message.delivered": {"insights"},
}
"""From the registry over benefits to the provider, and to who only counts: who tells of what."""


def claim(nth: int) -> tuple[str, str, bytes]:
    """(event id, key, bytes) of a person who is entitled, as the region traces it."""
    person = row(nth)
    event_id, key, raw = claim_of(person, KINDS["persons"], REGION, person["registered_at"])
    document: dict[str, Any] = {**json.loads(raw), "traceparent": OUTSIDE}
    return event_id, key, json.dumps(document).encode()


async def message_of(stack: Stack, key: str) -> asyncpg.Record:
    """The message to a person; it is delivered."""
    admin = await asyncpg.connect(stack.instance.database_url())
    query = "select * from notifications.messages where recipient_id = $1 and state = 'delivered'"
    try:
        found: asyncpg.Record = await until(lambda: admin.fetchrow(query, person_id(SOURCE, key)))
        return found
    finally:
        await admin.close()


async def trace_of(collector: Collector, message: asyncpg.Record) -> list[Told]:
    """The spans of a message's trace, once all were told: each process tells every five seconds."""
    trace_id = message["traceparent"].split("-")[1]

    async def told() -> Sequence[Told]:
        spans = [one for one in collector.spans() if one.trace_id == trace_id]
        whole = all(services(spans, name) >= tellers for name, tellers in WAY.items())
        # one root without a parent: where a parent is named, its process has yet to tell of it
        begun = [one.span.parent_span_id for one in roots(spans)]
        return spans if whole and begun == [b""] else ()

    return list(await until(told))


def services(spans: Sequence[Told], name: str) -> set[str]:
    """Who told a span of that name."""
    return {one.service for one in spans if one.span.name == name}


def roots(spans: Sequence[Told]) -> list[Told]:
    """The spans whose parent is not among them."""
    ids = {one.span.span_id for one in spans}
    assert len(ids) == len(spans)
    return [one for one in spans if one.span.parent_span_id not in ids]


def check_way(spans: Sequence[Told]) -> None:
    """From the registry over benefits to the provider, and to who only counts."""
    assert {name: services(spans, name) for name in WAY} == WAY


async def test_a_claim_from_kafka_and_its_message_are_one_trace(
    stack: Stack, collector: Collector
) -> None:
    # given a claim that its region traces
    platform = Platform(stack.instance, REGION)
    event_id, key, raw = claim(5001)
    publisher = Publisher(platform.kafka_settings("region.vn-07"))
    await publisher.send([(claims_topic(REGION, "beneficiary"), key, raw)])
    await publisher.stop()

    # when the message has left
    message = await message_of(stack, key)
    spans = await trace_of(collector, message)

    # then one trace leads there, and it begins at the registry: the region's is linked
    [root] = roots(spans)
    assert root.span.name == "regional.beneficiary.person.registered"
    assert root.span.parent_span_id == b""
    assert OUTSIDE.split("-")[1] in {link.trace_id.hex() for link in root.span.links}
    check_way(spans)
    # and every fact about the person carries it, by ids that a repetition would write again
    derived = traceparent("beneficiary", seed_of(SOURCE, event_id), None, 1.0)
    facts = await facts_of(platform, person_id(SOURCE, key))
    assert {fact.traceparent for fact in facts} == {derived}
    assert root.trace_id == derived.split("-")[1]


async def facts_of(platform: Platform, person: UUID) -> list[Envelope[Any]]:
    """What the registry published about a person."""
    topics = ["beneficiary.person.v1", "beneficiary.contact.v1"]
    found = [
        decode(record.value)
        async for record in read_from_start(platform.kafka_settings("benefits"), topics)
        if record.key == str(person)
    ]
    facts = [fact for fact in found if isinstance(fact, Envelope)]
    assert {fact.type for fact in facts} >= {
        "beneficiary.person.registered",
        "beneficiary.contact.changed",
    }
    return facts


async def requests_of(collector: Collector, root: Told) -> list[Told]:
    """The requests that a claim came by; they end after it and may be told after it."""
    linked = {link.span_id for link in root.span.links}
    return [
        one
        for one in collector.spans()
        if one.span.name == "POST /claims" and one.span.span_id in linked
    ]


async def test_a_claim_by_http_and_its_message_are_one_trace(
    stack: Stack, collector: Collector
) -> None:
    # given a claim that is sent twice, and asked for
    platform = Platform(stack.instance, REGION)
    _, key, raw = claim(5002)
    headers = {"content-type": "application/cloudevents+json", "traceparent": OUTSIDE}

    def submit() -> None:
        with platform.client("beneficiary-api", "centre-vn-07") as client:
            for _ in range(2):
                answer = client.post("/claims", content=raw, headers=headers)
                assert answer.status_code == httpx.codes.ACCEPTED

    await asyncio.to_thread(submit)

    # when the message has left
    message = await message_of(stack, key)
    spans = await trace_of(collector, message)

    # then the trace begins where the claim was taken, once
    [root] = roots(spans)
    assert (root.service, root.span.name) == ("beneficiary", "/claims")
    [taken] = [s for s in spans if s.span.name == "regional.beneficiary.person.registered"]
    assert taken.span.parent_span_id == root.span.span_id
    check_way(spans)
    # and the request it came by is linked, which the caller's own trace is linked to
    [request] = await until(partial(requests_of, collector, root))
    assert [link.trace_id.hex() for link in request.span.links] == [OUTSIDE.split("-")[1]]
    assert request.span.parent_span_id == b""
