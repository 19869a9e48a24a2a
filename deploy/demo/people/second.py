"""Second registrations: how a person already in the list comes into it again.

A second registration keeps at least two of identifier, own phone, birth date and ward, so that
nearly every pair can be decided. Nothing in it is invalid: a wrong digit in an identifier is one
of the serial's, and a wrong birth date keeps the year that an identifier confirms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from types import MappingProxyType

from deploy.demo.people.identity import Issuer
from deploy.demo.people.names import full_name, weighted
from deploy.demo.people.records import DRIVE_STARTS_ON, Person
from deploy.demo.people.spelling import (
    by_ear,
    mistyped,
    old_spelling,
    other_tone,
    telex_leftover,
    without_marks,
)

ANCHORS_KEPT = 2
MOST_MONTHS = 12
KEPT_ACCOUNT_SHARE, DROPPED_STATUS_SHARE = 0.75, 0.08

NAME_ERRORS: Mapping[str, float] = MappingProxyType(
    {
        "": 30, "diacritics_dropped": 22, "typo": 12, "tone_mark": 9, "old_spelling": 8,
        "phonetic": 7, "telex": 5, "swapped_fields": 4, "middle_missing": 9,
    }
)  # fmt: skip
IDENTIFIER_ERRORS: Mapping[str, float] = MappingProxyType(
    {"": 76, "identifier_missing": 16, "identifier_typo": 8}
)
PHONE_ERRORS: Mapping[str, float] = MappingProxyType(
    {"": 66, "phone_changed": 24, "phone_missing": 10}
)
BIRTH_ERRORS: Mapping[str, float] = MappingProxyType(
    {"": 80, "day_month_swap": 7, "jan1_default": 7, "birth_date_typo": 6}
)


@dataclass(frozen=True, slots=True)
class Slips:
    """What goes wrong in one second registration; an empty text is nothing."""

    name: str
    identifier: str
    phone: str
    birth: str

    def anchors(self, person: Person, *, moved: bool) -> int:
        """Count what still ties the two registrations together."""
        return (
            bool(person.identifier and not self.identifier)
            + bool(person.phone and person.owns_phone and not self.phone)
            + (not self.birth)
            + (not moved)
        )


def may_move(person: Person) -> bool:
    """Whether enough would be left if the person registered in another ward."""
    nothing_wrong = Slips("", "", "", "")
    return nothing_wrong.anchors(person, moved=True) >= ANCHORS_KEPT


def draw_slips(rng: Random, person: Person, *, moved: bool) -> Slips:
    """Draw what goes wrong, and take back what would leave too little in common."""
    slips = Slips(
        name=weighted(rng, NAME_ERRORS),
        identifier=weighted(rng, IDENTIFIER_ERRORS) if person.identifier else "",
        phone=weighted(rng, PHONE_ERRORS) if person.phone else "",
        birth=weighted(rng, BIRTH_ERRORS),
    )
    for field in ("birth", "identifier", "phone"):
        if slips.anchors(person, moved=moved) < ANCHORS_KEPT:
            slips = replace(slips, **{field: ""})
    return slips


def register_again(
    rng: Random, issuer: Issuer, person: Person, *, moved: bool
) -> tuple[Person, str]:
    """Give the person as the second clerk wrote them down, and what differs (`;` between)."""
    while True:
        again = misregistered(rng, issuer, person, draw_slips(rng, person, moved=moved))
        errors = differences(person, again) + ["moved"] * moved
        if errors:
            return forgetful(rng, again), ";".join(errors)


def misregistered(rng: Random, issuer: Issuer, person: Person, slips: Slips) -> Person:
    """Give the person with all the slips made."""
    again = with_name_error(rng, person, slips.name)
    again = with_identifier_error(rng, again, slips.identifier)
    again = with_phone_error(issuer, again, slips.phone)
    return with_birth_error(rng, again, slips.birth)


def differences(person: Person, again: Person) -> list[str]:
    """Name the kinds of difference between two registrations of one person."""
    pairs = {
        "name": (full_name(*person.name), full_name(*again.name)),
        "identifier": (person.identifier, again.identifier),
        "phone": (person.phone, again.phone),
        "birth_date": (person.born_on, again.born_on),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


def forgetful(rng: Random, person: Person) -> Person:
    """Leave out now and then the account, or the last status, that the first form had."""
    keeps = person.role == "head" or rng.random() < KEPT_ACCOUNT_SHARE
    drops = person.statuses and rng.random() < DROPPED_STATUS_SHARE
    return replace(
        person,
        account=person.account if keeps else "",
        statuses=person.statuses[:-1] if drops else person.statuses,
    )


def with_name_error(rng: Random, person: Person, error: str) -> Person:
    """Write the name as the error has it."""
    match error:
        case "diacritics_dropped":
            return replace(
                person,
                family=without_marks(person.family),
                middle=without_marks(person.middle),
                given=without_marks(person.given),
            )
        case "swapped_fields":
            return replace(person, given=person.family, family=person.given)
        case "middle_missing":
            return replace(person, middle="")
        case "":
            return person
        case _:
            return respelled(rng, person, error)


def respelled(rng: Random, person: Person, error: str) -> Person:
    """Change the spelling of the given name, or of the family name where that has no effect."""
    changes: Mapping[str, Callable[[str], str]] = {
        "typo": lambda text: mistyped(rng, text),
        "tone_mark": lambda text: other_tone(rng, text),
        "old_spelling": old_spelling,
        "phonetic": by_ear,
        "telex": telex_leftover,
    }
    change = changes[error]
    given = change(person.given)
    if given != person.given:
        return replace(person, given=given)
    return replace(person, family=change(person.family))


def with_identifier_error(rng: Random, person: Person, error: str) -> Person:
    """Leave the identifier out, or get one digit of its serial wrong."""
    match error:
        case "identifier_missing":
            return replace(person, identifier="")
        case "identifier_typo":
            at = rng.randrange(6, 12)
            digit = (int(person.identifier[at]) + rng.randint(1, 9)) % 10
            wrong = f"{person.identifier[:at]}{digit}{person.identifier[at + 1 :]}"
            return replace(person, identifier=wrong)
        case _:
            return person


def with_phone_error(issuer: Issuer, person: Person, error: str) -> Person:
    """Leave the phone out or give another."""
    match error:
        case "phone_missing":
            return replace(person, phone="")
        case "phone_changed":
            return replace(person, phone=issuer.phone())
        case _:
            return person


def with_birth_error(rng: Random, person: Person, error: str) -> Person:
    """Get the birth date wrong; never so that it would lie after a status of the person."""
    match error:
        case "day_month_swap":
            born_on = swapped_day_and_month(person.born_on)
        case "jan1_default":
            born_on = person.born_on.replace(month=1, day=1)
        case "birth_date_typo":
            born_on = mistyped_birth(rng, person)
        case _:
            return person
    first_status_on = min((status.from_on for status in person.statuses), default=date.max)
    if born_on > first_status_on or born_on >= DRIVE_STARTS_ON:
        return person
    return replace(person, born_on=born_on)


def swapped_day_and_month(day: date) -> date:
    """Read day and month the wrong way round where that is a date."""
    return day.replace(month=day.day, day=day.month) if day.day <= MOST_MONTHS else day


def mistyped_birth(rng: Random, person: Person) -> date:
    """Get the day wrong, or the year where no identifier would contradict it."""
    born_on = person.born_on
    if not person.identifier and person.age_years > 1 and rng.random() < 1 / 2:
        return born_on.replace(year=born_on.year - 1, day=min(born_on.day, 28))
    return born_on.replace(day=born_on.day % 28 + 1)
