import asyncio
from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

import pytest

from contracts.beneficiary import PersonRegistered
from contracts.benefits import PaymentReturned
from contracts.casework import CaseAssigned, CaseOpened
from contracts.envelope import Envelope
from services.casework import store
from services.casework.domain import case_id
from services.casework.handlers import on_deployed, on_registered, on_returned
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome, Releases, Waits
from tests.casework.facts import deployed, registered, returned
from tests.databases import Schema
from tests.events import NOW, REGION
from tests.runtime.desk import Desk, record_of

pytestmark = pytest.mark.stack


def assignments(outcomes: list[Outcome]) -> list[tuple[str, UUID | None]]:
    payloads = [one.payload for one in outcomes if isinstance(one, Decided)]
    return [(one.role, one.worker_id) for one in payloads if isinstance(one, CaseAssigned)]


async def test_a_returned_payment_opens_a_case_and_gives_it_to_the_wards_worker(
    schema: Schema,
) -> None:
    person, near, far = uuid4(), uuid4(), uuid4()
    event = returned(person)
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person, "00700")])
        await on_deployed(tx, [deployed(far, "00694"), deployed(near, "00700", "00706")])
        outcomes = await on_returned(tx, [event])
        [case] = await store.page_cases(tx.connection, near, None, 10)
    assert [type(one.payload) for one in outcomes if isinstance(one, Decided)] == [
        CaseOpened,
        CaseAssigned,
    ]
    assert {one.cause for one in outcomes if isinstance(one, Decided)} == {Cause.of(event)}
    assert assignments(outcomes) == [("owner", near)]
    assert (case.person_id, case.community, case.region) == (person, "00700", REGION)
    assert (case.state, case.risk_level, case.opened_at) == ("open", "low", NOW)


async def test_loads_count_what_earlier_waves_and_this_wave_assigned(schema: Schema) -> None:
    person, one, two = uuid4(), UUID(int=1), UUID(int=2)
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person)])
        await on_deployed(tx, [deployed(one), deployed(two)])
        first = await on_returned(tx, [returned(person)])
        second = await on_returned(tx, [returned(person) for _ in range(3)])
    assert [worker for _, worker in assignments(first)] == [one]
    assert [worker for _, worker in assignments(second)] == [two, one, two]


async def test_who_is_not_in_service_on_the_business_date_is_not_asked(schema: Schema) -> None:
    person = uuid4()
    # 2026-09-15 in Ha Noi, the day of NOW.
    yesterday = deployed(uuid4(), last_day=date(2026, 9, 14))
    tomorrow = deployed(uuid4(), first_day=date(2026, 9, 16))
    elsewhere = deployed(uuid4(), region="VN-08")
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person)])
        await on_deployed(tx, [yesterday, tomorrow, elsewhere])
        outcomes = await on_returned(tx, [returned(person)])
    assert assignments(outcomes) == [("supervisor_pool", None)]


async def test_the_same_return_again_opens_nothing(schema: Schema) -> None:
    person = uuid4()
    event = returned(person)
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person)])
        assert len(await on_returned(tx, [event])) == 2
        assert await on_returned(tx, [event, event]) == []


async def test_a_return_of_an_unknown_person_waits_and_their_registration_releases_it(
    schema: Schema,
) -> None:
    known, unknown = uuid4(), uuid4()
    early, due = returned(unknown), returned(known)
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(known)])
        outcomes = await on_returned(tx, [early, due])
        assert outcomes[0] == Waits(early, f"person:{unknown}")
        assert len(assignments(outcomes)) == 1
        released = await on_registered(tx, [registered(unknown)])
        assert released == [Releases(f"person:{unknown}")]
        assert len(assignments(await on_returned(tx, [early]))) == 1


async def test_a_person_registered_twice_in_a_wave_has_the_later_residence(schema: Schema) -> None:
    person = uuid4()
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person, "00694"), registered(person, "00700", "hmn")])
        people = await store.load_people(tx.connection, [person])
    assert (people[person].residence_region, people[person].language) == ("VN-07-00700", "hmn")


async def test_a_registration_that_commits_while_its_return_is_parked_still_releases_it(
    schema: Schema,
) -> None:
    # given a return that has looked for its person in vain and has not committed yet
    person, looked, go_on = uuid4(), asyncio.Event(), asyncio.Event()
    event, arrival = returned(person, "VN-91", 1), registered(person, region="VN-91")

    async def look_and_pause(
        tx: Transaction, events: Sequence[Envelope[PaymentReturned]]
    ) -> list[Outcome]:
        outcomes = await on_returned(tx, events)
        looked.set()
        await go_on.wait()
        return outcomes

    async with schema.database(NOW) as database:
        desk = Desk(database)
        returns = desk.listening("benefits.payment.v1", PaymentReturned, look_and_pause)
        people = desk.listening("beneficiary.person.v1", PersonRegistered, on_registered)
        # when the person is registered meanwhile
        parking = asyncio.create_task(returns.process([record_of(event)]))
        async with asyncio.timeout(30):
            await looked.wait()
        arriving = asyncio.create_task(people.process([record_of(arrival)]))
        await asyncio.wait([arriving], timeout=0.2)
        go_on.set()
        await asyncio.gather(parking, arriving)
        # then the case is opened
        await desk.drain(returns)
        async with database.transaction() as tx:
            opened = await store.load_opened(tx.connection, [case_id(event.data.payment_id)])
    assert opened == {case_id(event.data.payment_id)}


async def test_a_process_that_assigns_meanwhile_waits_and_sees_the_load(schema: Schema) -> None:
    one, two = UUID(int=9201), UUID(int=9202)
    person, assigned = uuid4(), asyncio.Event()
    async with schema.database(NOW) as database:

        async def assign() -> list[tuple[str, UUID | None]]:
            async with database.transaction() as tx:
                outcomes = await on_returned(tx, [returned(person, "VN-92")])
                assigned.set()
                await asyncio.sleep(0.2)
                return assignments(outcomes)

        async def assign_meanwhile() -> list[tuple[str, UUID | None]]:
            await assigned.wait()
            return await assign()

        async with database.transaction() as tx:
            await on_registered(tx, [registered(person, region="VN-92")])
            await on_deployed(tx, [deployed(one, region="VN-92"), deployed(two, region="VN-92")])
        first, second = await asyncio.gather(assign(), assign_meanwhile())
    assert [first, second] == [[("owner", one)], [("owner", two)]]


async def test_the_api_sees_the_cases_of_its_regions_and_nobodys_residence(
    schema: Schema,
) -> None:
    async with schema.database(NOW) as database, database.transaction() as tx:
        for region in ("VN-93", "VN-94"):
            person = uuid4()
            await on_registered(tx, [registered(person, region=region)])
            await on_returned(tx, [returned(person, region)])
    sql = "select region from cases"
    assert [row[0] for row in await schema.seen_by_api(sql, ["VN-93"])] == ["VN-93"]
    assert await schema.seen_by_api(sql, []) == []
    with pytest.raises(Exception, match="permission denied for table people"):
        await schema.seen_by_api("select * from people", ["VN-93"])
