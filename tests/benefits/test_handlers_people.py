import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from contracts.beneficiary import PersonRegistered, StatusChanged
from contracts.benefits import (
    ApplicationDecided,
    EntitlementAdjusted,
    EntitlementStarted,
    NoticeIssued,
)
from contracts.envelope import Envelope
from services.benefits.handlers import people
from services.runtime.database import Transaction
from services.runtime.routes import Decided, DueTimer, Outcome
from tests.benefits.registry import household, registered, resolved, status, suspected
from tests.benefits.stories import uid
from tests.databases import Schema
from tests.events import NOW

pytestmark = pytest.mark.stack

Told = Envelope[PersonRegistered] | Envelope[StatusChanged]


def kinds(outcomes: Sequence[Outcome]) -> Counter[str]:
    return Counter(type(one.payload).__name__ for one in outcomes if isinstance(one, Decided))


async def decided(tx: Transaction, *names: str) -> list[Outcome]:
    """Registers severely disabled adults."""
    await people.on_person(tx, [registered(name) for name in names])
    return await people.on_person(tx, [status(name, "disability", "severe") for name in names])


async def due(tx: Transaction, name: str) -> list[DueTimer]:
    rows = await tx.connection.fetch(
        "select subject, due_at, data from timers where name = $1", name
    )
    return [DueTimer(name, row["subject"], row["due_at"], json.loads(row["data"])) for row in rows]


async def test_registration_alone_decides_nothing(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        assert await people.on_person(tx, [registered("mai")]) == []
        rows = await tx.connection.fetch("select region, residence, review from persons")
        assert [tuple(row) for row in rows] == [("VN-07", "VN-07-00694", "none")]


async def test_a_status_that_fits_starts_one_entitlement_with_one_notice(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        outcomes = await decided(tx, "mai")
        expected = {"ApplicationDecided": 1, "EntitlementStarted": 1, "NoticeIssued": 1}
        assert kinds(outcomes) == expected
        payloads = [one.payload for one in outcomes if isinstance(one, Decided)]
        start = payloads[1]
        assert isinstance(start, EntitlementStarted)
        assert (start.group, start.coefficient, start.amount_minor) == ("A6", "2.0", 1_000_000)
        assert (start.from_month, start.currency) == ("2026-09", "VND")
        row = await tx.connection.fetchrow("select pack_version, facts from decisions")
        assert row is not None
        assert "disability" in row["facts"]


async def test_what_is_stored_is_loaded_again_and_judged_to_the_same(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await decided(tx, "mai")
        assert await people.on_person(tx, [status("mai", "disability", "severe")]) == []
        assert await people.on_person(tx, [status("mai", "in_education")]) == []


async def test_two_statuses_in_one_wave_are_judged_together(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await people.on_person(tx, [registered("an", "2024-05-10"), registered("mai")])
        outcomes = await people.on_person(
            tx,
            [
                status("an", "without_nurture"),
                status("mai", "poor_household"),
                status("an", "disability", "severe"),
            ],
        )
        assert kinds(outcomes) == {"ApplicationDecided": 1}
        outcomes = await people.on_household_changed(tx, [household("mai", "mai", "an")])
        assert kinds(outcomes) == {"EntitlementStarted": 1, "NoticeIssued": 1}
        start = next(
            one.payload
            for one in outcomes
            if isinstance(one, Decided) and isinstance(one.payload, EntitlementStarted)
        )
        assert (start.group, start.payee_id) == ("A1", uid("mai"))


async def test_the_household_may_come_first(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        assert await people.on_household_changed(tx, [household("mai", "mai", "an")]) == []
        await people.on_person(tx, [registered("an", "2024-05-10")])
        outcomes = await people.on_person(tx, [status("an", "without_nurture")])
        assert kinds(outcomes)["EntitlementStarted"] == 1


async def test_a_head_whose_fact_crossed_on_the_way_is_found_by_the_sweep(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await people.on_person(tx, [registered("an", "2024-05-10")])
        await people.on_person(tx, [status("an", "without_nurture")])
        assert await people.waiting_persons(tx) is None
        await tx.connection.execute(
            "insert into households values ($1, 'VN-07', $2, '{}')", uid("home"), uid("mai")
        )
        waiting = await people.waiting_persons(tx)
        assert waiting == [uid("an")]
        outcomes = await people.pay_waiting(tx, waiting, waiting)
        assert kinds(outcomes) == {"EntitlementStarted": 1, "NoticeIssued": 1}
        assert await people.waiting_persons(tx) is None


async def test_an_ended_status_ends_what_it_carried_from_the_month_after(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await decided(tx, "mai")
        outcomes = await people.on_person(
            tx, [status("mai", "disability", "severe", "2026-09-20", "ended")]
        )
        (change,) = [one.payload for one in outcomes if isinstance(one, Decided)]
        assert isinstance(change, EntitlementAdjusted)
        assert (change.new_amount_minor, change.from_month) == (0, "2026-10")


AGE_ALONE = datetime(2025, 3, 3, 9, tzinfo=UTC)
"""Of the age of 80, until the end of June 2025, nothing else was asked."""


@pytest.mark.parametrize(("now", "started"), [(NOW, "A6"), (AGE_ALONE, "A5c")])
async def test_what_is_told_of_a_person_comes_to_the_same_in_one_wave_and_in_two(
    schema: Schema, now: datetime, started: str
) -> None:
    told: list[Told] = [
        registered("ba", "1940-01-01"),
        status("ba", "disability", "severe", "2025-01-01"),
    ]
    async with schema.transaction(now) as tx:
        at_once = await people.on_person(tx, told)
    async with schema.transaction(now) as tx:
        one_by_one = [fact for event in told for fact in await people.on_person(tx, [event])]
    assert at_once == one_by_one
    starts = [one.payload for one in at_once if isinstance(one, Decided)]
    assert [s.group for s in starts if isinstance(s, EntitlementStarted)] == [started]


async def test_a_request_and_age_carry_the_social_pension(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await people.on_person(tx, [registered("ba", "1950-01-01")])
        outcomes = await people.on_person(tx, [status("ba", "social_pension_request")])
        start = next(
            one.payload
            for one in outcomes
            if isinstance(one, Decided) and isinstance(one.payload, EntitlementStarted)
        )
        assert (start.group, start.amount_minor) == ("SP", 500_000)


async def test_a_single_parent_is_paid_for_each_child_whoever_comes_first(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await people.on_household_changed(tx, [household("hoa", "hoa", "an", "be")])
        await people.on_person(tx, [registered("hoa", "1990-01-01")])
        poor = [status("hoa", code) for code in ("poor_household", "single_parent")]
        assert await people.on_person(tx, poor) == []
        await people.on_person(tx, [registered("an", "2015-05-10")])
        (timer,) = await due(tx, "review")
        outcomes = await people.review(tx, [timer])
        start = next(
            one.payload
            for one in outcomes
            if isinstance(one, Decided) and isinstance(one.payload, EntitlementStarted)
        )
        assert (start.group, start.amount_minor, start.payee_id) == ("A4", 500_000, uid("hoa"))
        await people.on_person(tx, [registered("be", "2018-05-10")])
        (change,) = [
            one
            for one in await people.review(tx, await due(tx, "review"))
            if isinstance(one, Decided)
        ]
        assert isinstance(change.payload, EntitlementAdjusted)
        assert change.payload.new_amount_minor == 1_000_000
        # and two reviews of one instant, as a rehearsal's clock has them, are two causes
        seeds = [one.cause.seed for one in outcomes if isinstance(one, Decided)]
        assert change.cause.seed not in seeds
        fewer = await people.on_household_changed(tx, [household("hoa", "hoa", "an")])
        assert kinds(fewer) == {"EntitlementAdjusted": 1}


async def test_a_birthday_to_come_sets_a_timer_that_tells_it_in_its_month(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await people.on_household_changed(tx, [household("mai", "mai", "an")])
        await people.on_person(tx, [registered("an", "2024-05-10")])
        await people.on_person(tx, [status("an", "without_nurture")])
        (timer,) = await due(tx, "review")
        assert timer.due_at == datetime(2028, 5, 31, 17, 30, tzinfo=UTC)
        june = Transaction(tx.connection, timer.due_at, tx.settings)
        outcomes = await people.review(june, [timer])
        (change,) = [one.payload for one in outcomes if isinstance(one, Decided)]
        assert isinstance(change, EntitlementAdjusted)
        assert (change.old_amount_minor, change.new_amount_minor) == (1_250_000, 750_000)
        assert (change.from_month, change.reason) == ("2028-06", "age_band")
        assert await people.review(june, [timer]) == []


async def test_a_suspected_person_is_held_for_five_working_days_and_then_starts(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        await people.on_person(tx, [registered("mai", under_review=True)])
        outcomes = await people.on_person(tx, [status("mai", "disability", "severe")])
        assert kinds(outcomes) == {"ApplicationDecided": 1}
        (timer,) = await due(tx, "release_hold")
        assert timer.due_at == datetime(2026, 9, 22, 17, tzinfo=UTC)  # Tuesday is over in Hanoi
        later = Transaction(tx.connection, timer.due_at, tx.settings)
        outcomes = await people.release_holds(later, [timer])
        expected = {"ApplicationDecided": 1, "EntitlementStarted": 1, "NoticeIssued": 1}
        assert kinds(outcomes) == expected
        assert await people.release_holds(later, [timer]) == []


async def test_an_officer_who_says_distinct_releases_at_once(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await decided(tx, "lan")
        await people.on_person(tx, [registered("mai", under_review=True)])
        await people.on_person(tx, [status("mai", "disability", "severe")])
        await people.on_suspected(tx, [suspected("lan", "mai"), suspected("mai", "hoa")])
        assert await people.on_resolved(tx, [resolved("lan", "mai", "distinct")]) == []
        outcomes = await people.on_resolved(tx, [resolved("mai", "hoa", "distinct")])
        assert kinds(outcomes)["NoticeIssued"] == 1
        assert await due(tx, "release_hold") == []


async def test_an_officer_who_says_same_ends_the_new_one_and_leaves_the_running_one(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        await decided(tx, "lan")
        await people.on_person(tx, [registered("mai", under_review=True)])
        await people.on_person(tx, [status("mai", "disability", "severe")])
        await people.on_suspected(tx, [suspected("lan", "mai")])
        outcomes = await people.on_resolved(tx, [resolved("lan", "mai", "same")])
        (refused,) = [one.payload for one in outcomes if isinstance(one, Decided)]
        assert isinstance(refused, ApplicationDecided)
        assert (refused.person_id, refused.outcome) == (uid("mai"), "refused")
        rows = await tx.connection.fetch("select phase from entitlements order by phase")
        assert [row["phase"] for row in rows] == ["cancelled", "running"]
        assert await people.on_person(tx, [status("mai", "poor_household")]) == []


async def test_a_wave_of_five_hundred_takes_a_handful_of_statements(schema: Schema) -> None:
    names = [f"p{number}" for number in range(500)]
    async with schema.transaction(NOW) as tx:
        statements: list[str] = []
        tx.connection.add_query_logger(lambda record: statements.append(record.query))
        outcomes = await decided(tx, *names)
        assert kinds(outcomes)["EntitlementStarted"] == 500
        own = [query for query in statements if "pg_catalog" not in query and "jit" not in query]
        assert len(own) <= 9
        seen = {
            one.payload.notice_id
            for one in outcomes
            if isinstance(one, Decided) and isinstance(one.payload, NoticeIssued)
        }
        assert len(seen) == 500


async def test_another_country_is_not_judged_by_this_law(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        event = registered("olena")
        data = event.data.model_copy(update={"residence_region": "UA-26-0001"})
        await people.on_person(tx, [event.model_copy(update={"data": data})])
        assert await people.on_person(tx, [status("olena", "disability", "severe")]) == []
