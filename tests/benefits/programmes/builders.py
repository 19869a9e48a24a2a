"""Short ways to write facts down in a story."""

from datetime import date

from services.benefits.programmes import Fact, MonthlyEntitlement, Pack, Refused, entitle

ALWAYS = "2000-01-01"


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def fact(
    name: str,
    value: str = "yes",
    since: str | None = ALWAYS,
    to: str | None = None,
    known: str | None = None,
) -> Fact:
    return Fact(name, value, day(since), day(to), day(known))


def born(text: str) -> Fact:
    return Fact("birth_date", text)


def months_of(year: int) -> tuple[str, ...]:
    return tuple(f"{year}-{month:02d}" for month in range(1, 13))


def paid(
    pack: Pack,
    facts: list[Fact],
    *months: str,
    known_at: str | None = None,
    people: dict[str, list[Fact]] | None = None,
) -> dict[str, int]:
    """Total per month in minor units; months with nothing are absent."""
    totals: dict[str, int] = {}
    for row in rows(pack, facts, *months, known_at=known_at, people=people):
        totals[row.month] = totals.get(row.month, 0) + row.amount_minor
    return totals


def rows(
    pack: Pack,
    facts: list[Fact],
    *months: str,
    known_at: str | None = None,
    people: dict[str, list[Fact]] | None = None,
) -> tuple[MonthlyEntitlement, ...]:
    found = entitle(pack, facts, months, day(known_at), people)
    assert not isinstance(found, Refused), found
    return found
