"""Invented circumstances of a household: statuses, phones and accounts of its members.

The status codes are those that the Vietnamese rules of social assistance ask about (Decree
20/2021/ND-CP, Decree 76/2024/ND-CP, Decree 176/2025/ND-CP). The shares are chosen.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from types import MappingProxyType

from deploy.demo.people.identity import Issuer
from deploy.demo.people.records import (
    ADULT_FROM_YEARS,
    DRIVE_STARTS_ON,
    Person,
    Place,
    Status,
)

DIFFICULT_SINCE = date(2022, 1, 1)
CERTIFIED_SINCE = date(2022, 1, 1)
SCHOOL_YEAR_FROM = date(2025, 9, 5)
OLD_FROM_YEARS = 60
PENSION_ASKED_FROM_YEARS, PENSION_DUE_FROM_YEARS = 70, 75
STUDY_FROM_YEARS, STUDY_TO_YEARS = 15, 22
ORPHAN_BEFORE_YEARS = 16
DAYS_A_YEAR = 365

POVERTY: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "town": {"poor_household": 6, "near_poor_household": 8, "": 86},
        "commune": {"poor_household": 15, "near_poor_household": 13, "": 72},
        "difficult": {"poor_household": 30, "near_poor_household": 18, "": 52},
    }
)
ORPHAN_COMPOSITIONS = frozenset({"grandparents_with_orphans", "relatives_with_orphan"})
DISABILITY_BY_AGE: Mapping[int, float] = MappingProxyType({18: 0.045, 60: 0.075, 200: 0.16})
LONE_ADULT_DISABILITY = 0.45
POVERTY_FACTOR_ALONE = 3
EXTREMELY_SEVERE_SHARE = 0.28
NO_SUPPORT: Mapping[str, float] = MappingProxyType({"lone_elder": 0.6, "elder_couple": 0.2})
PENSION_SHARE, PENSION_SHARE_IN_TOWN = 0.1, 0.42
REQUEST_SHARE, HOPELESS_REQUEST_SHARE = 0.85, 0.1
STUDY_SHARE, ORPHAN_STUDY_SHARE = 0.4, 0.75

NO_PHONE_SHARE, NEIGHBOUR_PHONE_SHARE = 0.04, 0.08
OWN_PHONE_SHARE, OWN_PHONE_SHARE_OLD = 0.6, 0.25
HEAD_ACCOUNT_SHARE, ADULT_ACCOUNT_SHARE, ENTITLED_ACCOUNT_SHARE = 0.8, 0.2, 0.55

# Statuses that can lead to money, so that somebody on the form must be able to receive it.
MONEY_STATUSES = (
    "without_nurture",
    "poor_household",
    "near_poor_household",
    "single_no_support",
    "disability",
    "social_pension_request",
)


def with_statuses(
    rng: Random, members: list[Person], place: Place, composition: str
) -> list[Person]:
    """Give every member the statuses of the household and their own."""
    shared = draw_household_statuses(rng, place, composition)
    orphans = [member for member in members if is_orphan(member, composition)]
    youngest_born_on = max((orphan.born_on for orphan in orphans), default=DRIVE_STARTS_ON)
    lost_on = draw_day(rng, youngest_born_on) if orphans else DRIVE_STARTS_ON
    given = []
    for member in members:
        inherited = tuple(s._replace(from_on=max(s.from_on, member.born_on)) for s in shared)
        own = draw_own_statuses(rng, member, place, inherited)
        person = replace(member, statuses=inherited + own)
        if is_orphan(member, composition):
            more = draw_orphan_statuses(rng, person, lost_on)
        else:
            more = draw_loneliness(rng, person, composition)
        given.append(replace(person, statuses=person.statuses + more))
    return given


def is_orphan(person: Person, composition: str) -> bool:
    """Whether the person is raised by grandparents or other relatives."""
    return composition in ORPHAN_COMPOSITIONS and person.role == "other"


def draw_household_statuses(rng: Random, place: Place, composition: str) -> tuple[Status, ...]:
    """Draw what all members share: the commune's difficulty and the household's poverty."""
    statuses = []
    if place.difficult:
        statuses.append(Status("difficult_commune", "", DIFFICULT_SINCE))
    kind = "difficult" if place.difficult else "town" if place.urban else "commune"
    weights = dict(POVERTY[kind])
    if composition in ORPHAN_COMPOSITIONS or composition in NO_SUPPORT:
        weights["poor_household"] *= POVERTY_FACTOR_ALONE
    poverty = rng.choices(list(weights), list(weights.values()))[0]
    if poverty:  # the yearly review of poor households takes effect in November to January
        reviewed_on = rng.choice((date(2024, 11, 1), date(2025, 1, 1), date(2025, 12, 1)))
        statuses.append(Status(poverty, "", reviewed_on))
    return tuple(statuses)


def draw_own_statuses(
    rng: Random, person: Person, place: Place, of_household: tuple[Status, ...]
) -> tuple[Status, ...]:
    """Draw disability, study, pension and the request for a social pension."""
    statuses = []
    age = person.age_years
    if rng.random() < next(s for bound, s in DISABILITY_BY_AGE.items() if age < bound):
        statuses.append(draw_disability(rng, person.born_on))
    if STUDY_FROM_YEARS <= age <= STUDY_TO_YEARS and rng.random() < STUDY_SHARE:
        statuses.append(Status("in_education", "", SCHOOL_YEAR_FROM))
    if age >= OLD_FROM_YEARS:
        poor = any(status.code.endswith("poor_household") for status in of_household)
        statuses += draw_old_age_statuses(rng, age, place, poor=poor)
    return tuple(statuses)


def draw_old_age_statuses(rng: Random, age_years: int, place: Place, *, poor: bool) -> list[Status]:
    """Draw a pension, or a request for the social pension that mostly meets its conditions."""
    pension = PENSION_SHARE_IN_TOWN if place.urban else PENSION_SHARE
    if rng.random() < pension:
        return [Status("pension", "", date(2026 - (age_years - OLD_FROM_YEARS), 1, 1))]
    due = age_years >= PENSION_DUE_FROM_YEARS or (poor and age_years >= PENSION_ASKED_FROM_YEARS)
    asked = age_years >= PENSION_ASKED_FROM_YEARS and rng.random() < (
        REQUEST_SHARE if due else HOPELESS_REQUEST_SHARE
    )
    if not asked:
        return []
    return [Status("social_pension_request", "", draw_day(rng, date(2025, 7, 1)))]


def draw_orphan_statuses(rng: Random, person: Person, lost_on: date) -> tuple[Status, ...]:
    """Give the loss of parents to who was a child on that day, and draw whether they study."""
    if (lost_on - person.born_on).days >= ORPHAN_BEFORE_YEARS * DAYS_A_YEAR:
        return ()
    loss = Status("without_nurture", "", lost_on)
    grown = person.age_years >= ORPHAN_BEFORE_YEARS and not person.holds("in_education")
    if grown and rng.random() < ORPHAN_STUDY_SHARE:
        return (loss, Status("in_education", "", SCHOOL_YEAR_FROM))
    return (loss,)


def draw_loneliness(rng: Random, person: Person, composition: str) -> tuple[Status, ...]:
    """Draw who has nobody to support them, and why somebody young lives alone."""
    alone = NO_SUPPORT.get(composition, 0.0)
    if person.age_years >= OLD_FROM_YEARS and rng.random() < alone:
        return (Status("single_no_support", "", draw_day(rng, date(2024, 7, 1))),)
    disabled = composition == "lone_adult" and rng.random() < LONE_ADULT_DISABILITY
    if disabled and not person.holds("disability"):
        return (draw_disability(rng, person.born_on),)
    return ()


def draw_disability(rng: Random, born_on: date) -> Status:
    """Draw a certified disability of one of the two levels that carry an allowance."""
    extreme = rng.random() < EXTREMELY_SEVERE_SHARE
    level = "extremely_severe" if extreme else "severe"
    return Status("disability", level, draw_day(rng, max(born_on, CERTIFIED_SINCE)))


def draw_day(rng: Random, earliest_on: date) -> date:
    """Draw a day from the earliest up to the eve of the drive."""
    return earliest_on + timedelta(days=rng.randrange((DRIVE_STARTS_ON - earliest_on).days))


def with_contacts(
    rng: Random, issuer: Issuer, members: list[Person], neighbour_phone: str
) -> list[Person]:
    """Give phones and accounts; a form on which somebody may be paid has a head with an account.

    Who has no phone of their own is reached under the head's; a few heads use a neighbour's.
    """
    head = members[0]
    owns = not neighbour_phone or rng.random() >= NEIGHBOUR_PHONE_SHARE
    if rng.random() < NO_PHONE_SHARE:
        phone, owns = "", False
    else:
        phone = issuer.phone() if owns else neighbour_phone
    paid = any(member.holds(*MONEY_STATUSES) for member in members)
    account = issuer.account() if paid or rng.random() < HEAD_ACCOUNT_SHARE else ""
    return [
        replace(head, phone=phone, owns_phone=owns, account=account),
        *(with_own_contacts(rng, issuer, member, phone) for member in members[1:]),
    ]


def with_own_contacts(rng: Random, issuer: Issuer, person: Person, household_phone: str) -> Person:
    """Give an adult perhaps a phone and an account of their own, a child the household's phone."""
    if person.age_years < ADULT_FROM_YEARS:
        return replace(person, phone=household_phone)
    old = person.age_years >= PENSION_ASKED_FROM_YEARS
    owns = rng.random() < (OWN_PHONE_SHARE_OLD if old else OWN_PHONE_SHARE)
    entitled = person.holds("disability", "single_no_support", "social_pension_request")
    banked = rng.random() < (ENTITLED_ACCOUNT_SHARE if entitled else ADULT_ACCOUNT_SHARE)
    return replace(
        person,
        phone=issuer.phone() if owns else household_phone,
        owns_phone=owns,
        account=issuer.account() if banked else "",
    )
