"""Folds on the real tables: everything counts once, nobody is known, a month is published once."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from contracts.beneficiary import DuplicateSuspected
from contracts.casework import CaseOpened
from contracts.insights import IndicatorPublished
from contracts.notifications import MessageDelivered, MessageFailed
from contracts.workforce import DeploymentStarted
from services.insights import store
from services.insights.handlers import (
    on_case_opened,
    on_cycle_closed,
    on_decided,
    on_deployed,
    on_entitled,
    on_message,
    on_ordered,
    on_registered,
    on_returned,
    on_settled,
    on_suspected,
    pseudonym,
)
from services.runtime.database import Transaction
from services.runtime.routes import Decided, Outcome, Releases, Waits
from services.runtime.settings import Settings
from tests.databases import Schema
from tests.events import NOW, fact
from tests.insights.facts import (
    AMOUNT,
    MONTH,
    NEXT_WARD,
    WARD,
    closed,
    decided,
    entitled,
    ordered,
    registered,
    returned,
    settled,
)
from tests.insights.months import CAME_BACK, PAID_MEN, PAID_NEXT_DOOR, PAID_WOMEN, paid_month

pytestmark = pytest.mark.stack


async def counted(tx: Transaction) -> dict[str, int]:
    totals = await store.totals(tx.connection, None)
    return {measure: figures.count for measure, figures in totals.items() if figures.count}


def published(outcomes: Sequence[Outcome]) -> dict[tuple[str, str, str], int | None]:
    """(indicator, place, breakdown) → count, None where hidden."""
    cells = [one.payload for one in outcomes if isinstance(one, Decided)]
    return {
        (cell.indicator, cell.region, cell.breakdown): cell.count
        for cell in cells
        if isinstance(cell, IndicatorPublished)
    }


async def test_of_a_person_only_month_of_birth_sex_and_place_stay_under_a_pseudonym(
    schema: Schema,
) -> None:
    person = uuid4()
    async with schema.transaction(NOW) as tx:
        outcomes = await on_registered(tx, [registered(person)])
        [row] = await tx.connection.fetch("select * from subjects")
        key = pseudonym(tx, person)
        assert await counted(tx) == {"registered": 1}
    assert outcomes == [Releases(f"subject:{key.hex()}")]
    assert [str(value) for value in row.values()] == [
        str(key), "VN-07", WARD, "2", "1950-04-01",
    ]  # fmt: skip
    assert person.bytes not in key


async def test_without_its_key_insights_takes_nobody(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        bare = Transaction(tx.connection, NOW, Settings())
        with pytest.raises(ValueError, match="HAMROH_PSEUDONYM_KEY is not set"):
            await on_registered(bare, [registered(uuid4())])


async def test_an_application_that_waited_and_is_approved_counts_once(schema: Schema) -> None:
    person, application = uuid4(), uuid4()
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person)])
        await on_decided(tx, [decided(person, "deferred", application)])
        assert await counted(tx) == {"registered": 1, "waiting": 1}
        await on_decided(tx, [decided(person, "approved", application)])
        await on_decided(tx, [decided(person, "refused")])
        assert await counted(tx) == {"registered": 1, "decided": 1}


async def test_two_words_about_one_application_in_a_wave_are_taken_in_their_order(
    schema: Schema,
) -> None:
    person, application = uuid4(), uuid4()
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person)])
        await on_decided(
            tx,
            [decided(person, "deferred", application), decided(person, "approved", application)],
        )
        assert await counted(tx) == {"registered": 1, "decided": 1}


async def test_what_is_about_somebody_unknown_waits_for_their_registration(schema: Schema) -> None:
    known, unknown = uuid4(), uuid4()
    early = entitled(unknown)
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(known)])
        cause = f"subject:{pseudonym(tx, unknown).hex()}"
        assert await on_entitled(tx, [early, entitled(known)]) == [Waits(early, cause)]
        assert await counted(tx) == {"registered": 1, "entitled": 1}
        assert Releases(cause) in await on_registered(tx, [registered(unknown)])
        assert await on_entitled(tx, [early]) == []
        totals = await store.totals(tx.connection, "VN-07")
    assert totals["entitled"] == store.Figures(2, 2 * AMOUNT)


async def test_a_payment_is_ordered_paid_and_taken_back_in_its_own_place(schema: Schema) -> None:
    person, payment = uuid4(), uuid4()
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person)])
        await on_ordered(tx, [ordered(person, uuid4(), payment)])
        await on_settled(tx, [settled(person, payment)])
        assert await counted(tx) == {"registered": 1, "ordered": 1, "paid": 1}
        await on_returned(tx, [returned(person, payment)])
        assert await counted(tx) == {"registered": 1, "ordered": 1, "returned": 1}
        cells = await tx.connection.fetch(
            "select month, ward, sex, amount_minor from cube where measure = 'returned'"
        )
    assert [tuple(cell) for cell in cells] == [(MONTH, WARD, 2, AMOUNT)]


async def test_what_names_no_person_counts_by_region(schema: Schema) -> None:
    suspected = DuplicateSuspected(
        pair_id=uuid4(), person_ids=(uuid4(), uuid4()), score=0.9, reasons=("identifier.same",)
    )
    opened = CaseOpened(
        case_id=uuid4(),
        person_id=uuid4(),
        risk_level="low",
        contact_due_at=NOW,
        setting="community",
    )
    deployment = DeploymentStarted(
        worker_id=uuid4(),
        deployment_id=uuid4(),
        region="VN-07",
        communities=("00694",),
        languages=("vi",),
        first_day=NOW.date(),
        last_day=NOW.date(),
    )
    told = MessageDelivered(
        message_id=uuid4(),
        recipient_id=uuid4(),
        template="entitlement_started",
        language="vi",
        channel="sms",
    )
    untold = MessageFailed(
        message_id=uuid4(),
        recipient_id=uuid4(),
        channel="sms",
        reason="phone.missing",
        attempts=0,
    )
    async with schema.transaction(NOW) as tx:
        await on_suspected(tx, [fact(suspected)])
        await on_case_opened(tx, [fact(opened), fact(opened)])
        await on_deployed(tx, [fact(deployment)])
        await on_message(tx, [fact(told), fact(untold)])
        assert await counted(tx) == {"suspected": 1, "cases": 2, "workers": 1, "messages": 2}
        assert {row["ward"] for row in await tx.connection.fetch("select ward from cube")} == {
            "VN-07"
        }


async def test_a_closed_month_is_published_with_its_small_cells_hidden(schema: Schema) -> None:
    # given a month in which one ward paid two men
    cycle = uuid4()
    async with schema.transaction(NOW) as tx:
        await paid_month(tx, cycle)
        paid = PAID_WOMEN + PAID_MEN + PAID_NEXT_DOOR
        # when it is closed
        cells = published(await on_cycle_closed(tx, [closed(cycle, paid, CAME_BACK)]))
        stored = await tx.connection.fetch(
            "select indicator, region, breakdown, count from indicators"
        )
    # then how many were paid is shown, the men are not, nor what would tell them by subtraction
    assert cells["payments.paid", "VN-07", "total"] == paid
    assert cells["payments.paid", WARD, "sex=1"] is None
    assert cells["payments.paid", WARD, "sex=2"] is None
    assert cells["payments.paid", "VN-07", "sex=1"] is None
    assert cells["payments.paid", "VN-07", "sex=2"] is None
    assert cells["payments.paid", NEXT_WARD, "sex=2"] == PAID_NEXT_DOOR
    assert cells["payments.returned", WARD, "sex=2"] == CAME_BACK
    # and what is stored is what is published
    assert {tuple(row)[:3]: row["count"] for row in stored} == cells


async def test_a_close_that_overtakes_its_payments_waits_for_them(schema: Schema) -> None:
    person, payment, cycle = uuid4(), uuid4(), uuid4()
    close = closed(cycle, 1, 0)
    async with schema.transaction(NOW) as tx:
        await on_registered(tx, [registered(person)])
        await on_ordered(tx, [ordered(person, cycle, payment)])
        assert await on_cycle_closed(tx, [close]) == [Waits(close, f"cycle:{cycle}")]
        assert await on_settled(tx, [settled(person, payment)]) == [Releases(f"cycle:{cycle}")]
        assert len(published(await on_cycle_closed(tx, [close]))) > 0


async def test_a_further_cycle_of_a_month_adds_to_it_as_a_revision(schema: Schema) -> None:
    # given a month that was published
    paid = PAID_WOMEN + PAID_MEN + PAID_NEXT_DOOR
    async with schema.transaction(NOW) as tx:
        first, second = uuid4(), uuid4()
        await paid_month(tx, first)
        once = await on_cycle_closed(tx, [closed(first, paid, CAME_BACK)])
        # when another cycle of it is closed
        await paid_month(tx, second)
        twice = await on_cycle_closed(tx, [closed(second, paid, CAME_BACK)])
        rows = await tx.connection.fetch("select distinct revision from indicators")
    # then the same cells say what both paid
    before, after = published(once), published(twice)
    assert before.keys() == after.keys()
    assert after["payments.paid", "VN-07", "total"] == 2 * paid
    assert after["payments.returned", WARD, "sex=2"] == 2 * CAME_BACK
    assert [row["revision"] for row in rows] == [2]


async def test_a_revision_that_would_tell_of_few_waits_for_the_next(schema: Schema) -> None:
    # given a published month, and a second cycle that paid one woman
    paid, person, payment = PAID_WOMEN + PAID_MEN + PAID_NEXT_DOOR, uuid4(), uuid4()
    async with schema.transaction(NOW) as tx:
        first, few, third = uuid4(), uuid4(), uuid4()
        await paid_month(tx, first)
        await on_cycle_closed(tx, [closed(first, paid, CAME_BACK)])
        await on_registered(tx, [registered(person)])
        await on_ordered(tx, [ordered(person, few, payment)])
        await on_settled(tx, [settled(person, payment)])
        # when it is closed, and then a third one with many
        told = published(await on_cycle_closed(tx, [closed(few, 1, 0)]))
        await paid_month(tx, third)
        later = published(await on_cycle_closed(tx, [closed(third, paid, CAME_BACK)]))
    # then how many were paid is told with the third alone
    assert {name for name, _, _ in told} == {"payments.returned"}
    assert later["payments.paid", "VN-07", "total"] == 2 * paid + 1


async def test_a_cell_has_one_id_for_ever(schema: Schema) -> None:
    async def ids(cycle: UUID) -> set[UUID]:
        async with schema.transaction(NOW) as tx:
            await paid_month(tx, cycle)
            paid = PAID_WOMEN + PAID_MEN + PAID_NEXT_DOOR
            outcomes = await on_cycle_closed(tx, [closed(cycle, paid, CAME_BACK)])
            cells = [one.payload for one in outcomes if isinstance(one, Decided)]
            return {cell.cell_id for cell in cells if isinstance(cell, IndicatorPublished)}

    first = await ids(uuid4())
    assert first == await ids(uuid4())
    # paid: two wards and the total, by women, men and all; returned: one ward, women alone
    assert len(first) == 3 * 3 + 2 * 2
