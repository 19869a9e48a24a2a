"""Short ways to say who a person is and what the law says of them."""

from datetime import UTC, date, datetime
from uuid import UUID

from contracts.values import derived_id
from services.benefits.domain.entitlements import Term
from services.benefits.domain.judgement import Moment, Ruling
from services.benefits.domain.persons import Person, Review, StatusEntry

TODAY = date(2026, 9, 3)
MOMENT = Moment(TODAY, due_on=date(2026, 9, 17), hold_until=date(2026, 9, 10))


def uid(name: str) -> UUID:
    return derived_id("story", "person", name)


def person(
    name: str = "mai",
    born: str = "1960-05-01",
    review: Review = Review.NONE,
    statuses: tuple[StatusEntry, ...] = (),
) -> Person:
    return Person(
        id=uid(name),
        region="VN-07",
        household_id=uid("home"),
        residence="VN-07-00694",
        birth_date=date.fromisoformat(born),
        registered_at=datetime(2026, 9, 1, tzinfo=UTC),
        review=review,
        statuses=statuses,
    )


def granted(code: str, since: str = "2026-01-01", level: str | None = None) -> StatusEntry:
    return StatusEntry(code, level, "granted", date.fromisoformat(since), TODAY)


def ended(code: str, on: str, level: str | None = None) -> StatusEntry:
    return StatusEntry(code, level, "ended", date.fromisoformat(on), TODAY)


def term(month: str, amount: int, group: str = "A6", standard: int = 500_000) -> Term:
    if not amount:
        return Term(month, 0, "", "0", 0)
    return Term(month, amount, group, str(amount / standard), standard)


def ruling(*terms: Term, component: str = "allowance", changes_in: str | None = None) -> Ruling:
    return Ruling(
        programme="VN-SA",
        version="2025.7.1",
        currency="VND",
        plans={component: terms} if terms else {},
        signed=(("A6", TODAY),) if terms else (),
        reasons=("a6_severe_adult",) if terms else (),
        changes_in=changes_in,
    )
