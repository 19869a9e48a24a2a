from datetime import date
from typing import Literal

from services.benefits.programmes import Fact, StatusChange, facts_from_statuses, load_pack
from tests.benefits.programmes.builders import born, day, fact, paid

VN = load_pack("VN-SA")


def change(
    code: str, state: Literal["granted", "ended"], on: str, level: str | None = None
) -> StatusChange:
    effective = date.fromisoformat(on)
    return StatusChange(code, state, effective, level, effective)


def facts(*changes: StatusChange) -> list[Fact]:
    return list(facts_from_statuses(VN, changes))


def test_a_status_that_ends_on_a_day_counts_for_its_month() -> None:
    found = facts(
        change("disability", "granted", "2024-01-10", "severe"),
        change("disability", "ended", "2024-09-01"),
    )
    assert [(f.value, f.valid_to) for f in found] == [
        ("severe", None),
        ("severe", day("2024-09-01")),
    ]
    person = [born("1990-01-15"), fact("decision", "all"), *found]
    assert list(paid(VN, person, "2024-09", "2024-10")) == ["2024-09"]


def test_a_lower_level_counts_from_the_month_after_and_a_higher_from_its_own() -> None:
    person = [born("1990-01-15"), fact("decision", "all")]
    lowered = facts(
        change("disability", "granted", "2024-01-10", "extremely_severe"),
        change("disability", "granted", "2024-09-01", "severe"),
    )
    assert paid(VN, [*person, *lowered], "2024-09", "2024-10") == {
        "2024-09": 1000000,
        "2024-10": 750000,
    }
    raised = facts(
        change("disability", "granted", "2024-01-10", "severe"),
        change("disability", "granted", "2024-09-30", "extremely_severe"),
    )
    assert paid(VN, [*person, *raised], "2024-08", "2024-09") == {
        "2024-08": 750000,
        "2024-09": 1000000,
    }


def test_a_status_that_speaks_against_ends_the_day_before() -> None:
    person = [born("1940-01-15"), fact("decision", "A5c")]
    found = facts(
        change("pension", "granted", "2024-02-01"), change("pension", "ended", "2024-06-01")
    )
    months = ("2024-02", "2024-03", "2024-05", "2024-06")
    assert list(paid(VN, [*person, *found], *months)) == ["2024-02", "2024-06"]


def test_a_status_ended_when_it_began_never_held() -> None:
    found = facts(change("hiv", "granted", "2024-02-01"), change("hiv", "ended", "2024-02-01"))
    assert [(f.value, f.valid_from) for f in found] == [("none", day("2024-02-01"))]


def test_a_status_granted_twice_is_one_and_what_the_pack_does_not_know_is_left_out() -> None:
    found = facts(
        change("hiv", "granted", "2024-02-01"),
        change("hiv", "granted", "2024-05-01"),
        change("veteran", "granted", "2024-02-01"),
        change("disability", "granted", "2024-02-01", "light"),
        change("pension", "ended", "2024-02-01"),
    )
    assert [(f.name, f.value, f.valid_from) for f in found] == [("hiv", "yes", day("2024-02-01"))]
