"""Registration on the real tables: who is new, who is known, who comes at the same moment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any, TypeVar

import pytest

from contracts import beneficiary as facts
from contracts.beneficiary import (
    Contact,
    ContactChanged,
    DuplicateSuspected,
    HouseholdChanged,
    KeyIssued,
    StatusChanged,
)
from contracts.envelope import Fact
from contracts.regional import Identifier, NameParts, PersonRegistered, Status
from contracts.values import household_id, person_id, region_source
from services.beneficiary import handlers, store
from services.beneficiary.store import StatusView
from services.runtime.database import Database
from services.runtime.routes import Accepted, Cause, Decided, Outcome, Rejected
from services.runtime.sealing import PersonKeys
from tests.beneficiary.forms import form, stranger
from tests.databases import Schema
from tests.events import NOW, REGION, claim

FactT = TypeVar("FactT", bound=Fact)
pytestmark = pytest.mark.stack

BLOCKED_S = 1.0
SOURCE = region_source(REGION)


@pytest.fixture(scope="module")
async def database(schema: Schema) -> AsyncIterator[Database]:
    """The registry's."""
    async with schema.database(NOW) as database:
        yield database


def published(outcomes: Sequence[Outcome]) -> list[Any]:
    return [outcome.payload for outcome in outcomes if isinstance(outcome, Decided)]


def of_kind(outcomes: Sequence[Outcome], kind: type[FactT]) -> list[FactT]:
    return [payload for payload in published(outcomes) if isinstance(payload, kind)]


async def test_who_is_new_is_registered_and_told_of_in_an_order_that_can_be_read(
    schema: Schema,
) -> None:
    # given a form of a person with a disability
    status = Status(code="disability", level="severe", valid_from=date(2025, 3, 1))
    event = claim(form("A-1", statuses=(status,), phone="0912 345 678"))
    who = person_id(SOURCE, "A-1")
    # when it is taken
    async with schema.transaction(NOW) as tx:
        outcomes = await handlers.on_registered(tx, [event])
        stored = await store.find_person(tx.connection, who)
        statuses = await store.load_statuses(tx.connection, who)
    # then it is accepted, and the key comes before what it opens, the person before the status
    assert outcomes[0] == Accepted(event, who)
    assert [type(payload) for payload in published(outcomes)] == [
        KeyIssued,
        ContactChanged,
        facts.PersonRegistered,
        StatusChanged,
        HouseholdChanged,
    ]
    assert {one.cause for one in outcomes if isinstance(one, Decided)} == {Cause.of(event)}
    [person] = of_kind(outcomes, facts.PersonRegistered)
    assert (person.residence_region, person.identifier_kinds) == ("VN-07-00694", ("vn-cccd",))
    assert not person.under_review
    assert stored is not None
    assert (stored.region, stored.place) == (REGION, "00694")
    assert stored.registered_on == date(2026, 9, 15)
    assert statuses == [StatusView("disability", "severe", date(2025, 3, 1))]


async def test_names_and_numbers_leave_only_sealed_and_open_with_the_persons_key(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        said = form("A-1", phone="0912 345 678", email="páo@example.vn")
        outcomes = await handlers.on_registered(tx, [claim(said)])
        tables = [
            await tx.connection.fetch(f"select {table}::text from {table}")
            for table in ("persons", "person_statuses", "match_keys", "pairs", "person_keys")
        ]
    [issued], [changed] = of_kind(outcomes, KeyIssued), of_kind(outcomes, ContactChanged)
    keys = PersonKeys.from_settings(schema.settings)
    key = keys.unwrap(issued.person_id, issued.key_version, issued.wrapped_key)
    contact = Contact.model_validate_json(key.open(changed.sealed))
    assert (contact.name, contact.phone) == ("Hoàng Văn Páo", "+84912345678")
    assert contact.email == "páo@example.vn"
    seen = f"{outcomes} {tables}".replace(repr(outcomes[0]), "")
    for secret in ("Hoàng", "Páo", "008080001234", "912345678", "páo@"):
        assert secret not in seen


async def test_the_same_form_again_is_accepted_and_a_changed_one_refused(schema: Schema) -> None:
    first, again, changed = (
        claim(form("A-1")),
        claim(form("A-1")),
        claim(form("A-1", place="00700")),
    )
    async with schema.transaction(NOW) as tx:
        await handlers.on_registered(tx, [first])
        outcomes = await handlers.on_registered(tx, [again, changed])
    assert outcomes == [
        Accepted(again, person_id(SOURCE, "A-1")),
        Rejected(changed, "record.already_registered", "data.record_id"),
    ]


async def test_a_record_id_used_twice_in_one_wave_is_registered_once(schema: Schema) -> None:
    first, again = claim(form("A-1")), claim(form("A-1"))
    other = claim(form("A-1", sex=2, identifiers=()))
    async with schema.transaction(NOW) as tx:
        outcomes = await handlers.on_registered(tx, [first, again, other])
    accepted = [one.claim.id for one in outcomes if isinstance(one, Accepted)]
    assert sorted(accepted) == sorted([first.id, again.id])
    assert Rejected(other, "record.already_registered", "data.record_id") in outcomes
    assert len(of_kind(outcomes, facts.PersonRegistered)) == 1


async def test_a_refused_form_leaves_nothing_and_holds_nobody_up(schema: Schema) -> None:
    elsewhere, unborn = (
        claim(form("B-1", place="03388")),
        claim(form("B-2", birth_date=date(2026, 9, 16), identifiers=())),
    )
    good = claim(form("B-3"))
    async with schema.transaction(NOW) as tx:
        outcomes = await handlers.on_registered(tx, [elsewhere, unborn, good])
        stored = await tx.connection.fetch("select record_id from persons")
    assert outcomes[:3] == [
        Rejected(elsewhere, "place.unknown", "data.place"),
        Rejected(unborn, "birth_date.in_future", "data.birth_date"),
        Accepted(good, person_id(SOURCE, "B-3")),
    ]
    assert [row[0] for row in stored] == ["B-3"]


async def test_a_second_record_of_a_person_is_registered_and_suspected(schema: Schema) -> None:
    # given a registered man
    async with schema.transaction(NOW) as tx:
        await handlers.on_registered(tx, [claim(form("A-1"))])
        # when another centre of the region registers him, his marks left out
        plain = NameParts(family="HOANG", middle="VAN", given="PAO")
        outcomes = await handlers.on_registered(tx, [claim(form("C-9", name=plain))])
        [pair] = await store.page_pairs(tx.connection, None, 10, open_only=True)
    # then the pair is told of, and what is new to him waits for an officer
    both = {person_id(SOURCE, "A-1"), person_id(SOURCE, "C-9")}
    [suspected] = of_kind(outcomes, DuplicateSuspected)
    assert set(suspected.person_ids) == both == {pair.person_a, pair.person_b}
    assert (pair.id, pair.holds, pair.outcome) == (suspected.pair_id, True, None)
    assert [one.under_review for one in of_kind(outcomes, facts.PersonRegistered)] == [True]


async def test_strangers_are_not_suspected(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        outcomes = await handlers.on_registered(
            tx, [claim(stranger(f"S-{number}", number)) for number in range(10)]
        )
    assert of_kind(outcomes, DuplicateSuspected) == []
    assert len(of_kind(outcomes, facts.PersonRegistered)) == 10


async def test_a_household_that_grows_is_told_whole(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        first = await handlers.on_registered(
            tx, [claim(stranger("H-1", 1, form_id="F-1", role="child"))]
        )
        then = await handlers.on_registered(
            tx,
            [
                claim(stranger("H-2", 2, form_id="F-1", role="head")),
                claim(stranger("H-3", 3, form_id="F-1", role="child")),
            ],
        )
    [alone], [whole] = of_kind(first, HouseholdChanged), of_kind(then, HouseholdChanged)
    assert (len(alone.members), alone.head_id) == (1, None)
    assert whole.household_id == household_id(SOURCE, "F-1") == alone.household_id
    assert [(one.person_id, one.role) for one in whole.members] == [
        (person_id(SOURCE, "H-1"), "child"),
        (person_id(SOURCE, "H-2"), "head"),
        (person_id(SOURCE, "H-3"), "child"),
    ]
    assert whole.head_id == person_id(SOURCE, "H-2")


async def at_once(
    database: Database, first: PersonRegistered, second: PersonRegistered
) -> Sequence[Outcome]:
    """What is decided about the second, whose claim is taken while the first is being registered.

    The two come by different ways: from Kafka and by HTTP, or to two workers.
    """

    async def register(one: PersonRegistered) -> Sequence[Outcome]:
        async with database.transaction() as tx:
            return await handlers.on_registered(tx, [claim(one)])

    async with database.transaction() as tx:
        await handlers.on_registered(tx, [claim(first)])
        other = asyncio.create_task(register(second))
        await asyncio.wait([other], timeout=BLOCKED_S)
    return await other


async def test_two_members_who_come_at_once_are_members_of_one_household(
    database: Database,
) -> None:
    # given the head of a household, and a child whose claim is taken at the same moment
    head = form("H-1", form_id="F-home")
    child = form("H-2", form_id="F-home", role="child", identifiers=(), birth_date=date(2015, 1, 1))

    # when both are registered
    outcomes = await at_once(database, head, child)

    # then the last word about the household names both, and its head
    (changed,) = [
        outcome.payload
        for outcome in outcomes
        if isinstance(outcome, Decided) and isinstance(outcome.payload, HouseholdChanged)
    ]
    source = region_source(REGION)
    assert {member.person_id for member in changed.members} == {
        person_id(source, "H-1"),
        person_id(source, "H-2"),
    }
    assert changed.head_id == person_id(source, "H-1")


async def test_two_records_of_a_person_that_come_at_once_are_suspected(database: Database) -> None:
    number = (Identifier(kind="vn-cccd", value="008080005678"),)

    outcomes = await at_once(
        database, form("D-1", identifiers=number), form("D-2", identifiers=number)
    )

    assert any(
        isinstance(outcome, Decided) and isinstance(outcome.payload, DuplicateSuspected)
        for outcome in outcomes
    )


async def test_nobody_is_opened_whom_the_number_alone_rules_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given three namesakes of one day and place: another number, a slip in the number, none
    stranger = (Identifier(kind="vn-cccd", value="008080001111"),)
    own = (Identifier(kind="vn-cccd", value="025080567890"),)
    slip = (Identifier(kind="vn-cccd", value="025080567891"),)
    name = NameParts(family="Ma", middle="Văn", given="Thuyên")
    known = {"N-1": stranger, "N-2": slip, "N-3": ()}
    async with database.transaction() as tx:
        for record_id, numbers in known.items():
            one = form(record_id, name=name, identifiers=numbers)
            await handlers.on_registered(tx, [claim(one)])

    # when a fourth is registered
    opened: list[Any] = []

    def watched(keys: Any, row: Any) -> Any:
        opened.append(row["id"])
        return handlers_opened(keys, row)

    handlers_opened = handlers._opened
    monkeypatch.setattr(handlers, "_opened", watched)
    async with database.transaction() as tx:
        await handlers.on_registered(tx, [claim(form("N-4", name=name, identifiers=own))])

    # then only those are opened who may be the same
    source = region_source(REGION)
    assert sorted(opened) == sorted(person_id(source, record_id) for record_id in ("N-2", "N-3"))
