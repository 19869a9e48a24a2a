from datetime import date

from services.benefits.programmes import load_pack
from services.benefits.programmes.differences import (
    Entry,
    Held,
    differences,
    held_for_successor,
    paying_region,
)
from tests.benefits.programmes.builders import born, fact, rows

VN = load_pack("VN-SA")
ADULT = [born("1990-01-15"), fact("decision", "all")]
MONTHS = ("2024-07", "2024-08", "2024-09", "2024-10")


def test_a_late_fact_gives_supplements_for_closed_months_and_a_start_for_open_ones() -> None:
    before = rows(VN, ADULT, *MONTHS)
    after = rows(VN, [*ADULT, fact("disability", "severe", "2024-08-20")], *MONTHS)
    found = differences(before, after, closed_through="2024-09")
    assert [(entry.month, entry.kind, entry.difference_minor) for entry in found] == [
        ("2024-08", "supplementary", 750000),
        ("2024-09", "supplementary", 750000),
        ("2024-10", "started", 750000),
    ]
    assert found[0].reason == "a6_severe_adult"


def test_a_corrected_fact_detects_overpayments_and_ends_what_is_open() -> None:
    severe = fact("disability", "severe")
    before = rows(VN, [*ADULT, severe], *MONTHS)
    after = rows(VN, [*ADULT, fact("disability", "severe", to="2024-07-31")], *MONTHS)
    found = differences(before, after, closed_through="2024-08")
    assert [(entry.month, entry.kind) for entry in found] == [
        ("2024-08", "overpayment"),
        ("2024-09", "ended"),
        ("2024-10", "ended"),
    ]
    assert sum(entry.difference_minor for entry in found) == -3 * 750000


def test_an_open_month_is_adjusted_suspended_and_resumed() -> None:
    severe = [*ADULT, fact("disability", "severe")]
    extreme = [*ADULT, fact("disability", "extremely_severe")]
    halted = [*severe, fact("suspended", "by_officer", "2024-08-15", "2024-09-30")]
    plain, dearer, held = (rows(VN, facts, *MONTHS) for facts in (severe, extreme, halted))
    assert {entry.kind for entry in differences(plain, dearer)} == {"adjusted"}
    assert differences(plain, held) == (
        Entry("2024-09", "suspended", 750000, 0, "a6_severe_adult"),
    )
    assert [entry.kind for entry in differences(held, plain)] == ["resumed"]


def test_the_same_amount_by_another_route_is_no_difference() -> None:
    by_school = [born("2008-01-15"), fact("former_a1"), fact("in_education")]
    by_school.append(fact("decision", "all"))
    severe = [born("2008-01-15"), fact("disability", "severe"), fact("decision", "all")]
    assert differences(rows(VN, by_school, *MONTHS), rows(VN, severe, *MONTHS)) == ()


def test_months_earned_and_unpaid_are_held_for_the_successor() -> None:
    due = rows(VN, [*ADULT, fact("disability", "severe")], *MONTHS)
    found = held_for_successor(due, {"2024-07": 750000, "2024-08": 0}, date(2024, 9, 5))
    assert found == (Held("2024-08", 750000), Held("2024-09", 750000))


def test_exactly_one_region_pays_a_month() -> None:
    moves = [(date(2024, 8, 20), "VN-07"), (date(2020, 1, 1), "VN-04")]
    assert paying_region(moves, "2024-07") == "VN-04"
    assert paying_region(moves, "2024-08") == "VN-07"
    assert paying_region(moves, "2024-08", ordered_by="VN-04") == "VN-04"
    assert paying_region(moves, "2019-12") is None
    assert paying_region(moves, "August") is None
