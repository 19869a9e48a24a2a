from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.benefits.domain.calendar import add_working_days, end_of, review_instant, years_old
from services.benefits.domain.persons import Review, duplicate_among, payee_of, with_statuses
from tests.benefits.stories import granted, person, uid

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-09-03", 5, "2026-09-10"),  # Thursday: Friday, then Monday to Thursday
        ("2026-09-03", 10, "2026-09-17"),
        ("2026-09-05", 1, "2026-09-07"),  # Saturday
        ("2026-09-04", 1, "2026-09-07"),  # Friday
    ],
)
def test_working_days_skip_weekends(day: str, count: int, expected: str) -> None:
    assert add_working_days(date.fromisoformat(day), count) == date.fromisoformat(expected)


def test_working_days_skip_holidays() -> None:
    national_day = {date(2026, 9, 1), date(2026, 9, 2)}
    assert add_working_days(date(2026, 8, 31), 1, national_day) == date(2026, 9, 3)


def test_a_day_is_over_at_local_midnight() -> None:
    assert end_of(date(2026, 9, 10), HANOI) == datetime(2026, 9, 10, 17, tzinfo=UTC)


def test_a_month_is_looked_at_half_past_midnight_on_its_first_day() -> None:
    assert review_instant("2026-12", HANOI) == datetime(2026, 11, 30, 17, 30, tzinfo=UTC)


def test_a_leap_day_child_comes_of_age_on_the_first_of_march() -> None:
    born = date(2008, 2, 29)
    assert [years_old(born, date(2026, 2, 28)), years_old(born, date(2026, 3, 1))] == [17, 18]


def test_from_the_eighteenth_birthday_on_people_are_paid_themselves() -> None:
    young, head = person("an", "2008-09-03"), uid("head")
    assert payee_of(young, head, date(2026, 9, 2)) == head
    assert payee_of(young, head, date(2026, 9, 3)) == young.id
    assert payee_of(young, None, date(2026, 9, 2)) is None


def test_a_status_said_twice_counts_once_in_the_order_it_came() -> None:
    first, second = granted("poor_household"), granted("in_education")
    repeated = first._replace(known_on=date(2026, 10, 1))
    assert with_statuses((first,), [second, repeated, second]) == (first, second)


def test_of_two_held_records_of_one_person_the_later_never_starts() -> None:
    first = person("a", review=Review.OPEN)
    later = replace(person("b", review=Review.OPEN), registered_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert duplicate_among([later, first]) == [later.id]
    assert duplicate_among([replace(later, review=Review.NONE), first]) == [first.id]
    assert duplicate_among([person("a"), person("b")]) == []


def test_who_raises_children_alone_is_known_by_a_status() -> None:
    assert person(statuses=(granted("single_parent"),)).raises_children_alone
    assert not person(statuses=(granted("poor_household"),)).raises_children_alone
