"""What the gate refuses and what it lets through, on copies of the published contracts."""

import json
from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from contracts import codec
from contracts.beneficiary import HouseholdMember
from contracts.catalogue import BY_NAME, EventType
from contracts.envelope import Fact
from contracts.values import C0, C1, C2, C3, Code, LanguageTag, Month, PlaceCode, ShortText, Value
from deploy.contracts.__main__ import read_today
from deploy.contracts.compatibility import gate
from deploy.contracts.published import contract_of, current, published
from tests.contracts.altered import as_contract, judged, with_fields

SETTLED = "benefits.payment.settled"
RETURNED = "benefits.payment.returned"
DECIDED = "benefits.application.decided"
HOUSEHOLD = "beneficiary.household.changed"
REGISTERED = "regional.beneficiary.person.registered"
DEPLOYED = "regional.workforce.worker.deployed"

Currencies = Annotated[str, StringConstraints(pattern="^(VND|UAH|UZS)$")]
Fewer = Literal["approved", "refused", "waitlisted"]
More = Literal["approved", "refused", "waitlisted", "deferred", "withdrawn"]
Fewest = Annotated[tuple[PlaceCode, ...], Field(max_length=3)]


class Member(Value):
    """A member of a household who lost the role."""

    person_id: Annotated[UUID, C1]


def money(most: int) -> object:
    return Annotated[int, Field(ge=0, le=most), C2]


def text(most: int) -> object:
    return Annotated[str, StringConstraints(min_length=1, max_length=most), C2]


def members_of(member: type[Value]) -> object:
    return Annotated[tuple[member, ...], Field(max_length=50), C2]  # type: ignore[valid-type]


def _on_a_friday(day: AwareDatetime) -> AwareDatetime:
    if day.weekday() != 4:
        raise ValueError("no Friday")
    return day


FRIDAY = Annotated[AwareDatetime, AfterValidator(_on_a_friday), C2]

BREAKING: dict[str, tuple[EventType, str]] = {
    "a field removed": (
        with_fields(SETTLED, amount_minor=None),
        "data.amount_minor: was removed",
    ),
    "a field renamed": (
        with_fields(SETTLED, settled_at=None, booked_at=(Annotated[ShortText | None, C2], None)),
        "data.settled_at: was removed or renamed",
    ),
    "a new required field": (
        with_fields(SETTLED, bank=Annotated[ShortText, C2]),
        "data.bank: is required now",
    ),
    "a new required field of a claim": (
        with_fields(DEPLOYED, employer=Annotated[ShortText, C1]),
        "data.employer: is required now",
    ),
    "an optional field made required": (
        with_fields(HOUSEHOLD, head_id=Annotated[UUID | None, C2]),
        "data.head_id: is required now",
    ),
    "a required field of a fact made optional": (
        with_fields(SETTLED, month=(Annotated[Month | None, C2], None)),
        "data.month: is optional now",
    ),
    "another type": (
        with_fields(SETTLED, amount_minor=Annotated[ShortText, C2]),
        "data.amount_minor: a value that was allowed",
    ),
    "whole units that may be fractions": (
        with_fields(SETTLED, amount_minor=Annotated[float, Field(ge=0, le=10**15), C2]),
        "data.amount_minor: a value allowed now",
    ),
    "a value taken from a list": (
        with_fields(DECIDED, outcome=Annotated[Fewer, C3]),
        "data.outcome: a value that was allowed",
    ),
    "a value added to a list of a fact": (
        with_fields(DECIDED, outcome=Annotated[More, C3]),
        "data.outcome: a value allowed now",
    ),
    "another pattern": (
        with_fields(SETTLED, currency=Annotated[Currencies, C0]),
        "data.currency: a value that was allowed",
    ),
    "a shorter text": (
        with_fields(RETURNED, reason=text(4)),
        "data.reason: a value that was allowed",
    ),
    "a lower bound": (
        with_fields(SETTLED, amount_minor=money(10**9)),
        "data.amount_minor: a value that was allowed",
    ),
    "a higher bound in a fact": (
        with_fields(SETTLED, amount_minor=money(10**16)),
        "data.amount_minor: a value allowed now",
    ),
    "an absence no longer allowed": (
        with_fields("casework.case.assigned", worker_id=(Annotated[UUID, C1], UUID(int=0))),
        "data.worker_id: a value that was allowed",
    ),
    "a shorter list": (
        with_fields(
            DEPLOYED, communities=Annotated[tuple[PlaceCode, ...], Field(max_length=9), C0]
        ),
        "data.communities: a value that was allowed",
    ),
    "a field removed from the members of a list": (
        with_fields(HOUSEHOLD, members=members_of(Member)),
        "data.members[].role: was removed",
    ),
    "another meaning of absence": (
        with_fields(
            REGISTERED,
            birth_precision=(Annotated[Literal["day", "month", "year"], C2], "year"),
        ),
        "data.birth_precision: its absence means something else",
    ),
    "a field less protected": (
        with_fields(SETTLED, settled_at=Annotated[AwareDatetime, C0]),
        "data.settled_at: is less protected: C2 became C0",
    ),
    "a field of a claim that is not taken any more": (
        with_fields(REGISTERED, phone=None),
        "data.phone: was removed",
    ),
    "a check that no schema shows": (
        with_fields(SETTLED, settled_at=FRIDAY),
        "published example: is not read any more",
    ),
    "another key": (
        replace(BY_NAME[SETTLED], key="person_id"),
        "key: was payment_id, is person_id",
    ),
    "another topic": (
        replace(BY_NAME[SETTLED], topic="benefits.entitlement.v1"),
        "topic address: was benefits.payment.v1",
    ),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_breaking_change_without_a_new_major_version_is_refused(change: str) -> None:
    # Given a published type in which one thing was changed
    event, expected = BREAKING[change]
    # When the gate compares it with what was published
    found = judged(as_contract(event), events=(event,))
    # Then the breach is named where it stands
    assert any(str(breach).startswith(f"{event.name}.1: {expected}") for breach in found), found


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        ("partitions", 12, "topic partitions: was 6, is 12"),
        ("compacted", True, "topic compacted: was False, is True"),
        ("readers", ["casework"], "topic readers: insights may no longer read it"),
        ("retention_days", 30, "topic retention: is shorter than published"),
    ],
)
def test_a_topic_that_is_kept_otherwise_is_refused(part: str, value: object, expected: str) -> None:
    contract = as_contract(BY_NAME[SETTLED])
    found = judged(replace(contract, channel={**contract.channel, part: value}))
    assert f"{SETTLED}.1: {expected}" in map(str, found)


def test_a_type_that_is_gone_or_renamed_is_refused() -> None:
    # Given the settled payment under another name
    event = replace(BY_NAME[SETTLED], payload=type("Booked", (BY_NAME[SETTLED].payload,), {}))
    event.payload.type_name = "benefits.payment.booked"
    renamed = contract_of(event, current()[0].example)
    # When the published name stands nowhere any more
    found = judged(renamed, gone=SETTLED)
    # Then the gate says so
    expected = "published example: is gone, and nothing lifts it (event.unknown_type)"
    assert f"{SETTLED}.1: {expected}" in map(str, found)


def test_an_envelope_that_demands_more_is_refused() -> None:
    envelope = current()[0]
    schema = {**envelope.schema, "required": [*envelope.schema["required"], "sequence"]}
    found = judged(replace(envelope, schema=schema))
    assert "envelope.1: envelope.sequence: is required now: what was published lacks it" in map(
        str, found
    )


def test_a_claim_that_became_a_fact_is_refused() -> None:
    found = judged(replace(as_contract(BY_NAME[REGISTERED]), kind="fact"))
    assert f"{REGISTERED}.1: kind: was a claim, is a fact" in map(str, found)


def test_a_demand_on_the_whole_document_is_refused() -> None:
    contract = as_contract(BY_NAME[SETTLED])
    found = judged(replace(contract, schema={**contract.schema, "maxProperties": 5}))
    assert f"{SETTLED}.1: whole document: cannot be shown to keep what was published" in map(
        str, found
    )


@pytest.mark.parametrize(
    "change", ["a field removed", "a field removed from the members of a list", "another key"]
)
def test_a_breach_is_said_once(change: str) -> None:
    event, _ = BREAKING[change]
    assert len(judged(as_contract(event))) == 1


def test_an_example_that_published_readers_refuse_is_named() -> None:
    contract = as_contract(BY_NAME[SETTLED], lambda data: {**data, "currency": "đồng"})
    assert f"{SETTLED}.1: example: the example does not satisfy the published schema" in map(
        str, judged(contract)
    )


HARMLESS: dict[str, EventType] = {
    "nothing": BY_NAME[SETTLED],
    "an optional field in a fact": with_fields(
        SETTLED, bank=(Annotated[ShortText | None, C2], None)
    ),
    "an optional field in a claim": with_fields(
        DEPLOYED, employer=(Annotated[ShortText | None, C1], None)
    ),
    "an optional field in the members of a list": with_fields(
        HOUSEHOLD,
        members=members_of(
            type(
                "Aged",
                (HouseholdMember,),
                {"__annotations__": {"since": Annotated[Month | None, C2]}, "since": None},
            )
        ),
    ),
    "a value added to a list of a claim": with_fields(
        REGISTERED,
        role=Annotated[Literal["head", "spouse", "child", "parent", "other", "guest"], C2],
    ),
    "a longer list in a claim": with_fields(
        DEPLOYED, languages=Annotated[tuple[LanguageTag, ...], Field(min_length=1), C2]
    ),
    "a required field of a claim made optional": with_fields(
        DEPLOYED, languages=(Annotated[tuple[LanguageTag, ...], Field(max_length=10), C2], ("uk",))
    ),
    "a field better protected": with_fields(SETTLED, provider_sequence=money(2**53)),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_growth_that_nobody_notices_passes(change: str) -> None:
    event = HARMLESS[change]
    assert judged(as_contract(event), events=(event,)) == ()


def test_a_new_reader_and_a_longer_retention_pass() -> None:
    contract = as_contract(BY_NAME[REGISTERED])
    readers = [*contract.channel["readers"], "casework"]
    wider = {**contract.channel, "readers": readers, "retention_days": 30}
    assert judged(replace(contract, channel=wider)) == ()


def test_a_new_type_passes() -> None:
    # Given a type that was never published
    class HolidayDeclared(Fact):
        """A day on which no deadline runs."""

        type_name = "platform.holiday.declared"
        code: Annotated[Code, C0]

    event = EventType(HolidayDeclared, "platform.clock.v1", "code")
    example = {**current()[0].example, "type": event.name, "data": {"code": "tet"}}
    # When the gate compares everything with what was published, then it has nothing to say
    assert judged(contract_of(event, example), events=(event,)) == ()


def test_a_new_major_version_needs_what_lifts_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a type whose version 0 was published before today's version 1
    now = current()
    today = next(contract for contract in now if contract.name == SETTLED)
    old_schema = "urn:hamroh:schema:benefits.payment.settled:0"
    data = {**today.example["data"], "amount": today.example["data"]["amount_minor"]}
    del data["amount_minor"]
    example = {**today.example, "dataschema": old_schema, "data": data}
    once = (*published(), replace(today, version=0, example=example))
    # When nothing lifts it, then the gate is shut
    found = [str(breach) for breach in gate(once, now, read_today)]
    assert found == [
        f"{SETTLED}.0: published example: is gone, and nothing lifts it (event.unknown_version)"
    ]

    # When an upcaster does, then it is open
    def lift(old: dict[str, object]) -> dict[str, object]:
        return {**old, "amount_minor": old["amount"]}

    monkeypatch.setitem(codec.UPCASTERS, old_schema, (BY_NAME[SETTLED].schema, lift))
    assert gate(once, now, read_today) == ()
    lifted = codec.decode(json.dumps(example).encode())
    assert not isinstance(lifted, codec.Undecodable)
    assert lifted.dataschema == BY_NAME[SETTLED].schema


def test_what_stands_today_keeps_what_was_published() -> None:
    assert gate(published(), current(), read_today) == ()
