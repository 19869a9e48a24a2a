"""Five thousand damaged claims on the real broker: each is answered, and nothing falls over."""

import asyncio
import json
from random import Random
from uuid import uuid4

import asyncpg
import pytest

from contracts.catalogue import BY_NAME, claims_topic, receipts_topic
from contracts.codec import Undecodable, decode, decode_claim
from contracts.envelope import Envelope
from contracts.platform import EventAccepted, EventRejected
from deploy.contracts.published import example_of
from deploy.demo.platform import Platform
from deploy.local.stack import Stack
from services.runtime.broker import Publisher, read_from_start
from services.runtime.consumer.effects import name_of, reused_name
from services.runtime.dead_letters import Fault
from services.runtime.inbox import Read, Record
from tests.contracts.mutations import MARK, mutated

pytestmark = [pytest.mark.stack, pytest.mark.local]

REGION, SOURCE = "VN-01", "urn:hamroh:region:vn-01"
CLAIMS = 5000
TYPE = "regional.beneficiary.person.registered"


def damaged() -> list[tuple[str, str, bytes | None]]:
    """Claims of Lai Châu, each with its own id and its own damage; one in fifty as good as new."""
    random, topic = Random(5), claims_topic(REGION, "beneficiary")
    example = example_of(BY_NAME[TYPE])
    records: list[tuple[str, str, bytes | None]] = []
    for nth in range(CLAIMS):
        claim = json.loads(json.dumps(example))
        claim |= {"id": f"d-{nth}", "source": SOURCE, "regioncode": REGION}
        claim |= {"time": "2026-09-14T08:00:00+07:00"}
        claim["data"] |= {"record_id": f"D-{nth}", "form_id": f"DF-{nth}", "place": "03388"}
        claim["data"]["statuses"] = [{"code": "pension", "valid_from": "2026-01-01"}]
        raw = json.dumps(claim).encode() if nth % 50 == 0 else mutated(claim, random)
        records.append((topic, uuid4().hex, raw))
    return records


def item_of(record: Record) -> Read | Fault:
    """A record as the registry reads it."""
    event = decode_claim(record.value)
    if isinstance(event, Undecodable):
        return Fault(record, event.code, event.path, event_id=event.event_id)
    return Read(record, event)


async def test_every_damaged_claim_is_answered_and_nothing_falls_over(stack: Stack) -> None:
    platform = Platform(stack.instance, REGION)
    region = platform.kafka_settings("region.vn-01")
    assert stack.running is not None
    restarts = {name: child.restarts for name, child in stack.running.children.items()}

    # given five thousand claims, most of them damaged
    publisher, records = Publisher(region), damaged()
    for start in range(0, CLAIMS, 500):
        await publisher.send(records[start : start + 500])
    await publisher.stop()

    # when the registry has taken them all
    await asyncio.to_thread(platform.await_quiet, "the damaged claims")

    # then each record has its answer: under its id, or its position, or as an id used twice
    admin = await asyncpg.connect(stack.instance.database_url())
    rows = await admin.fetch("select id, outcome from beneficiary.inbox where source = $1", SOURCE)
    answered = {row["id"]: row["outcome"] for row in rows}
    asked = read_from_start(
        platform.kafka_settings("beneficiary"), [claims_topic(REGION, "beneficiary")]
    )
    items = [item_of(record) async for record in asked]
    assert len(items) == CLAIMS
    missing = [i for i in items if not {name_of(i)[1], reused_name(i)[1]} & answered.keys()]
    assert missing == []
    assert "pending" not in answered.values()
    # and one receipt went out for each answer, which never quotes what stood there
    found = read_from_start(region, [receipts_topic(REGION)])
    receipts = {}
    async for record in found:
        assert MARK.encode() not in (record.value or b"")
        event = decode(record.value)
        if isinstance(event, Envelope):
            receipts[event.id] = event.data
    answers = [r for r in receipts.values() if isinstance(r, EventAccepted | EventRejected)]
    assert len(answers) == len(answered)
    # and who was registered was accepted, nobody else
    registered = await admin.fetchval(
        "select count(*) from beneficiary.persons where region = $1", REGION
    )
    accepted = sum(outcome == "accepted" for outcome in answered.values())
    letters = await admin.fetchval("select count(*) from beneficiary.dead_letters")
    await admin.close()
    assert CLAIMS / 100 < registered <= accepted < CLAIMS
    assert letters == 0
    # and no process fell over
    assert {name: child.restarts for name, child in stack.running.children.items()} == restarts
