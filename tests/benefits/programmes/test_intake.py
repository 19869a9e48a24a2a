from datetime import date
from random import Random

import numpy as np
import pytest

from services.benefits.programmes import Refused, load_pack
from services.benefits.programmes.columns import judge_people
from services.benefits.programmes.days import parse_month
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.fact_table import (
    COLUMNS,
    FactTable,
    locate,
    read_facts,
    refuse_table,
)
from services.benefits.programmes.facts import Dossier, resolve
from services.benefits.programmes.intake import Intake
from services.benefits.programmes.loading import plan_of
from services.benefits.programmes.people import gather

TODAY = date(2026, 11, 24)
HEADER = ",".join(COLUMNS)
FIRST, LAST = parse_month("2024-01") or 0, parse_month("2026-06") or 0
VN = load_pack("VN-SA")


def invented_rows(random: Random, number: int) -> list[list[str]]:
    """A person's rows, now and then repeated, restated, taken back or with a link."""
    rows = [[f"p{number}", "birth_date", f"{random.randint(1935, 2023)}-05-10", "", "", ""]]
    rows.append([f"p{number}", "region", random.choice(("VN-07", "VN-24")), "", "", ""])
    rows.append([f"p{number}", "decision", "all", f"{random.randint(2020, 2024)}-02-01", "", ""])
    flags = (
        "without_nurture",
        "poor_household",
        "pension",
        "hiv",
        "single_no_support",
        "suspended",
    )
    for name in flags:
        if random.random() < 0.4:
            value = "by_officer" if name == "suspended" else random.choice(("yes", "yes", "no"))
            since = f"{random.randint(2020, 2025)}-0{random.randint(1, 9)}-15"
            known = random.choice(("", "2025-03-01", "2026-01-01"))
            until = random.choice(("", "", "2026-02-28"))
            rows.append([f"p{number}", name, value, since, until, known])
            if random.random() < 0.2:
                rows.append([f"p{number}", name, "none", since, "", "2026-02-01"])
    if random.random() < 0.3:
        rows.append([f"p{number}", "single_parent", "yes", "2020-01-01", "", ""])
        rows.append([f"p{number}", "child", "kid", "2020-01-01", "", ""])
    if random.random() < 0.1:
        rows.append([f"p{number}", "death", "2025-06-15", "", "", ""])
    return rows


@pytest.mark.parametrize("known_at", [None, date(2025, 6, 1)])
def test_people_taken_in_bulk_are_judged_as_people_resolved_one_by_one(
    known_at: date | None,
) -> None:
    plan = plan_of(VN)
    kid = [["kid", "birth_date", "2015-03-01", "", "", ""]]
    intake = Intake(plan, known_at, TODAY, {"kid": kid})
    random = Random(5)
    everybody = [invented_rows(random, number) for number in range(800)]
    lines = [HEADER, *(",".join(row) for rows in [kid, *everybody] for row in rows)]
    table = read_facts(lines)
    assert isinstance(table, FactTable)
    dossiers = []
    for rows in everybody:
        assert intake.add(rows[0][0], rows) is None
        dossier = resolve(VN, table.facts[rows[0][0]], known_at, table.facts)
        assert isinstance(dossier, Dossier)
        dossiers.append(derive(plan, dossier))
    bulk = judge_people(plan, intake.people(), FIRST, LAST)
    single = judge_people(plan, gather(dossiers), FIRST, LAST)
    assert np.array_equal(bulk.total, single.total)
    assert all(np.array_equal(a, b) for a, b in zip(bulk.rules, single.rules, strict=True))
    assert bulk.total.sum() > 0
    assert set(intake.regions) == {"VN-07", "VN-24"}


def test_amounts_and_links_are_taken_in_too() -> None:
    plan = plan_of(load_pack("UZ-SR"))
    child = [["c", "birth_date", "2015-03-01", "", "", ""]]
    intake = Intake(plan, None, TODAY, {"c": child})
    rows = [
        ["f", "birth_date", "1990-01-01", "", "", ""],
        ["f", "application", "yes", "2024-11-10", "", ""],
        ["f", "family_income_3_months", "0", "2024-11-10", "", ""],
        ["f", "member", "c", "2015-03-01", "", ""],
    ]
    assert intake.add("f", rows) is None
    grid = judge_people(plan, intake.people(), FIRST, LAST)
    december = (parse_month("2024-12") or 0) - FIRST
    assert grid.total[0, december] == 25_000_000


@pytest.mark.parametrize(
    "row",
    [
        ["p", "shoe_size", "44", "", "", ""],
        ["p", "hiv", "maybe", "", "", ""],
        ["p", "hiv", "yes", "2027-01-01", "", ""],
        ["p", "hiv", "yes", "2024-13-01", "", ""],
        ["p", "hiv", "yes", "2024-05-01", "2024-04-01", ""],
        ["p", "disability", "severe", "", "", "2024-1-1"],
        ["p", "death", "1980-01-01", "", "", ""],
        ["p", "birth_date", "1990-01-02", "", "", ""],
        ["p", "birth_date", "2027-01-02", "", "", ""],
    ],
)
def test_a_person_with_a_wrong_fact_is_refused_and_left_out(row: list[str]) -> None:
    intake = Intake(plan_of(VN), None, TODAY)
    rows = [["p", "birth_date", "1990-01-01", "", "", ""], row]
    assert isinstance(intake.add("p", rows), Refused)
    assert intake.add("q", [["q", "birth_date", "1990-01-01", "", "", ""]]) is None
    assert intake.people().size == 1


def read(*lines: str) -> list[tuple[str, str]]:
    found = read_facts(lines)
    assert isinstance(found, tuple)
    return [(refused.place, refused.code) for refused in found]


@pytest.mark.parametrize(
    ("lines", "place", "code"),
    [
        ((), "row 1", "missing"),
        (("person_id,fact,value,from,to",), "row 1", "missing"),
        ((f"{HEADER},shoe_size",), "row 1", "unknown_column"),
        ((f"{HEADER},value",), "row 1", "twice"),
        ((HEADER, "p,hiv"), "row 2", "bad_row"),
        ((HEADER, "", "=p(),hiv,yes,,,"), "row 3, column person_id", "bad_person"),
        ((HEADER, "p,hiv,yes,2024-1-1,,"), "row 2, column from", "bad_date"),
        ((HEADER, "p,hiv,yes,,٢٠٢٤-٠١-٠١,"), "row 2, column to", "bad_date"),
        ((HEADER, 'p,"hiv'), "row 2", "not_csv"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_row_and_column(
    lines: tuple[str, ...], place: str, code: str
) -> None:
    assert read(*lines) == [(place, code)]


def test_a_table_beyond_repair_stops_early() -> None:
    assert len(read(HEADER, *["p,hiv,yes,x,,"] * 500)) == 50


def table_of(*lines: str) -> FactTable:
    found = read_facts((f"\ufeff{HEADER},source", *lines))
    assert isinstance(found, FactTable)
    return found


def test_wrong_facts_are_named_by_row_column_or_person() -> None:
    table = table_of(
        "p,birth_date,1990-01-01,,,,registry",
        "p,hiv,maybe,,,,",
        "q,hiv,yes,,,,",
    )
    assert table.size == 3
    assert table.facts["p"][0].source == "registry"
    found = [(refused.place, refused.code) for refused in refuse_table(VN, table, TODAY)]
    assert found == [("row 3, column value", "unknown_value"), ("person q", "missing")]


def test_many_wrong_facts_are_not_all_listed() -> None:
    table = table_of(*(f"p{number},hiv,maybe,,,," for number in range(100)))
    assert 50 <= len(refuse_table(VN, table, TODAY)) <= 52


def test_a_contradiction_is_located_at_the_rows_that_make_it() -> None:
    table = table_of(
        "p,birth_date,1990-01-01,,,,",
        "p,hiv,yes,2024-01-01,,,",
        "p,hiv,no,2024-02-01,,,",
    )
    refused = resolve(VN, table.facts["p"])
    assert isinstance(refused, Refused)
    assert locate(table, "p", refused).place == "rows 3, 4"
    assert locate(table, "p", Refused("facts.death", "x", "y")).place == "person p"
