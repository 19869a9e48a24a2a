"""People whose facts come late, are corrected and taken back, judged by hand and by pack."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random

import pytest

from services.benefits.programmes import (
    Fact,
    MonthlyEntitlement,
    Pack,
    Refused,
    entitle,
    load_pack,
)
from services.benefits.programmes.differences import differences
from services.benefits.programmes.pack import FactSpec
from tests.benefits.programmes.lives import Life, month_of
from tests.benefits.programmes.references import BY_HAND

DAY = timedelta(days=1)
Rows = tuple[MonthlyEntitlement, ...]
MONTHS = [month_of(date(2023, 6, 1), number) for number in range(43)]
SHARES = {
    "suspended": 0.15,
    "imprisoned": 0.05,
    "returned_home": 0.05,
    "abroad": 0.3,
    "property_bought": 0.2,
    "bank_deposit": 0.2,
    "displaced": 0.95,
    "family_income_3_months": 0.95,
    "term_months": 0.95,
    "agreed_stipend": 0.95,
}
INCOMES = ("0", "94440000", "100000000", "210000000", "250000000", "330000001", "400000000")
AMOUNTS = {
    "income_per_person": ("944400", "944401", "0"),
    "property_bought": ("10000000", "10000001"),
    "bank_deposit": ("10000000", "10000001"),
    "family_income_3_months": ("0", "600000", "1350001", "2000002", *INCOMES),
    "term_months": ("1", "3", "6"),
}


def day(random: Random, first: int = 2022, last: int = 2026) -> date:
    """A day, with firsts and lasts of months and leap days more often than in life."""
    found = month_of(date(random.randint(first, last), random.randint(1, 12), 1))
    return random.choice((found, month_of(found, 1) - DAY, found + random.randrange(28) * DAY))


def spell(random: Random) -> tuple[date, date | None]:
    first = day(random)
    last = random.choice((None, None, day(random), first + random.choice((0, 29, 30, 31)) * DAY))
    return first, last if last is None or last >= first else first


def value(spec: FactSpec, random: Random) -> str:
    if spec.kind in {"amount", "count"}:
        return random.choice(AMOUNTS.get(spec.name, ("500000", "1234567")))
    return random.choice(spec.values or ("yes",))


def late(random: Random) -> date | None:
    """The day since which something is known: often always, else some day of 2026."""
    return None if random.random() < 0.6 else day(random, 2026, 2026)


def told(spec: FactSpec, random: Random) -> Iterator[Fact]:
    """What is told of one fact: restated, corrected, taken back, or taken up where it ended."""
    known = None
    first, last = spell(random)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        own = value(spec, random)
        yield Fact(spec.name, own, first, last, known)
        known = (known or date(2026, 1, 1)) + random.randint(1, 40) * DAY
        if last is not None and random.random() < 0.4:
            first, last = last + DAY, random.choice((None, last + 300 * DAY))
        elif random.random() < 0.5:
            last = random.choice((None, first, first + 90 * DAY))
        else:
            first, last = spell(random)
        if spec.kind in {"flag", "code"} and random.random() < 0.3:
            yield Fact(spec.name, "none", first, last, known)
            known += DAY


def applications(spec: FactSpec, random: Random) -> Iterator[Fact]:
    """Several, each signed on a day of its own; some are withdrawn as if never made."""
    for signed in {day(random, 2024, 2026) for _ in range(random.randint(1, 5))}:
        yield Fact(spec.name, "yes", signed, signed, late(random))
        if random.random() < 0.15:
            yield Fact(spec.name, "none", signed, signed, date(2026, 12, 9))


def deeds(spec: FactSpec, random: Random) -> Iterator[Fact]:
    """What is paid once, on its day."""
    for done in {day(random, 2023, 2026) for _ in range(random.randint(0, 6))}:
        yield Fact(spec.name, str(random.randint(1, 900_000)), done, done, late(random))


def related(spec: FactSpec, name: str, random: Random) -> Iterator[Fact]:
    """Somebody who belongs to the family, later did not, or never had."""
    first, last = spell(random)
    yield Fact(spec.name, name, first, last)
    if random.random() < 0.4:
        left = random.choice((first, first + 60 * DAY, day(random, 2025, 2026)))
        yield Fact(spec.name, f"!{name}", left, None, date(2026, 3, 1))


def vehicle(spec: FactSpec, random: Random) -> Iterator[Fact]:
    if random.random() < 0.15:
        yield Fact(spec.name, day(random, 2016, 2024).isoformat())


def deployment(spec: FactSpec, random: Random) -> Iterator[Fact]:
    yield Fact(spec.name, "yes", *spell(random))


APART: dict[str, Callable[[FactSpec, Random], Iterator[Fact]]] = {
    "application": applications,
    "deployed": deployment,
    "vehicle_made_on": vehicle,
    "aid_granted": deeds,
    "travel_settled": deeds,
}
"""Facts that are told in ways of their own."""


def invented(pack: Pack, random: Random, relatives: list[str]) -> list[Fact]:
    birth = day(random, *random.choice(((1940, 1990), (2004, 2009), (2015, 2021))))
    return [*lived(birth, random), *facts_of(pack, random, relatives)]


def lived(birth: date, random: Random) -> Iterator[Fact]:
    yield Fact("birth_date", birth.isoformat())
    if random.random() < 0.15:
        yield Fact("death", max(birth, day(random, 2023, 2026)).isoformat())


def facts_of(pack: Pack, random: Random, relatives: list[str]) -> Iterator[Fact]:
    for spec in pack.facts:
        if spec.kind == "link":
            yield from (fact for name in relatives for fact in related(spec, name, random))
        elif spec.name in APART:
            yield from APART[spec.name](spec, random)
        elif spec.kind in {"flag", "code", "amount", "count"}:
            yield from told(spec, random) if random.random() < SHARES.get(spec.name, 0.5) else ()


def member(pack: Pack, random: Random) -> list[Fact]:
    birth = day(random, *random.choice(((1970, 2000), (2004, 2012), (2019, 2025))))
    disabled = [s for s in pack.facts if s.name == "disability_group" and random.random() < 0.4]
    return [*lived(birth, random), *(fact for spec in disabled for fact in told(spec, random))]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("code", sorted(BY_HAND))
def test_a_pack_says_what_its_law_written_by_hand_says(code: str, seed: int) -> None:
    pack, random = load_pack(code), Random(f"{code}{seed}")
    several = frozenset(spec.name for spec in pack.facts if spec.kind in {"codes", "link"})
    paying = 0
    for _ in range(60):
        names = ["kin1", "kin2", "kin3"][: random.randint(0, 3)] if pack.members else []
        people = {name: member(pack, random) for name in names}
        facts = invented(pack, random, names)
        relatives = {name: Life(tuple(own), several, {}) for name, own in people.items()}
        life = Life(tuple(facts), several, relatives)
        for month in random.sample([m for m in MONTHS if m >= pack.law_from], 10):
            rows = entitle(pack, facts, (f"{month:%Y-%m}",), None, people)
            assert not isinstance(rows, Refused), rows
            held = any(row.kind == "suspended" for row in rows)
            paid = {row.component: row.amount_minor for row in rows}
            expected, suspended = BY_HAND[code](life, month)
            if suspended:
                expected = dict.fromkeys(expected, 0)
            assert (paid, held) == (expected, suspended), (month, facts, people)
            paying += any(paid.values())
    assert paying > 5


@pytest.mark.parametrize("code", sorted(BY_HAND))
def test_what_is_known_adds_up_for_every_pack(code: str) -> None:
    pack, random = load_pack(code), Random(code)
    months = [f"{month:%Y-%m}" for month in MONTHS if month >= pack.law_from]
    changed = 0
    for _ in range(100):
        names = ["kin1", "kin2", "kin3"][: random.randint(0, 3)] if pack.members else []
        people = {name: member(pack, random) for name in names}
        facts = invented(pack, random, names)

        def judged(known: list[Fact], at: date | None, kin: dict[str, list[Fact]] = people) -> Rows:
            found = entitle(pack, known, months, at, kin)
            assert not isinstance(found, Refused), found
            return found

        # the order in which facts are told does not matter
        final = judged(facts, None)
        assert judged(random.sample(facts, len(facts)), None) == final
        # what is known later changes nothing seen earlier
        seen = day(random, 2026, 2026)
        told_by_then = [f for f in facts if f.known_since is None or f.known_since <= seen]
        assert judged(facts, seen) == judged(told_by_then, None)
        # the differences of any days of record add up to what is due in the end
        sums: dict[str, int] = {}
        before: Rows = ()
        for at in (*sorted(day(random, 2026, 2026) for _ in range(4)), date(2028, 1, 1)):
            after = judged(facts, at)
            for entry in differences(before, after, "2026-06"):
                sums[entry.month] = sums.get(entry.month, 0) + entry.difference_minor
                changed += before != ()
            before = after
        totals: dict[str, int] = {}
        for row in final:
            totals[row.month] = totals.get(row.month, 0) + row.amount_minor
        assert {m: v for m, v in sums.items() if v} == {m: v for m, v in totals.items() if v}
    assert changed > 0


def test_who_left_the_family_on_the_day_of_the_application_is_not_counted() -> None:
    # given an income that 1.3 times exceeds the line for one, and is below it for two
    facts = [
        Fact("birth_date", "1985-01-01"),
        Fact("family_income_3_months", "278850000", date(2026, 1, 1)),
        Fact("application", "yes", date(2026, 3, 10), date(2026, 3, 10)),
        Fact("member", "kin", date(2020, 1, 1)),
    ]
    people = {"kin": [Fact("birth_date", "1990-01-01")]}
    for left, amount in ((10, 21_000_000), (11, 42_000_000)):
        gone = Fact("member", "!kin", date(2026, 3, left), None, date(2026, 4, 1))
        found = entitle(load_pack("UZ-SR"), [*facts, gone], ("2026-04",), None, people)
        assert not isinstance(found, Refused), found
        assert [row.amount_minor for row in found] == [amount]
