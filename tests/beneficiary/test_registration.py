"""Intake: what is refused and where, whom a newcomer may be, and what is held for it."""

from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import pytest

from contracts.regional import Identifier, NameParts, PersonRegistered, Status
from contracts.values import household_id, person_id, region_source
from services.beneficiary.domain import matching
from services.beneficiary.domain.registration import (
    Candidate,
    Refusal,
    as_person,
    contact_of,
    objection,
    pair_id_of,
    suspicions,
)

REGION = "VN-07"
SOURCE = region_source(REGION)
TODAY = date(2026, 9, 15)
PLACES = frozenset({"00694", "00700"})


def claim(record_id: str = "A-1", **changes: Any) -> PersonRegistered:
    """A good form of one woman in Tuyên Quang."""
    form: dict[str, Any] = {
        "record_id": record_id,
        "form_id": f"F-{record_id}",
        "role": "head",
        "name": NameParts(family="Hoàng", middle="Thị", given="Mỷ"),
        "sex": 2,
        "birth_date": date(1980, 5, 10),
        "identifiers": (Identifier(kind="vn-cccd", value="008180001234"),),
        "phone": "0912 345 678",
        "language": "vi",
        "place": "00694",
        "account": "8200123456789",
        "statuses": (Status(code="disability", level="severe", valid_from=date(2025, 3, 1)),),
    }
    return PersonRegistered(**{**form, **changes})


def candidate(form: PersonRegistered) -> Candidate:
    person = as_person(form, REGION)
    return Candidate(
        person_id(SOURCE, form.record_id),
        household_id(SOURCE, form.form_id),
        person,
        matching.keys(person),
    )


def test_a_good_form_has_nothing_against_it() -> None:
    assert objection(claim(), REGION, PLACES, TODAY) is None


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"birth_date": date(2026, 9, 16)}, "birth_date.in_future", "data.birth_date"),
        ({"birth_date": date(1899, 12, 31)}, "birth_date.too_early", "data.birth_date"),
        ({"place": "99999"}, "place.unknown", "data.place"),
        ({"phone": "12345"}, "phone.not_a_number", "data.phone"),
        (
            {"identifiers": (Identifier(kind="vn-cccd", value="008180001"),)},
            "identifier.form",
            "data.identifiers.0.value",
        ),
        (
            {"identifiers": (Identifier(kind="vn-cccd", value="008080001234"),)},
            "identifier.sex",
            "data.identifiers.0.value",
        ),
        (
            {"statuses": (Status(code="very_unlucky", valid_from=TODAY),)},
            "status.unknown",
            "data.statuses.0.code",
        ),
        (
            {"statuses": (Status(code="disability", valid_from=TODAY),)},
            "status.unknown_level",
            "data.statuses.0.level",
        ),
        (
            {"statuses": (Status(code="pension", level="severe", valid_from=TODAY),)},
            "status.unknown_level",
            "data.statuses.0.level",
        ),
        (
            {"statuses": (Status(code="pension", valid_from=date(1979, 1, 1)),)},
            "status.before_birth",
            "data.statuses.0.valid_from",
        ),
    ],
)
def test_a_refusal_names_the_field_and_never_the_value(
    changes: dict[str, Any], code: str, path: str
) -> None:
    assert objection(claim(**changes), REGION, PLACES, TODAY) == Refusal(code, path)


def test_an_identifier_is_not_held_against_a_birth_date_that_is_only_a_year() -> None:
    form = claim(birth_date=date(1980, 1, 1), birth_precision="year")
    assert objection(form, REGION, PLACES, TODAY) is None


def test_what_is_stored_of_a_person_as_digests_is_keys_and_parts_of_the_number() -> None:
    one = Candidate(UUID(int=1), UUID(int=1), candidate(claim()).person, ("a", "b"), ("c",))
    assert one.blinded == ("a", "b", "c")


def test_a_second_registration_is_suspected_and_holds() -> None:
    # given a registered woman, and a form with her number, her marks left out
    known = candidate(claim("A-1"))
    again = candidate(claim("B-7", name=NameParts(family="Hoang", middle="Thi", given="My")))

    # when the newcomer is held against who shares a key
    raised = suspicions([again], {key: [known] for key in known.keys})

    # then one pair is raised, the same whoever came first, and her new entitlement waits
    (pair,) = raised[again.person_id]
    assert pair.pair_id == pair_id_of(known.person_id, again.person_id)
    assert pair.pair_id == pair_id_of(again.person_id, known.person_id)
    assert pair.holds
    assert pair.score > 0.5
    assert pair.reasons


def test_two_newcomers_of_one_batch_are_held_against_each_other_once() -> None:
    first, second = candidate(claim("A-1")), candidate(claim("B-7"))
    raised = suspicions([first, second], {})
    assert raised[first.person_id] == []
    assert [pair.person_ids for pair in raised[second.person_id]] == [
        tuple(sorted((first.person_id, second.person_id)))
    ]


def test_two_sound_and_different_numbers_are_listed_and_nothing_is_held() -> None:
    known = candidate(claim("A-1"))
    twin = candidate(claim("B-7", identifiers=(Identifier(kind="vn-cccd", value="008180009999"),)))
    raised = suspicions([twin], {key: [known] for key in known.keys})
    assert not any(pair.holds for pair in raised[twin.person_id])


def test_two_members_of_one_form_are_two_people() -> None:
    known = candidate(claim("A-1", form_id="F-1"))
    sister = candidate(claim("A-2", form_id="F-1", identifiers=()))
    raised = suspicions([sister], {key: [known] for key in known.keys})
    assert not any(pair.holds for pair in raised[sister.person_id])


def test_a_key_that_everybody_shares_raises_nothing() -> None:
    crowd = [
        Candidate(UUID(int=n + 1), UUID(int=n + 1), candidate(claim(f"C-{n}")).person)
        for n in range(matching.CAP + 1)
    ]
    newcomer = candidate(claim("B-7"))
    assert suspicions([newcomer], dict.fromkeys(newcomer.keys, crowd))[newcomer.person_id] == []


def test_the_contact_is_written_as_people_of_the_country_write_it() -> None:
    assert contact_of(claim(), REGION).name == "Hoàng Thị Mỷ"
    assert contact_of(claim(), REGION).phone == "+84912345678"
    assert contact_of(claim(email="mỷ@example.vn"), REGION).email == "mỷ@example.vn"
    ukrainian = NameParts(family="Шевченко", middle="Іванівна", given="Олена")
    assert contact_of(claim(name=ukrainian, phone=None), "UA-26").name == "Шевченко Олена Іванівна"


def numbered(number: str) -> matching.Person:
    """The same woman under another number: nothing but the number speaks against her."""
    return as_person(claim(identifiers=(Identifier(kind="vn-cccd", value=number),)), REGION)


def digits_changed(number: str, random: Random) -> str:
    """A number with one digit replaced or two neighbours swapped, or with several replaced."""
    place = random.randrange(len(number) - 1)
    if random.random() < 0.3:
        return number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    changed = list(number)
    for _ in range(random.choice((1, 1, 2, 4))):
        changed[random.randrange(len(number))] = random.choice("0123456789")
    return "".join(changed)


def test_who_is_left_out_by_the_parts_of_a_number_would_have_been_judged_another() -> None:
    # given numbers beside a woman's own: slips, swaps, twins' and strangers' numbers
    own, random = "008180001234", Random(1)
    numbers = {digits_changed(own, random) for _ in range(2000)}
    numbers |= {f"{random.randrange(10**12):012}" for _ in range(2000)}
    parts = set(matching.signature(numbered(own)).number_parts)
    others = [(number, matching.signature(numbered(number)).number_parts) for number in numbers]
    left_out = [number for number, found in others if found and parts.isdisjoint(found)]
    kept = [number for number, found in others if not found or not parts.isdisjoint(found)]

    # when everybody is judged all the same
    judged = matching.judge([(numbered(own), numbered(number)) for number in left_out])

    # then nobody who is left out would have been suspected, and whoever is kept is not everybody
    assert len(left_out) > 150
    assert {judgement.outcome for judgement in judged} == {matching.Outcome.DIFFERENT}
    assert len(kept) > 150
    again = matching.judge([(numbered(own), numbered(number)) for number in kept])
    assert matching.Outcome.SAME in {judgement.outcome for judgement in again}


def test_nearly_every_stranger_of_the_same_province_and_year_is_left_out() -> None:
    random = Random(2)
    parts = set(matching.signature(numbered("008180001234")).number_parts)
    strangers = [f"008180{random.randrange(10**6):06}" for _ in range(500)]
    found = [matching.signature(numbered(number)).number_parts for number in strangers]
    assert sum(parts.isdisjoint(one) for one in found) > 450
