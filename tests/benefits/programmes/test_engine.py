import numpy as np
import pytest

from services.benefits.programmes import Pack, Refused, engine, load_pack, read_pack, runs, speech
from services.benefits.programmes.analysis import analyse
from services.benefits.programmes.columns import judge_people
from services.benefits.programmes.days import parse_month
from services.benefits.programmes.engine import judge
from services.benefits.programmes.explanation import Explanation, explain
from services.benefits.programmes.loading import pack_text, plan_of
from services.benefits.programmes.people import gather
from services.benefits.programmes.plan import PackFault, compile_pack
from tests.benefits.programmes.builders import born, fact, paid
from tests.benefits.programmes.populations import population

VN = load_pack("VN-SA")
FIRST, LAST = parse_month("2023-06") or 0, parse_month("2026-03") or 0


def variant(code: str, *edits: tuple[str, str]) -> Pack:
    text = pack_text(code)
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    pack = read_pack(text)
    assert isinstance(pack, Pack), pack
    return pack


def totals(pack: Pack, size: int = 1_500) -> np.ndarray:
    """Totals by both evaluators, which must agree."""
    plan = plan_of(pack)
    people = population(load_pack(pack.code), size, seed=3)
    grid = judge_people(plan, gather(people), FIRST, LAST)
    for number, dossier in enumerate(people):
        for verdict in judge(plan, dossier, FIRST, LAST):
            run = slice(verdict.first_month - FIRST, verdict.last_month + 1 - FIRST)
            assert (grid.total[number, run] == verdict.total).all()
    assert grid.total.any()
    return grid.total


def test_a_first_table_pays_like_a_unique_one_that_spells_the_exclusions_out() -> None:
    first = variant(
        "UA-IDP",
        ('hit = "unique"', 'hit = "first"'),
        ('granted = "yes", disability = "no", to', 'granted = "yes", to'),
        ('granted = "yes", disability = "no", wealthy', 'granted = "yes", wealthy'),
    )
    assert analyse(first) == ()
    assert np.array_equal(totals(first), totals(load_pack("UA-IDP")))


@pytest.mark.parametrize(
    ("value", "amounts"),
    [
        ("600000", {"2024-07": 600_000, "2024-08": 600_000}),
        ("400000", {"2024-07": 500_000, "2024-08": 400_000}),
    ],
    ids=["rises", "falls"],
)
def test_a_rate_that_changes_within_a_month(value: str, amounts: dict[str, int]) -> None:
    line = '  { from = 2024-07-01, value = "500000"'
    rest = pack_text("VN-SA").split(line, 1)[1].split("\n", 1)[0]
    changed = f'  {{ from = 2024-07-18, value = "{value}"{rest}'
    pack = variant("VN-SA", (line + rest, f"{line}{rest}\n{changed}"))
    assert analyse(pack) == ()
    person = [born("1940-01-01"), fact("decision", "all")]
    assert paid(pack, person, "2024-07", "2024-08") == amounts
    totals(pack)


def test_a_row_that_asks_for_nothing_but_age_is_for_everybody() -> None:
    row = (
        '  { id = "gift", group = "A6", component = "allowance", age = "90..", rate = "standard",'
        ' coefficient = "0.1", law = "l", verified = "no", source = "s" },\n'
    )
    pack = variant("VN-SA", ('  { id = "a6_extreme_child"', f'{row}  {{ id = "a6_extreme_child"'))
    assert paid(pack, [born("1930-01-01")], "2024-08") == {"2024-08": 50000}
    assert (totals(pack) >= totals(VN)).all()


def test_rows_whose_order_changes_with_the_law_are_compared_month_by_month() -> None:
    line = '  { from = 2023-08-01, value = "2000", law = "Resolution 332"'
    dearer = line.replace("2023-08-01", "2024-05-01").replace("2000", "4000")
    text = pack_text("UA-IDP")
    rest = text[text.index(line) + len(line) :].split("\n", 1)[0]
    crossing = variant("UA-IDP", (line + rest, f"{line}{rest}\n{dearer}{rest}"))
    crossing = crossing.model_copy(update={"tables": (_collected(crossing),)})
    totals(crossing)


def _collected(pack: Pack) -> object:
    """The table with overlapping rows, so that one month offers two amounts."""
    rows = tuple(
        row.model_copy(update={"cells": {k: v for k, v in row.cells.items() if v != "no"}})
        for row in pack.tables[0].rows
    )
    return pack.tables[0].model_copy(update={"hit": "collect", "rows": rows})


def test_rows_of_equal_amounts_are_the_first_in_both_evaluators() -> None:
    pack = variant(
        "VN-SA",
        (
            'coefficient = "2.0", law = "Decree 20/2021/ND-CP Article 5(3)',
            'coefficient = "2.5", law = "Decree 20/2021/ND-CP Article 5(3)',
        ),
    )
    totals(pack)


def test_a_conversion_does_not_outlive_a_lapse() -> None:
    elder = [
        born("1944-01-15"),
        fact("decision", "A5", "2024-02-01"),
        fact("suspended", "not_reverified", "2025-09-10"),
    ]
    months = ("2025-08", "2025-09", "2025-10", "2025-12", "2026-01")
    assert paid(VN, elder, *months) == {
        "2025-08": 500000,
        "2025-09": 500000,
        "2025-10": 0,
        "2025-12": 0,
    }
    early = fact("suspended", "not_reverified", "2024-09-10", "2025-02-01")
    again = [born("1944-01-15"), early, fact("decision", "A5", "2024-02-01")]
    again.append(fact("decision", "all", "2025-03-01"))
    assert paid(VN, again, "2025-01", "2025-03", "2026-03") == {
        "2025-03": 500000,
        "2026-03": 500000,
    }


def test_what_was_worked_out_may_be_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_MEMORY", 1)
    monkeypatch.setattr(speech, "MAX_REMEMBERED", 1)
    facts = [born("2020-05-10"), fact("without_nurture"), fact("decision", "all")]
    assert paid(VN, facts, "2024-05", "2024-06", "2024-07") == {
        "2024-05": 900000,
        "2024-06": 540000,
        "2024-07": 750000,
    }
    assert isinstance(explain(VN, facts, "2024-07", "ru"), Explanation)


def test_runs_show_what_is_due_from_when_and_the_birthday_to_come() -> None:
    facts = [born("2015-05-10"), fact("without_nurture"), fact("decision", "A1", "2024-08-20")]
    found = runs(VN, facts, ("2024-07", "2031-12"))
    assert not isinstance(found, Refused)
    assert [(run.from_month, run.to_month, run.total_minor) for run in found] == [
        ("2024-07", "2024-07", 0),
        ("2024-08", "2031-05", 750000),
        ("2031-06", "2031-12", 0),
    ]
    assert found[1].parts[0].group == "A1"
    assert isinstance(runs(VN, facts[1:], ("2024-07", "2024-08")), Refused)


def test_a_granted_term_that_ends_is_told_as_a_term() -> None:
    idp = load_pack("UA-IDP")
    facts = [born("1990-01-01"), fact("displaced"), fact("application", "yes", "2024-08-15")]
    found = explain(idp, facts, "2024-09", "en")
    assert isinstance(found, Explanation)
    assert "the period granted ends on January 31, 2025" in found.text


@pytest.mark.parametrize(
    ("facts", "month", "words"),
    [
        (("poor_household",), "2025-05", "because this begins on June 10, 2025: severe disability"),
        (("death",), "2025-05", "July 2025: it will be ₫0 a month."),
        (("pension",), "2024-07", "because this begins on August 10, 2024: pension"),
    ],
)
def test_what_begins_and_what_ends_a_right_is_told(
    facts: tuple[str, ...], month: str, words: str
) -> None:
    person = [born("1944-06-15"), fact("decision", "all", "2020-01-01")]
    if facts == ("poor_household",):
        person += [fact("disability", "severe", "2025-06-10")]
    elif facts == ("death",):
        person += [fact("disability", "severe"), fact("death", "2025-06-20", None)]
    else:
        person += [fact("pension", "yes", "2024-08-10")]
    found = explain(VN, person, month, "en")
    assert isinstance(found, Explanation)
    assert words in found.text


def test_a_child_that_comes_of_age_changes_what_a_single_parent_gets() -> None:
    parent = [born("1980-01-01"), fact("single_parent"), fact("poor_household")]
    parent += [fact("decision", "A4"), fact("child", "a"), fact("child", "b")]
    people = {"a": [born("2009-03-10")], "b": [born("2015-03-10")]}
    found = explain(VN, parent, "2025-02", "en", None, people)
    assert isinstance(found, Explanation)
    assert "because a linked person reaches another age" in found.text
    assert "2 linked persons count" in found.text


def test_a_pack_that_refers_to_nothing_cannot_be_compiled() -> None:
    broken = variant("VN-SA", ('hiv = "yes", poor', 'aids = "yes", poor'))
    with pytest.raises(PackFault):
        compile_pack(broken, 0)
