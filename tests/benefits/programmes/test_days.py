from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.benefits.programmes.days import (
    ALWAYS,
    NEVER,
    birthday,
    day_text,
    days_in,
    month_text,
    next_day,
    pack_day,
    parse_day,
    parse_month,
    previous_day,
    term_end,
    unpack_day,
)

dates = st.dates(date(1900, 1, 2), date(2200, 12, 30))


@given(dates, dates)
def test_packed_days_order_like_dates(left: date, right: date) -> None:
    assert (pack_day(left) < pack_day(right)) == (left < right)
    assert unpack_day(pack_day(left)) == left


@given(dates)
def test_the_next_and_the_previous_day_are_those_of_the_calendar(day: date) -> None:
    assert unpack_day(next_day(pack_day(day))) == day + timedelta(days=1)
    assert unpack_day(previous_day(pack_day(day))) == day - timedelta(days=1)


def test_what_has_no_end_has_no_day_after_and_what_has_no_start_none_before() -> None:
    assert (next_day(NEVER), previous_day(ALWAYS)) == (NEVER, ALWAYS)
    assert (day_text(NEVER), day_text(ALWAYS)) == ("", "")
    assert days_in(5) == 31


@given(st.dates(date(1900, 1, 1), date(2080, 12, 31)), st.integers(0, 110))
def test_a_birthday_is_the_same_day_or_the_first_of_march(birth: date, years: int) -> None:
    reached = unpack_day(birthday(pack_day(birth), years))
    try:
        expected = birth.replace(year=birth.year + years)
    except ValueError:
        expected = date(birth.year + years, 3, 1)
    assert reached == expected


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2023-08-15", 6, "2024-02-14"),
        ("2023-09-01", 6, "2024-02-29"),
        ("2022-09-01", 6, "2023-02-28"),
        ("2023-08-31", 6, "2024-02-29"),
        ("2022-08-30", 6, "2023-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-07-15", 3, "2024-10-14"),
        ("2024-05-31", 1, "2024-06-30"),
    ],
)
def test_a_term_ends_the_day_before_the_same_day_or_on_the_last(
    start: str, months: int, end: str
) -> None:
    first = parse_day(start)
    assert first is not None
    assert day_text(term_end(first, months)) == end


@pytest.mark.parametrize(
    "text",
    ["", "2024-6", "2024-13", "2024-00", "24-06", "2024/06", "٢٠٢٤-٠٦", "2024-06-01", "abcd-ef"],
)
def test_a_month_is_four_digits_a_dash_and_two(text: str) -> None:
    assert parse_month(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-06",
        "2024-02-30",
        "2024-6-01",
        "20240601",
        "２０２４-06-01",
        "2024-06-01T00",
        "2024+06-01",
    ],
)
def test_a_day_is_written_one_way(text: str) -> None:
    assert parse_day(text) is None


@given(dates)
def test_days_and_months_are_written_as_they_are_read(day: date) -> None:
    assert parse_day(day.isoformat()) == pack_day(day)
    month = parse_month(day.isoformat()[:7])
    assert month is not None
    assert month_text(month) == day.isoformat()[:7]
