from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import pytest

from services.benefits.programmes import Fact, Refused, entitle, load_pack
from tests.benefits.programmes.vn_reference import reference

VN = load_pack("VN-SA")
FLAGS = (
    "without_nurture",
    "former_a1",
    "in_education",
    "poor_household",
    "near_poor_household",
    "difficult_commune",
    "single_no_support",
    "facility_eligible_in_community",
    "hiv",
    "stable_income",
    "pension",
    "single_parent",
)
RARE = {
    "residential_care": ("yes",),
    "ordered": ("community", "residential"),
    "suspended": ("not_reverified", "by_officer"),
}
MONTHS = tuple(f"{year}-{month:02d}" for year in (2024, 2025, 2026) for month in range(1, 13))


def day(random: Random, first: int, last: int) -> date:
    year, month = random.randint(first, last), random.randint(1, 12)
    start = date(year, month, 1)
    length = (start.replace(day=28) + timedelta(days=4)).replace(day=1) - start
    return start + timedelta(days=random.choice((0, length.days - 1, random.randrange(28))))


def interval(random: Random) -> tuple[date, date | None]:
    first = day(random, 2019, 2026)
    if random.random() < 0.5:
        return first, None
    return first, max(first, day(random, 2023, 2026))


def invented(random: Random, children: list[str]) -> list[Fact]:
    birth = day(random, *random.choice(((1935, 1965), (1940, 1952), (2000, 2012), (2015, 2024))))
    facts = [Fact("birth_date", birth.isoformat())]
    if random.random() < 0.08:
        facts.append(Fact("death", max(birth, day(random, 2023, 2026)).isoformat()))
    values: dict[str, tuple[str, ...]] = dict.fromkeys(FLAGS, ("yes",))
    values["disability"] = ("severe", "extremely_severe")
    facts.extend(stated(random, values, 0.45))
    facts.extend(stated(random, RARE, 0.1))
    groups = ("A1", "A2", "A3", "A4", "A5", "A5b", "A5c", "A6", "A7", "A8", "SP")
    decided = {"all"} if random.random() < 0.5 else set(random.choices(groups, k=4))
    facts.extend(Fact("decision", group, *interval(random)) for group in sorted(decided))
    if random.random() < 0.5:
        facts.append(Fact("application", "SP", *interval(random)))
    facts.extend(list(corrected(random, facts)))
    facts.extend(Fact("child", child, *interval(random)) for child in children)
    return facts


def corrected(random: Random, facts: list[Fact]) -> Iterator[Fact]:
    """Later statements: that it was not so after all from a day on, or was never stated."""
    known = date(2026, 12, 1)
    for fact in facts:
        if fact.name in FLAGS and random.random() < 0.3:
            value = random.choice(("no", "none"))
            first, last = interval(random)
            if value == "none":
                first, last = fact.valid_from or first, fact.valid_to
            known += timedelta(days=1)
            yield Fact(fact.name, value, first, last, known)


def stated(random: Random, values: dict[str, tuple[str, ...]], share: float) -> Iterator[Fact]:
    for name, possible in values.items():
        if random.random() < share:
            value, (first, last) = random.choice(possible), interval(random)
            yield Fact(name, value, first, last)
            if last is not None and possible == ("yes",) and random.random() < 0.3:
                again = random.choice((last + timedelta(days=1), max(first, last.replace(day=1))))
                if again != first:
                    yield Fact(
                        name, value, again, random.choice((None, last + timedelta(days=400)))
                    )


@pytest.mark.parametrize("seed", range(6))
def test_the_pack_says_what_the_law_written_by_hand_says(seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        names = ["kid1", "kid2"][: random.choice((0, 0, 1, 2))]
        people = {name: invented(random, []) for name in names}
        facts = invented(random, names)
        for month in random.sample(MONTHS, 8):
            found = entitle(VN, facts, (month,), None, people)
            assert not isinstance(found, Refused), found
            total = sum(row.amount_minor for row in found)
            groups = "+".join(row.group for row in found)
            suspended = any(row.kind == "suspended" for row in found)
            expected = reference(facts, people, date.fromisoformat(f"{month}-01"))
            assert (total, groups, suspended) == expected, (month, facts, people)
