"""However a fact is cut into rows, the person is the same."""

from dataclasses import replace
from datetime import date
from random import Random

import numpy as np
import pytest

from services.benefits.programmes import PACKS, Fact, Pack, load_pack
from services.benefits.programmes.columns import judge_people
from services.benefits.programmes.days import (
    NEVER,
    birthday,
    parse_month,
    previous_day,
)
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.engine import judge
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.loading import plan_of
from services.benefits.programmes.people import gather
from services.benefits.programmes.spans import Span
from tests.benefits.programmes.builders import born, fact, months_of, paid
from tests.benefits.programmes.populations import person

VN = load_pack("VN-SA")


@pytest.mark.parametrize(
    "poor",
    [
        [fact("near_poor_household")],
        [
            fact("near_poor_household", to="2024-08-31"),
            fact("near_poor_household", since="2024-09-01"),
        ],
        [fact("poor_household", to="2024-08-31"), fact("near_poor_household", since="2024-09-01")],
        [fact("poor_household", to="2025-01-31"), fact("near_poor_household", since="2024-03-01")],
    ],
    ids=["in one row", "in two rows", "poor, then near-poor", "both for a while"],
)
def test_into_how_many_rows_a_fact_is_cut_is_no_change_to_the_person(poor: list[Fact]) -> None:
    # given a child poor all along, who turns three on the day on which the rows meet
    facts = [born("2021-09-01"), *poor, fact("difficult_commune"), fact("decision", "all")]
    # then the birthday alone ends the allowance, from the month after it
    assert paid(VN, facts, "2024-08", "2024-09", "2024-10") == {
        "2024-08": 750_000,
        "2024-09": 750_000,
    }


def test_two_rows_of_days_abroad_without_a_day_between_are_one_stay() -> None:
    stay = [fact("abroad", since="2024-03-01", to="2024-03-20")]
    stay.append(fact("abroad", since="2024-03-21", to="2024-04-10"))
    facts = [born("1990-01-01"), fact("displaced"), fact("application", since="2024-01-10"), *stay]
    found = paid(load_pack("UA-IDP"), facts, *months_of(2024))
    assert [*found] == ["2024-01", "2024-02", "2024-03"]


@pytest.mark.parametrize("code", sorted(PACKS))
def test_both_evaluators_see_cut_rows_as_one(code: str) -> None:
    # given people, and the same people with every interval cut in two
    plan, random = plan_of(load_pack(code)), Random(11)
    whole = [person(plan.pack, random, linked=True) for _ in range(1_500)]
    pieces = [cut(plan.pack, dossier, random) for dossier in whole]
    first, last = parse_month("2023-06") or 0, parse_month("2026-12") or 0
    # when both are judged, by each evaluator
    whole, pieces = [derive(plan, d) for d in whole], [derive(plan, d) for d in pieces]
    # then nobody is due anything else
    assert [judge(plan, d, first, last) for d in pieces] == [
        judge(plan, d, first, last) for d in whole
    ]
    grids = [judge_people(plan, gather(people), first, last) for people in (whole, pieces)]
    assert np.array_equal(grids[0].total, grids[1].total)
    assert grids[0].total.any()


def cut(pack: Pack, dossier: Dossier, random: Random) -> Dossier:
    """The same person, each interval in two rows; what is signed or paid once stays as it is.

    Rows like to meet where something else changes: on a birthday, or where another fact begins.
    """
    signed = {item.fact for item in pack.inputs if item.kind == "term"}
    signed |= {name for lapse in pack.lapses for name in lapse.facts}
    signed |= {spec.name for spec in pack.facts if spec.kind == "date"}
    cells = [row.cells for row in pack.rows()]
    cells += [row.cells for table in pack.members for row in table.rows]
    ages = {int(cell.get("age", "0").partition("..")[2] or 0) for cell in cells}
    meetings = [birthday(dossier.birth, years) for years in ages]
    meetings += [first for spans in dossier.spans.values() for first, _, _ in spans]
    spans = {
        key: found
        if key.partition("=")[0] in signed or key in dossier.amounts
        else tuple(piece for span in found for piece in halves(span, meetings, random))
        for key, found in dossier.spans.items()
    }
    return replace(dossier, spans=spans)


def halves(span: Span, meetings: list[int], random: Random) -> list[Span]:
    first, last, change = span
    within = [day for day in meetings if first < day <= last and day < change]
    if not within:
        return [span]
    day = random.choice([day for day in within if day & 31 == 1] or within)
    return [(first, previous_day(day), NEVER), (day, last, change)]


def test_what_is_paid_once_is_paid_for_the_month_of_its_day() -> None:
    # given aid on two days that follow one another in two months, and some after the death
    facts = [
        Fact("aid_granted", "300", date(2024, 8, 31), date(2024, 8, 31)),
        Fact("aid_granted", "500", date(2024, 9, 1), date(2024, 9, 1)),
        Fact("aid_granted", "700", date(2024, 9, 30), date(2024, 9, 30)),
        Fact("death", "2024-09-20"),
    ]
    assert paid(load_pack("UZ-MA"), facts, "2024-08", "2024-09") == {"2024-08": 300, "2024-09": 500}
