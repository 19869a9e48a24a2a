from datetime import date

import pytest

from services.benefits.programmes import Refused, load_pack
from services.benefits.programmes.working_days import (
    CALENDARS,
    after_working_days,
    deadline,
    load_calendar,
    next_application_day,
    pay_window,
)


@pytest.mark.parametrize(
    ("country", "received", "count", "due"),
    [
        ("VN", date(2024, 8, 2), 10, date(2024, 8, 16)),
        ("VN", date(2024, 8, 30), 1, date(2024, 9, 4)),
        ("VN", date(2024, 5, 3), 1, date(2024, 5, 4)),
        ("UA", date(2024, 8, 23), 1, date(2024, 8, 26)),
        ("UZ", date(2024, 8, 30), 3, date(2024, 9, 6)),
    ],
)
def test_working_days_skip_weekends_and_holidays_from_the_day_after(
    country: str, received: date, count: int, due: date
) -> None:
    assert after_working_days(load_calendar(country), received, count) == due


@pytest.mark.parametrize("country", CALENDARS)
def test_a_year_without_a_calendar_is_refused(country: str) -> None:
    found = after_working_days(load_calendar(country), date(2031, 5, 1), 1)
    assert isinstance(found, Refused)


def test_a_country_without_a_calendar_is_unknown() -> None:
    with pytest.raises(KeyError):
        load_calendar("XX")


def test_a_deadline_follows_the_pack_and_its_dates() -> None:
    vn = load_pack("VN-SA")
    assert deadline(vn, "decision", date(2025, 7, 1)) == date(2025, 7, 15)
    assert isinstance(deadline(vn, "decision", date(2025, 6, 30)), Refused)
    assert deadline(load_pack("UZ-SR"), "final_assessment", date(2026, 3, 5)) == date(2026, 3, 11)
    assert deadline(load_pack("UZ-MA"), "urgent_decision", date(2026, 3, 5)) == date(2026, 3, 6)


def test_a_family_applies_once_a_calendar_month() -> None:
    register = load_pack("UZ-SR")
    earlier = (date(2024, 12, 10),)
    assert next_application_day(register, earlier, date(2024, 12, 12)) == date(2025, 1, 1)
    assert next_application_day(register, earlier, date(2025, 1, 1)) is None
    assert next_application_day(load_pack("UA-IDP"), earlier, date(2024, 12, 12)) is None


def test_a_decision_is_paid_in_the_next_window() -> None:
    idp = load_pack("UA-IDP")
    assert pay_window(idp, date(2024, 8, 10)) == date(2024, 8, 16)
    assert pay_window(idp, date(2024, 8, 16)) == date(2024, 8, 29)
    assert pay_window(idp, date(2024, 12, 30)) == date(2025, 1, 16)
    assert pay_window(load_pack("VN-SA"), date(2024, 8, 10)) is None
