"""Corners that the stories elsewhere do not turn."""

from datetime import date
from random import Random

import numpy as np
import pytest

from services.benefits.programmes import Pack, PackRefused, Refused, digest, load_pack, loading
from services.benefits.programmes.analysis import analyse
from services.benefits.programmes.cases import facts_of
from services.benefits.programmes.columns import judge_people
from services.benefits.programmes.days import NEVER, parse_month
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.engine import judge
from services.benefits.programmes.explanation import Explanation, explain
from services.benefits.programmes.facts import Dossier, resolve
from services.benefits.programmes.intake import Intake
from services.benefits.programmes.loading import pack_text, plan_of
from services.benefits.programmes.people import gather
from services.benefits.programmes.sheets import apply_sheets, sheets_of
from tests.benefits.programmes.builders import born, fact, paid
from tests.benefits.programmes.populations import person
from tests.benefits.programmes.test_engine import variant

VN = load_pack("VN-SA")
FIRST, LAST = parse_month("2024-06") or 0, parse_month("2025-12") or 0


def both(
    pack: Pack, *texts: tuple[str, ...], people: dict[str, tuple[str, ...]] | None = None
) -> None:
    """Both evaluators agree on these people."""
    plan = plan_of(pack)
    linked = {name: facts_of(facts) for name, facts in (people or {}).items()}
    dossiers = []
    for facts in texts:
        found = resolve(pack, facts_of(facts), None, linked)
        assert isinstance(found, Dossier), found
        dossiers.append(derive(plan, found))
    grid = judge_people(plan, gather(dossiers), FIRST, LAST)
    for number, dossier in enumerate(dossiers):
        for verdict in judge(plan, dossier, FIRST, LAST):
            run = slice(verdict.first_month - FIRST, verdict.last_month + 1 - FIRST)
            assert (grid.total[number, run] == verdict.total).all()


def test_nobody_who_is_converted_and_nobody_who_is_linked() -> None:
    both(VN, ("birth_date=1990-01-01", "disability=severe", "decision=all from 2020-01-01"))
    both(
        load_pack("UA-BSA"),
        ("birth_date=1990-01-01", "application from 2025-08-10", "family_income_3_months=0"),
    )
    both(load_pack("WF-ST"), ("deployed from 2025-08-10", "term_months=6"))
    both(load_pack("UA-BSA"), ("birth_date=1990-01-01",))


def test_two_families_may_be_linked_to_the_same_person() -> None:
    pack = load_pack("UA-BSA")
    plan = plan_of(pack)
    child = Dossier(birth=(2015 * 12) * 32 + 1)
    families = []
    for _ in range(2):
        facts = facts_of(
            ("birth_date=1990-01-01", "application from 2025-08-10", "family_income_3_months=0")
        )
        found = resolve(pack, facts)
        assert isinstance(found, Dossier)
        found.links["member"] = (((32, NEVER, NEVER), child),)
        families.append(derive(plan, found))
    people = gather(families)
    assert people.others is not None
    assert people.others.size == 1
    assert judge_people(plan, people, FIRST, LAST).total.max() == 900_000


def test_a_stay_that_ends_within_the_month_already_ordered_pays_no_residence() -> None:
    facts = [
        born("2015-01-15"),
        fact("residential_care", "yes", "2024-08-12", "2024-08-25"),
        fact("ordered", "community", "2024-08-01", "2024-08-31"),
    ]
    assert paid(VN, facts, "2024-08", "2024-09") == {}


@pytest.mark.parametrize(
    ("texts", "month", "words"),
    [
        (
            ("hiv", "poor_household", "stable_income from 2020-01-01 to 2025-06-10"),
            "2025-05",
            "June 2025: it will be ₫1,250,000 a month.",
        ),
        (
            ("hiv", "poor_household to 2025-06-10", "stable_income from 2010-01-01 to 2010-05-01"),
            "2025-05",
            "this ends on June 10, 2025: poor household",
        ),
        (
            ("hiv", "poor_household to 2024-03-31", "poor_household from 2024-05-01 to 2025-06-30"),
            "2025-05",
            "this ends on June 30, 2025: poor household",
        ),
    ],
)
def test_other_ways_in_which_an_amount_changes(
    texts: tuple[str, ...], month: str, words: str
) -> None:
    parent = ("birth_date=1985-01-15", "decision=all from 2020-01-01", "single_parent", "child=kid")
    people = {"kid": facts_of(("birth_date=2016-01-01",))}
    found = explain(VN, facts_of((*parent, *texts)), month, "en", None, people)
    assert isinstance(found, Explanation)
    assert words in found.text


def test_facts_that_contradict_are_not_explained() -> None:
    facts = [*facts_of(("birth_date=1985-01-15", "hiv")), fact("hiv", "no", "2020-01-01")]
    assert isinstance(explain(VN, facts, "2024-08", "en"), Refused)


def test_a_provincial_standard_is_among_the_facts_explained() -> None:
    facts = facts_of(
        (
            "birth_date=1985-01-15",
            "decision=A6 from 2020-01-01",
            "disability=severe",
            "provincial_standard=600000",
        )
    )
    found = explain(VN, facts, "2024-08", "en")
    assert isinstance(found, Explanation)
    assert "the province's own standard: ₫600,000." in found.text


def test_material_assistance_names_the_members_it_looked_at() -> None:
    register = load_pack("UZ-SR")
    family = (
        "birth_date=1990-01-01",
        "member=kid",
        "application from 2025-08-10",
        "family_income_3_months=0",
    )
    found = explain(
        register,
        facts_of(family),
        "2025-10",
        "en",
        None,
        {"kid": facts_of(("birth_date=2015-01-01",))},
    )
    assert isinstance(found, Explanation)
    assert "member of the family." in found.text
    early = explain(
        register,
        facts_of(family[:2] + family[3:]),
        "2025-10",
        "en",
        None,
        {"kid": facts_of(("birth_date=2015-01-01",))},
    )
    assert isinstance(early, Explanation)
    assert "÷" not in early.text


def test_plans_and_combinations_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "MAX_PLANS", 0)
    monkeypatch.setattr("services.benefits.programmes.engine.MAX_MEMORY", 1)
    pack = variant("VN-SA", ("2025.7.1", "2025.7.9"))
    facts = [born("2020-05-10"), fact("without_nurture"), fact("decision", "all")]
    assert len(paid(pack, facts, "2024-05", "2024-06", "2024-07")) == 3
    assert digest(pack) != digest(VN)


def test_a_packaged_file_that_is_broken_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "text_of", lambda _file: "format = 1")
    loading.load_pack.cache_clear()
    with pytest.raises(PackRefused):
        loading.load_pack("VN-SA")
    monkeypatch.undo()
    assert loading.load_pack("VN-SA").code == "VN-SA"


def test_rows_that_exclude_each_other_by_yes_and_no_do_not_overlap() -> None:
    pack = variant(
        "UA-IDP",
        ('disability = "yes", to', 'disability = "yes", displaced = "yes", to'),
    )
    assert analyse(pack) == ()


def test_a_parameter_sheet_without_a_name_is_named_as_a_whole() -> None:
    text = pack_text("UA-IDP")
    sheets = {name: [list(row) for row in sheet] for name, sheet in sheets_of(text).items()}
    sheets["parameters"] = [row for row in sheets["parameters"] if row[0] != "wealth_limit"]
    found = apply_sheets(text, sheets)
    assert isinstance(found, tuple)
    assert {(fault.sheet, fault.row) for fault in found} == {("parameters", 0)}


def test_invented_people_are_the_same_for_the_same_seed() -> None:
    first, second = (person(VN, Random(4), linked=True) for _ in range(2))
    assert np.array_equal(list(first.spans), list(second.spans))


def test_a_row_that_pays_by_law_alone_and_one_that_never_overlaps() -> None:
    rows = (
        '  { id = "one", group = "A6", component = "allowance", age = "0..9", hiv = "no",'
        ' disability = "severe", to = 2023-12-31, rate = "standard", coefficient = "2.9",'
        ' law = "l", verified = "no", source = "s" },\n'
        '  { id = "two", group = "A6", component = "allowance", age = "0..9", hiv = "yes",'
        ' disability = "any", rate = "standard", coefficient = "2.9",'
        ' law = "l", verified = "no", source = "s" },\n'
    )
    pack = variant(
        "VN-SA",
        ('  { id = "a6_extreme_child"', f'{rows}  {{ id = "a6_extreme_child"'),
        ('hit = "collect"', 'hit = "unique"'),
    )
    places = {finding.detail for finding in analyse(pack)}
    assert "somebody fits one and two on one day" not in places
    assert "somebody fits two and a6_extreme_child on one day" in places


def test_in_bulk_a_key_may_be_known_of_those_alone_who_go_the_short_way() -> None:
    intake = Intake(plan_of(VN), None, date(2026, 11, 24))
    assert (
        intake.add(
            "p", [["p", "birth_date", "1990-01-01", "", "", ""], ["p", "hiv", "yes", "", "", ""]]
        )
        is None
    )
    assert list(intake.people().spans) == ["hiv"]
    assert isinstance(intake.add("q", [["q", "birth_date"]]), Refused)


def test_a_one_off_row_that_asks_for_less_than_its_amount_pays_those_who_have_one() -> None:
    pack = variant("UZ-MA", ('kind = "one_off", aid_granted = "any"', 'kind = "one_off"'))
    person = ("birth_date=1990-01-01",)
    both(pack, person)
    both(pack, person, (*person, "aid_granted=500 from 2024-08-05 to 2024-08-05"))
    aid = facts_of(("aid_granted=500 from 2024-08-05 to 2024-08-05",))
    assert paid(pack, aid, "2024-07", "2024-08") == {"2024-08": 500}
