from datetime import date, timedelta

import pytest

from services.benefits.domain.judgement import Ruling
from services.benefits.domain.persons import StatusEntry
from services.benefits.handlers.law import Signed, moment_of, programme_of, rule
from services.benefits.programmes import Refused
from tests.benefits.stories import TODAY, ended, granted, person

VN = programme_of("VN-SA", None)


def judged(born: str, *statuses: StatusEntry, signed: Signed = (), today: date = TODAY) -> Ruling:
    found = rule(VN, person(born=born, statuses=statuses), signed, today)
    assert isinstance(found, Ruling), found
    return found


def plan(ruling: Ruling, component: str = "allowance") -> list[tuple[str, int]]:
    return [(term.from_month, term.amount_minor) for term in ruling.plans.get(component, ())]


@pytest.mark.parametrize(
    ("born", "status", "level", "amount"),
    [
        ("2024-05-10", "without_nurture", None, 1_250_000),
        ("2015-05-10", "without_nurture", None, 750_000),
        ("1980-05-10", "disability", "severe", 750_000),
        ("1980-05-10", "disability", "extremely_severe", 1_000_000),
        ("1950-05-10", "disability", "severe", 1_000_000),
        ("2020-05-10", "disability", "extremely_severe", 1_250_000),
    ],
)
def test_the_published_amounts(born: str, status: str, level: str | None, amount: int) -> None:
    assert plan(judged(born, granted(status, level=level)))[0] == ("2026-09", amount)


def test_who_has_no_status_is_not_judged_at_all() -> None:
    ruling = judged("1940-01-01")
    assert (ruling.plans, ruling.signed, ruling.changes_in) == ({}, (), None)


def test_a_decision_is_signed_today_for_the_group_that_fits_and_kept() -> None:
    first = judged("2024-05-10", granted("without_nurture"))
    assert first.signed == (("A1", TODAY),)
    later = judged(
        "2024-05-10", granted("without_nurture"), signed=first.signed, today=date(2026, 11, 5)
    )
    assert later.signed == first.signed


def test_a_birthday_to_come_is_in_the_plan_and_named() -> None:
    ruling = judged("2024-05-10", granted("without_nurture"))
    assert plan(ruling) == [("2026-09", 1_250_000), ("2028-06", 750_000), ("2040-06", 0)]
    assert ruling.changes_in == "2028-06"


def test_what_a_birthday_will_open_is_decided_only_then() -> None:
    statuses = (granted("poor_household"), granted("single_no_support"))
    ruling = judged("1967-03-10", *statuses)
    assert (ruling.plans, ruling.signed, ruling.changes_in) == ({}, (), "2027-03")
    then = judged("1967-03-10", *statuses, today=date(2027, 3, 1))
    assert plan(then)[0] == ("2027-03", 750_000)
    assert then.signed == (("A5a", date(2027, 3, 1)),)


def test_a_status_that_ended_before_the_decision_gives_nothing() -> None:
    ruling = judged(
        "1980-05-10",
        granted("disability", level="severe"),
        ended("disability", "2026-08-20", level="severe"),
    )
    assert ruling.plans == {}


def test_an_end_within_the_month_leaves_the_month_to_whom_it_was_decided_before() -> None:
    signed = (("A6", date(2026, 7, 1)),)
    ruling = judged(
        "1980-05-10",
        granted("disability", level="severe"),
        ended("disability", "2026-09-01", level="severe"),
        signed=signed,
    )
    assert plan(ruling) == [("2026-09", 750_000), ("2026-10", 0)]


def test_the_social_pension_needs_its_request_and_ends_with_it() -> None:
    asked = granted("social_pension_request", "2026-08-01")
    assert plan(judged("1950-01-01", asked), "social_pension") == [("2026-09", 500_000)]
    assert judged("1950-01-01", granted("in_education")).plans == {}
    withdrawn = ended("social_pension_request", "2026-09-01")
    assert judged("1950-01-01", asked, withdrawn).plans == {}


def test_deadlines_follow_the_law_and_the_national_calendar() -> None:
    before_national_day = moment_of("VN-SA", None, date(2026, 8, 28), 5, 10)
    assert before_national_day.hold_until == date(2026, 9, 9)  # 31 August to 2 September are off
    assert before_national_day.due_on == date(2026, 9, 16)
    far = moment_of("VN-SA", None, date(2090, 3, 1), 5, 10)
    assert (far.hold_until, far.due_on) == (date(2090, 3, 8), date(2090, 3, 15))


def test_the_higher_of_allowance_and_social_pension_is_paid() -> None:
    both = judged(
        "1950-01-01", granted("social_pension_request"), granted("disability", level="severe")
    )
    assert plan(both)[0] == ("2026-09", 1_000_000)
    assert amounts(both, "social_pension") == {0}


def amounts(ruling: Ruling, component: str) -> set[int]:
    return {amount for _, amount in plan(ruling, component)} or {0}


def test_statuses_of_other_countries_say_nothing() -> None:
    assert judged("1980-05-10", granted("displaced")).plans == {}


def test_more_facts_than_anybody_has_are_refused_whole() -> None:
    first = date(2020, 1, 1)
    flapping = tuple(
        granted(
            "disability",
            str(first + timedelta(days=day)),
            "severe" if day % 2 else "extremely_severe",
        )
        for day in range(1100)
    )
    found = rule(VN, person(born="1980-05-10", statuses=flapping), (), TODAY)
    assert isinstance(found, Refused)
    assert found.code == "too_many_facts"
