"""The registry's door: officers see their regions' people and decide about suspected pairs."""

from uuid import UUID, uuid4

import pytest

from contracts.beneficiary import DuplicateResolved
from contracts.codec import decode
from contracts.envelope import Envelope
from contracts.regional import NameParts
from contracts.values import person_id, region_source
from services.beneficiary.api import create
from services.beneficiary.domain.registration import pair_id_of
from services.beneficiary.handlers import on_registered
from tests.apis import asking
from tests.beneficiary.forms import form, stranger
from tests.databases import Schema
from tests.events import NOW, claim

pytestmark = pytest.mark.stack
HERE, THERE = "VN-07", "VN-01"
PLAIN = NameParts(family="HOANG", middle="VAN", given="PAO")


def person(record_id: str, region: str = HERE) -> UUID:
    return person_id(region_source(region), record_id)


PAIR = pair_id_of(person("A-1"), person("A-2"))
RESOLUTION = f"/duplicates/{PAIR}/resolution"


@pytest.fixture(scope="module", autouse=True)
async def _registered(schema: Schema) -> None:
    """A man who came twice, and a stranger, in one region; one more in another."""
    here = [form("A-1"), form("A-2", name=PLAIN), stranger("A-3", 3)]
    async with schema.database(NOW) as database, database.transaction() as tx:
        await on_registered(tx, [claim(one) for one in here])
        await on_registered(tx, [claim(stranger("B-1", 5, place="03388"), THERE)])


async def test_an_officer_reads_the_people_of_the_region_page_by_page(schema: Schema) -> None:
    async with asking(create(), schema, role="registry_officer", regions=(HERE,)) as client:
        first = (await client.get("/persons", params={"limit": 2})).json()
        rest = (await client.get("/persons", params={"limit": 2, "after": first["next"]})).json()
    people = first["persons"] + rest["persons"]
    assert [UUID(one["id"]) for one in people] == sorted(person(f"A-{n}") for n in (1, 2, 3))
    assert rest["next"] is None
    assert {one["region"] for one in people} == {HERE}
    assert not {"sealed", "record_id", "name"} & people[0].keys()


async def test_a_person_of_another_region_is_answered_as_one_that_is_not(schema: Schema) -> None:
    async with asking(create(), schema, role="registry_officer", regions=(HERE,)) as client:
        mine = await client.get(f"/persons/{person('A-1')}")
        hidden = await client.get(f"/persons/{person('B-1', THERE)}")
        absent = await client.get(f"/persons/{uuid4()}")
    assert (mine.json()["person"]["place"], mine.json()["statuses"]) == ("00694", [])
    assert (hidden.status_code, hidden.json()["code"]) == (404, "person.unknown")
    assert hidden.json() == absent.json()


async def test_a_pair_is_decided_once_and_told_of(schema: Schema) -> None:
    async with asking(create(), schema, role="registry_officer", regions=(HERE,)) as client:
        # given an open pair
        pairs = (await client.get("/duplicates")).json()["pairs"]
        assert [(UUID(one["id"]), one["outcome"]) for one in pairs] == [(PAIR, None)]
        # when an officer decides, decides the same again, and then otherwise
        answers = [
            await client.post(RESOLUTION, json={"outcome": outcome})
            for outcome in ("same", "same", "distinct")
        ]
        still_open = (await client.get("/duplicates")).json()["pairs"]
        decided = (await client.get("/duplicates", params={"open_only": False})).json()["pairs"]
    # then the first decision stands and is published once
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert answers[2].json()["code"] == "pair.decided_otherwise"
    assert still_open == []
    assert [one["outcome"] for one in decided] == ["same"]
    [fact] = await told(schema)
    assert (fact.pair_id, fact.outcome, fact.decided_by) == (PAIR, "same", "somebody")
    assert set(fact.person_ids) == {person("A-1"), person("A-2")}


async def told(schema: Schema) -> list[DuplicateResolved]:
    """The decisions that wait to be sent."""
    connection = await schema.connect("worker")
    try:
        rows = await connection.fetch("select event from outbox order by id")
    finally:
        await connection.close()
    events = [decode(row["event"]) for row in rows]
    return [
        event.data
        for event in events
        if isinstance(event, Envelope) and isinstance(event.data, DuplicateResolved)
    ]


async def test_a_pair_of_another_region_is_not_there_to_decide(schema: Schema) -> None:
    async with asking(create(), schema, role="registry_officer", regions=(THERE,)) as client:
        assert (await client.get("/duplicates")).json()["pairs"] == []
        answer = await client.post(RESOLUTION, json={"outcome": "distinct"})
    assert (answer.status_code, answer.json()["code"]) == (404, "pair.unknown")


@pytest.mark.parametrize("body", [{}, {"outcome": "maybe"}, {"outcome": "same", "why": "?"}])
async def test_a_decision_is_one_of_two_words(schema: Schema, body: dict[str, str]) -> None:
    async with asking(create(), schema, role="registry_officer", regions=(HERE,)) as client:
        assert (await client.post(RESOLUTION, json=body)).status_code == 422


async def test_other_roles_are_refused(schema: Schema) -> None:
    async with asking(create(), schema, role="payments_approver", regions=(HERE,)) as client:
        for path in ("/persons", f"/persons/{person('A-1')}", "/duplicates"):
            assert (await client.get(path)).status_code == 403
        assert (await client.post(RESOLUTION, json={"outcome": "same"})).status_code == 403
