"""Mutated packs and tables of facts: refused with a place, or judged; never a crash."""

from datetime import date
from random import Random

import pytest

from services.benefits.programmes import Fact, Pack, Refused, entitle, load_pack, read_pack
from services.benefits.programmes.analysis import analyse
from services.benefits.programmes.cases import facts_of
from services.benefits.programmes.columns import judge_people
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.engine import judge
from services.benefits.programmes.fact_table import FactTable, read_facts, refuse_table
from services.benefits.programmes.loading import PACKS, pack_text
from services.benefits.programmes.people import gather
from services.benefits.programmes.plan import compile_pack
from tests.benefits.programmes.builders import born, fact
from tests.benefits.programmes.populations import person

FIRST, LAST = 24_280, 24_300
VALUES = (
    '"yes"', '"no"', '"any"', '""', '"0..4"', '"60.."', '"4..4"', "1.5", "-1", "1e400", "nan",
    "true", "2024-01-01", "2024-02-30", "9999-12-31", "0001-01-01", '"A1"', '"standard"', "[]",
    "{}", '"hiv"', '"disability=severe"', '"birth_date"', '"2..1"', '"granted"', '"\\u0000"', '"٣"',
)  # fmt: skip
CELLS = (
    "", "yes", "none", "!A1", "A1", "2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "NaN",
    "1e400", "-0", "٢٠٢٤", "1_000", "\x00", '"', "=cmd()", "p2", "death", "birth_date", "😀",
    "disability", "severe", "suspended", "not_reverified", "decision", "provincial_standard",
)  # fmt: skip
TABLE = """person_id,fact,value,from,to,known_since
p1,birth_date,2020-05-10,,,
p1,without_nurture,yes,2021-01-01,,2021-01-05
p1,decision,A1,2021-01-20,,2021-01-20
p2,birth_date,1960-05-10,,,
p2,single_parent,yes,2021-01-01,,
p2,child,p1,2021-01-01,2024-07-15,
p2,decision,all,2021-01-20,,2021-01-20"""


def mutated(lines: list[str], random: Random) -> str:
    for _ in range(random.randint(1, 3)):
        number = random.randrange(len(lines))
        name, equals, _ = lines[number].partition(" = ")
        if random.random() < 0.2:
            del lines[number]
        elif random.random() < 0.2:
            lines.insert(number, random.choice(lines))
        elif equals and "{" not in lines[number]:
            lines[number] = f"{name} = {random.choice(VALUES)}"
        else:
            parts = lines[number].split(", ")
            place = random.randrange(len(parts))
            key, equals, _ = parts[place].partition(" = ")
            parts[place] = f"{key} = {random.choice(VALUES)}" if equals else parts[place]
            lines[number] = ", ".join(parts)
    return "\n".join(lines)


@pytest.mark.parametrize("code", sorted(PACKS))
def test_a_mutated_pack_is_refused_or_judged_alike_by_both_evaluators(code: str) -> None:
    random = Random(13)
    outcomes = set()
    for _ in range(150):
        found = read_pack(mutated(pack_text(code).split("\n"), random))
        findings = analyse(found) if isinstance(found, Pack) else found
        assert all(finding.place for finding in findings)
        outcomes.add(bool(findings))
        if isinstance(found, Pack) and not findings:
            plan = compile_pack(found, 2)
            people = [derive(plan, person(found, random, linked=True)) for _ in range(5)]
            grid = judge_people(plan, gather(people), FIRST, LAST)
            for number, dossier in enumerate(people):
                for verdict in judge(plan, dossier, FIRST, LAST):
                    run = slice(verdict.first_month - FIRST, verdict.last_month + 1 - FIRST)
                    assert (grid.total[number, run] == verdict.total).all()
    assert outcomes == {True, False}


def test_a_mutated_table_of_facts_is_refused_or_judged() -> None:
    random = Random(17)
    pack = load_pack("VN-SA")
    outcomes = set()
    for _ in range(1_500):
        lines = TABLE.split("\n")
        for _ in range(random.randint(1, 3)):
            number = random.randrange(1, len(lines))
            cells = lines[number].split(",")
            cells[random.randrange(len(cells))] = random.choice(CELLS)
            lines[number] = ",".join(cells)
        table = read_facts(f"{line}\n" for line in lines)
        if not isinstance(table, FactTable) or refuse_table(pack, table, date(2026, 11, 24)):
            outcomes.add("refused")
            continue
        for facts in table.facts.values():
            found = entitle(pack, facts, ("2020-01", "2024-06"), None, table.facts)
            outcomes.add("refused later" if isinstance(found, Refused) else "judged")
    assert outcomes == {"refused", "refused later", "judged"}


def test_days_at_the_ends_of_the_calendar_are_judged() -> None:
    pack = load_pack("UA-IDP")
    ends = (date(1, 1, 1), date(9999, 12, 31))
    for first in ends:
        for last in ends[ends.index(first) :]:
            stated = [Fact(name, "yes", first, last) for name in ("displaced", "abroad")]
            facts = [born("1990-01-01"), fact("application"), *stated]
            assert not isinstance(entitle(pack, facts, ("2024-08",)), Refused)
    assert facts_of(("birth_date=0001-01-01",))[0].value == "0001-01-01"
