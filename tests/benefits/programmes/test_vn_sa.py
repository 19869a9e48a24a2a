import pytest

from services.benefits.programmes import Fact, load_pack
from tests.benefits.programmes.builders import born, fact, months_of, paid, rows

VN = load_pack("VN-SA")
DECIDED = fact("decision", "all")


def test_an_orphan_is_paid_from_the_month_of_the_decision() -> None:
    facts = [
        born("2015-05-10"),
        fact("without_nurture"),
        fact("decision", "A1", "2024-08-20"),
    ]
    (august,) = rows(VN, facts, "2024-07", "2024-08")
    assert (august.month, august.group, august.coefficient) == ("2024-08", "A1", "1.5")
    assert (august.standard_minor, august.amount_minor, august.currency) == (500000, 750000, "VND")
    assert august.verified is False


def test_an_orphan_who_is_also_severely_disabled_gets_only_the_higher() -> None:
    facts = [born("2015-05-10"), fact("without_nurture"), fact("disability", "severe"), DECIDED]
    (row,) = rows(VN, facts, "2024-08")
    assert (row.group, row.amount_minor) == ("A6", 1000000)


@pytest.mark.parametrize(
    ("month", "amount"),
    [("2021-06", 675000), ("2021-07", 900000), ("2024-05", 900000), ("2024-06", 540000)],
)
def test_the_month_of_the_fourth_birthday_still_counts_as_under_four(
    month: str, amount: int
) -> None:
    facts = [born("2020-05-10"), fact("without_nurture"), DECIDED]
    assert paid(VN, facts, month) == {month: amount}


def test_a_birthday_on_the_first_of_a_month_lowers_from_the_next_month() -> None:
    facts = [born("2020-03-01"), fact("without_nurture"), DECIDED]
    assert paid(VN, facts, "2024-03", "2024-04") == {"2024-03": 900000, "2024-04": 540000}


def test_who_first_fits_on_the_birthday_itself_was_never_under_four() -> None:
    facts = [born("2020-03-10"), fact("without_nurture", since="2024-03-10"), DECIDED]
    assert paid(VN, facts, "2024-03") == {"2024-03": 540000}


def test_a_rise_counts_from_the_month_of_the_birthday() -> None:
    facts = [born("1944-09-30"), fact("poor_household"), fact("single_no_support"), DECIDED]
    assert paid(VN, facts, "2024-08", "2024-09") == {"2024-08": 750000, "2024-09": 1000000}


def test_born_on_a_leap_day_comes_of_age_on_the_first_of_march() -> None:
    facts = [born("2004-02-29"), fact("former_a1"), fact("in_education"), DECIDED]
    assert list(paid(VN, facts, "2026-02", "2026-03", "2026-04")) == ["2026-02", "2026-03"]


def test_the_month_of_death_is_due_and_none_after() -> None:
    facts = [born("1990-01-01"), fact("disability", "severe"), DECIDED, Fact("death", "2024-09-01")]
    assert list(paid(VN, facts, "2024-08", "2024-09", "2024-10")) == ["2024-08", "2024-09"]


def test_a_recipient_of_the_old_elderly_allowance_becomes_a_social_pensioner_unasked() -> None:
    facts = [born("1944-01-01"), fact("decision", "A5", "2024-02-01")]
    found = rows(VN, facts, "2025-06", "2025-07")
    assert [(row.group, row.amount_minor) for row in found] == [("A5c", 500000), ("SP", 500000)]


def test_a_new_social_pensioner_needs_a_request_and_a_decision() -> None:
    request = fact("application", "SP", "2025-07-28")
    decision = fact("decision", "SP", "2025-08-05")
    assert paid(VN, [born("1950-01-01"), request], *months_of(2025)) == {}
    assert paid(VN, [born("1950-01-01"), decision], *months_of(2025)) == {}
    assert min(paid(VN, [born("1950-01-01"), request, decision], *months_of(2025))) == "2025-08"
