"""The checker finds what is planted in a clean history, and nothing where all is well."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import Findings, check
from tests.chaos.claims import Send, plan
from tests.chaos.history import History, of
from tests.chaos.observation import Answer, Fact, Observation

SERVICES = ("beneficiary", "workforce", "insights", "benefits")
PERSON, HOUSEHOLD = "beneficiary.person.v1", "beneficiary.household.v1"
CONTACT, PAYMENT = "beneficiary.contact.v1", "benefits.payment.v1"
MONEY = 500_000


@pytest.fixture
def sent() -> Send:
    """One sound claim."""
    return next(one for one in plan(1, 50) if one.sound and one.subject == "person")


@pytest.fixture
def history(sent: Send) -> History:
    """It was taken."""
    return of([sent])


@pytest.fixture
def seen(sent: Send) -> Observation:
    """What follows from it: answered, registered, told, read, entitled and paid."""
    who, home, region = sent.person_id, "home", sent.region
    receipt = {"claim_id": sent.claim_id, "claim_source": sent.source}

    def fact(topic: str, key: str, type_name: str, data: Mapping[str, Any], nth: int = 1) -> Fact:
        name = f"{type_name} {nth}"
        return Fact(topic, key, nth, name, type_name, sent.claim_id, region, data, name)

    receipts = f"receipts.{region.lower()}.v1"
    facts = [
        fact(receipts, sent.claim_id, "platform.event.accepted", receipt),
        fact(PERSON, who, "beneficiary.person.registered", {"person_id": who}),
        fact(
            HOUSEHOLD,
            home,
            "beneficiary.household.changed",
            {"members": [{"person_id": who}], "head_id": who},
        ),
        fact(CONTACT, who, "beneficiary.contact.changed", {"person_id": who}),
        fact(CONTACT, who, "beneficiary.contact.changed", {"person_id": who}, 2),
        fact(
            PAYMENT, "p-1", "benefits.payment.ordered", {"payment_id": "p-1", "amount_minor": MONEY}
        ),
    ]
    last = {one.place: one.sequence for one in facts}
    readers = {
        "insights": (PERSON, PAYMENT),
        "benefits": (PERSON, HOUSEHOLD, CONTACT),
    }
    return Observation(
        facts=facts,
        answers=[Answer(sent.source, sent.claim_id, sent.digest, "accepted")],
        persons={who: ("record", home)},
        sequences=last,
        positions={
            (reader, topic, key): number
            for reader, topics in readers.items()
            for (topic, key), number in last.items()
            if topic in topics
        },
        copies={"benefits.persons": {who: 1}, "benefits.payments": {"p-1": 1}},
        heads={home: who},
        cube={("registered", region): (1, 0), ("ordered", region): (1, MONEY)},
        left={"beneficiary outbox": 0},
        payments={"p-1": ("settled", MONEY)},
        transfers=[("p-1", "ordered", MONEY), ("p-1", "settled", MONEY)],
        bank={"unbalanced_journals": 0, "totals": {"VND": {"booked": {"amount_minor": MONEY}}}},
        instructed={"p1": 1},
    )


def judged(history: History, seen: Observation) -> Findings:
    return check(history, seen, SERVICES)


def test_where_all_is_well_nothing_is_found(history: History, seen: Observation) -> None:
    assert judged(history, seen).sentences() == []


def without(type_name: str) -> Callable[[Observation], None]:
    """A topic that lost its facts of a type."""

    def lose(seen: Observation) -> None:
        seen.facts = [fact for fact in seen.facts if fact.type != type_name]

    return lose


def lose_answer(seen: Observation) -> None:
    seen.answers.clear()


def lose_person(seen: Observation) -> None:
    seen.persons.clear()


def lose_effect_in_cube(seen: Observation) -> None:
    seen.cube = dict.fromkeys(seen.cube, (0, 0))


def lose_reading(seen: Observation) -> None:
    seen.positions = {place: number - 1 for place, number in seen.positions.items()}


def leave_unsent(seen: Observation) -> None:
    seen.left["beneficiary outbox"] = 1


def leave_older_fact_last(seen: Observation) -> None:
    first, second = (fact for fact in seen.facts if fact.topic == CONTACT)
    at = seen.facts.index(first)
    seen.facts[at : at + 2] = [second, first]


def forget_member(seen: Observation) -> None:
    seen.persons["another"] = ("record", "home")


def forget_payment(seen: Observation) -> None:
    seen.copies["benefits.payments"].clear()


def put_off_answer(seen: Observation) -> None:
    seen.answers = [replace(answer, outcome="pending") for answer in seen.answers]


def refuse_sound_claim(seen: Observation) -> None:
    seen.answers = [replace(answer, outcome="rejected") for answer in seen.answers]


@pytest.mark.parametrize(
    "damage",
    [
        without("platform.event.accepted"),
        without("beneficiary.person.registered"),
        without("beneficiary.household.changed"),
        lose_answer,
        lose_person,
        lose_effect_in_cube,
        lose_reading,
        leave_unsent,
        leave_older_fact_last,
        forget_member,
        forget_payment,
        put_off_answer,
        refuse_sound_claim,
    ],
)
def test_what_is_lost_is_found(
    history: History, seen: Observation, damage: Callable[[Observation], None]
) -> None:
    damage(seen)

    assert judged(history, seen).lost


def count_twice(seen: Observation) -> None:
    seen.cube = {cell: (2 * count, amount) for cell, (count, amount) in seen.cube.items()}


def say_two_things(seen: Observation) -> None:
    seen.facts.append(replace(seen.facts[1], id="another", digest="other bytes"))


def copy_twice(seen: Observation) -> None:
    seen.copies["benefits.persons"] = dict.fromkeys(seen.copies["benefits.persons"], 2)


def answer_twice(seen: Observation) -> None:
    seen.facts.append(replace(seen.facts[0], id="another", sequence=2))


def pay_twice(seen: Observation) -> None:
    seen.instructed["p1"] = 2


@pytest.mark.parametrize(
    "damage", [count_twice, say_two_things, copy_twice, answer_twice, pay_twice]
)
def test_what_happened_twice_is_found(
    history: History, seen: Observation, damage: Callable[[Observation], None]
) -> None:
    damage(seen)

    assert judged(history, seen).duplicated


def test_a_fact_that_was_sent_twice_as_it_is_does_no_harm(
    history: History, seen: Observation
) -> None:
    seen.facts.append(seen.facts[1])

    assert judged(history, seen).clean


def register_nobody(seen: Observation) -> None:
    seen.persons["nobody"] = ("record", "elsewhere")


def decide_nothing(seen: Observation) -> None:
    seen.sequences[PERSON, seen.facts[1].key] = 0


def follow_from_nothing(seen: Observation) -> None:
    seen.facts[1] = replace(seen.facts[1], cause="nothing")


def answer_nobody(seen: Observation) -> None:
    seen.answers.append(Answer("urn:hamroh:region:vn-07", "nobody's", "d", "rejected"))


def read_too_far(seen: Observation) -> None:
    seen.positions["insights", PERSON, "nobody"] = 1


def pay_nobody(seen: Observation) -> None:
    seen.instructed["nobody"] = 1


@pytest.mark.parametrize(
    "damage",
    [
        register_nobody,
        decide_nothing,
        follow_from_nothing,
        answer_nobody,
        read_too_far,
        pay_nobody,
    ],
)
def test_what_nobody_asked_for_is_found(
    history: History, seen: Observation, damage: Callable[[Observation], None]
) -> None:
    damage(seen)

    assert judged(history, seen).uncaused


def test_an_effect_of_a_refused_claim_is_found(sent: Send, seen: Observation) -> None:
    unsound = replace(sent, sound=False)

    assert judged(of([unsound]), seen).uncaused


def test_an_effect_of_a_claim_that_was_refused_at_the_door_is_found(
    sent: Send, seen: Observation
) -> None:
    assert judged(of([sent], "fail"), seen).uncaused


def test_a_sound_claim_that_is_turned_away_is_found(sent: Send) -> None:
    assert judged(of([sent], "fail"), Observation()).lost


def test_what_nobody_knows_may_have_an_effect_or_none(sent: Send, seen: Observation) -> None:
    assert judged(of([sent], "unknown"), seen).clean
    assert judged(of([sent], "unknown"), Observation()).clean


def change_amount(seen: Observation) -> None:
    seen.transfers[1] = ("p-1", "settled", MONEY + 1)


def leave_unposted(seen: Observation) -> None:
    del seen.transfers[1]


def unbalance_bank(seen: Observation) -> None:
    seen.bank = {**seen.bank, "unbalanced_journals": 1}


def return_without_posting(seen: Observation) -> None:
    seen.payments["p-1"] = ("returned", MONEY)


def lose_at_bank(seen: Observation) -> None:
    seen.instructed.clear()


@pytest.mark.parametrize(
    "damage",
    [change_amount, leave_unposted, unbalance_bank, return_without_posting, lose_at_bank],
)
def test_money_that_does_not_add_up_is_found(
    history: History, seen: Observation, damage: Callable[[Observation], None]
) -> None:
    damage(seen)

    assert judged(history, seen).imbalance
