"""A centre speaks for its own region alone: the broker refuses it another's topic, the registry
refuses another's name on its own, and the other region never learns that somebody tried."""

import asyncio
import json
from collections import Counter
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from contracts.catalogue import claims_topic, receipts_topic
from contracts.codec import decode
from contracts.envelope import Envelope
from contracts.platform import EventAccepted, EventRejected
from contracts.values import region_source
from deploy.demo.platform import Platform
from deploy.local.stack import Stack
from services.cli.importing import KINDS, PERSON_COLUMNS, claim_of
from services.runtime.broker import Publisher, follow, read_from_start
from services.runtime.database import OutageError
from services.runtime.settings import Settings

pytestmark = [pytest.mark.stack, pytest.mark.local, pytest.mark.slow]

OWN, OTHER = "VN-07", "VN-01"
PATIENCE_S = 240
ATTEMPTS, HONEST = 1_429, 20
TIME = "2026-09-14T08:00:00+07:00"
Document = dict[str, Any]
SOURCE, REGION = "claim.wrong_source", "claim.wrong_region"
FORGERIES: dict[str, tuple[dict[str, str], str]] = {
    "another's source": ({"source": region_source(OTHER)}, SOURCE),
    "another's all": ({"source": region_source(OTHER), "regioncode": OTHER}, SOURCE),
    "a service's source": ({"source": "urn:hamroh:service:benefits"}, SOURCE),
    "a unit's source": ({"source": "urn:hamroh:region:vn-07-00694"}, SOURCE),
    "another's region": ({"regioncode": OTHER}, REGION),
    "a region with the same beginning": ({"regioncode": "VN-070"}, REGION),
    "a region that is ours cut short": ({"regioncode": "VN-0"}, REGION),
}
FOREIGN_ROWS = "select * from beneficiary.inbox where source = $1 order by id"
PERSONS = """
select count(*) filter (where region like $1 || '%') as foreign_rows,
       count(*) filter (where record_id like $2 || '%') as forged,
       count(*) filter (where record_id like $3 || '%') as honest
from beneficiary.persons
"""


def document(record_id: str, region: str = OWN) -> Document:
    """An honest claim about somebody new."""
    cells = {
        "record_id": record_id,
        "form_id": f"F-{record_id}",
        "role": "head",
        "family_name": "Lò",
        "given_name": "Văn",
        "sex": "1",
        "birth_date": "1980-05-10",
        "birth_precision": "day",
        "language": "vi",
        "place_code": "00694",
        "registered_at": TIME,
    }
    row = {name: cells.get(name, "") for name in PERSON_COLUMNS}
    _, _, raw = claim_of(row, KINDS["persons"], region, TIME)
    found: Document = json.loads(raw)
    return found | {"id": str(uuid4())}


class Centres:
    """Two centres with their own credentials, and what the registry keeps."""

    def __init__(self, stack: Stack) -> None:
        self._platform = Platform(stack.instance, OWN)
        self._url = stack.instance.database_url()

    def settings(self, region: str) -> Settings:
        return self._platform.kafka_settings(f"region.{region.lower()}")

    async def publish(self, region: str, documents: list[Document]) -> None:
        topic, publisher = claims_topic(region, "beneficiary"), Publisher(self.settings(region))
        try:
            await publisher.send(
                [(topic, d["data"]["record_id"], json.dumps(d).encode()) for d in documents]
            )
        finally:
            await publisher.stop()

    async def answers(self, region: str, ids: set[str]) -> dict[str, str]:
        """Claim id → code of its rejection, or `accepted`."""
        found: dict[str, str] = {}
        reading = follow(self.settings(region), [receipts_topic(region)])
        async with asyncio.timeout(PATIENCE_S), aclosing(reading) as batches:
            async for batch in batches:
                for record in batch:
                    event = decode(record.value)
                    assert isinstance(event, Envelope)
                    if isinstance(event.data, EventRejected):
                        found[str(event.data.claim_id)] = event.data.code
                    elif isinstance(event.data, EventAccepted):
                        found[event.data.claim_id] = "accepted"
                if ids <= found.keys():
                    return {name: found[name] for name in ids}
        raise AssertionError("the answers ended")

    async def seen_by(self, region: str, reader: str | None = None) -> set[str]:
        """The answers to a region, as it, or somebody else, reads them; sent twice is one."""
        records = read_from_start(self.settings(reader or region), [receipts_topic(region)])
        events = [decode(record.value) async for record in records]
        return {event.id for event in events if isinstance(event, Envelope)}

    async def rows(self, sql: str, *values: str) -> list[Any]:
        admin = await asyncpg.connect(self._url)
        try:
            return [tuple(row) for row in await admin.fetch(sql, *values)]
        finally:
            await admin.close()


@pytest.fixture
def centres(stack: Stack) -> Centres:
    return Centres(stack)


async def test_a_forged_claim_is_answered_to_its_sender_and_leaves_no_trace_elsewhere(
    centres: Centres,
) -> None:
    # given a claim that the other region made itself, and honest ones of ours
    run = uuid4().hex[:8]
    theirs = document(f"T-{run}", OTHER)
    await centres.publish(OTHER, [theirs])
    await centres.answers(OTHER, {theirs["id"]})
    honest = [document(f"H-{run}-{n}") for n in range(HONEST)]
    before = await centres.rows(FOREIGN_ROWS, region_source(OTHER))
    receipts, persons = await centres.seen_by(OTHER), await centres.rows(PERSONS, OTHER, "", "")

    # when our centre forges claims in every way, one of them under the id of theirs
    expected: dict[str, str] = {}
    forged: list[Document] = []
    for changed, code in FORGERIES.values():
        made = [document(f"X-{run}-{len(forged) + n}") for n in range(ATTEMPTS)]
        forged += [claim | changed for claim in made]
        expected |= {claim["id"]: code for claim in made}
    forged.append(theirs)
    expected[theirs["id"]] = SOURCE
    mixed = forged[: len(forged) // 2] + honest + forged[len(forged) // 2 :]
    await centres.publish(OWN, mixed)

    # then our centre is told of each, and what was honest is accepted
    expected |= {claim["id"]: "accepted" for claim in honest}
    assert await centres.answers(OWN, {*expected}) == expected
    assert Counter(expected.values())[SOURCE] == 4 * ATTEMPTS + 1
    # and under the other's name nothing was written, nothing answered, nobody registered
    assert await centres.rows(FOREIGN_ROWS, region_source(OTHER)) == before
    assert await centres.seen_by(OTHER) == receipts
    ((foreign, of_forged, of_honest),) = await centres.rows(PERSONS, OTHER, f"X-{run}", f"H-{run}")
    assert (foreign, of_forged, of_honest) == (persons[0][0], 0, HONEST)


@pytest.mark.parametrize("owner", ["beneficiary", "workforce"])
async def test_another_regions_topic_takes_nothing_from_us(centres: Centres, owner: str) -> None:
    publisher = Publisher(centres.settings(OWN))
    with pytest.raises(OutageError) as refused:
        await publisher.send([(claims_topic(OTHER, owner), "key", b"{}")])
    await publisher.stop()
    assert isinstance(refused.value.__cause__, TopicAuthorizationFailedError)


async def test_another_regions_answers_are_not_shown_to_us(centres: Centres) -> None:
    with pytest.raises(OutageError) as refused:
        await centres.seen_by(OTHER, OWN)
    assert isinstance(refused.value.__cause__, TopicAuthorizationFailedError)
