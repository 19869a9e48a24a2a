from datetime import date

import pytest

from services.benefits.programmes import Fact, Refused, entitle, load_pack, refuse_facts, runs
from services.benefits.programmes.facts import MAX_FACTS_PER_PERSON, resolve
from tests.benefits.programmes.builders import born, fact, paid

VN = load_pack("VN-SA")
IDP = load_pack("UA-IDP")
TODAY = date(2026, 11, 24)
ADULT = born("1990-01-15")
DECIDED = fact("decision", "all")
SEVERE = fact("disability", "severe")


def refusals(*facts: Fact, pack: str = "VN-SA") -> list[tuple[str, str]]:
    found = refuse_facts(load_pack(pack), [ADULT, *facts], TODAY)
    return [(refused.place, refused.code) for refused in found]


@pytest.mark.parametrize(
    ("wrong", "place", "code"),
    [
        (fact("shoe_size", "44"), "facts[1].fact", "unknown_fact"),
        (fact("hiv", "maybe"), "facts[1].value", "unknown_value"),
        (fact("disability", "bad"), "facts[1].value", "unknown_value"),
        (fact("decision", "A9"), "facts[1].value", "unknown_value"),
        (fact("child", ""), "facts[1].value", "unknown_value"),
        (fact("hiv", "yes", "2024-05-01", "2024-04-30"), "facts[1].to", "ends_before_start"),
        (fact("hiv", "yes", "2026-11-25"), "facts[1].from", "in_future"),
        (fact("hiv", "yes", "2020-01-01", None, "2026-11-25"), "facts[1].known_since", "in_future"),
        (Fact("death", "2027-01-01"), "facts[1].value", "in_future"),
        (Fact("death", "2024-02-30"), "facts[1].value", "bad_date"),
        (Fact("decision", "A1"), "facts[1].from", "no_date"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_with_its_place(
    wrong: Fact, place: str, code: str
) -> None:
    assert refusals(wrong) == [(place, code)]


@pytest.mark.parametrize(
    "amount",
    [
        "NaN",
        "inf",
        "1e400",
        "-0",
        "-5",
        "1_000",
        "٣٠٠٠",
        "1.5",
        "+5",
        " 5",
        "5\n",
        "",
        "00",
        "9" * 16,
    ],
)
def test_an_amount_is_whole_minor_units_in_ascii_digits(amount: str) -> None:
    found = refusals(fact("bank_deposit", amount), pack="UA-IDP")
    assert found == [("facts[1].value", "bad_amount")]


def test_the_same_fact_twice_is_refused() -> None:
    assert refusals(SEVERE, SEVERE) == [("facts[2].fact", "twice")]
    assert refusals(DECIDED, fact("decision", "A1")) == []


def test_a_person_without_a_date_of_birth_is_refused() -> None:
    (refused,) = refuse_facts(VN, [SEVERE])
    assert (refused.place, refused.code) == ("facts.birth_date", "missing")


def test_more_facts_than_anybody_has_are_refused_at_once() -> None:
    (refused,) = refuse_facts(VN, [ADULT] * (MAX_FACTS_PER_PERSON + 1))
    assert refused.code == "too_many_facts"


@pytest.mark.parametrize(
    "facts",
    [
        [SEVERE, fact("disability", "extremely_severe", "2020-01-01")],
        [fact("hiv"), fact("hiv", "no", "2020-05-01", "2020-06-01")],
        [Fact("death", "1980-01-01")],
    ],
)
def test_facts_that_contradict_are_refused_and_nothing_is_computed(facts: list[Fact]) -> None:
    found = entitle(VN, [ADULT, DECIDED, *facts], ("2024-08",))
    assert isinstance(found, Refused)
    assert found.code == "contradicts"
    assert isinstance(runs(VN, [ADULT, DECIDED, *facts], ("2024-08", "2024-09")), Refused)


def test_facts_refused_for_themselves_are_not_judged() -> None:
    found = entitle(VN, [ADULT, fact("hiv", "maybe")], ("2024-08",))
    assert isinstance(found, Refused)
    assert found.code == "unknown_value"


@pytest.mark.parametrize("month", ["2014-12", "2024-13", "2024", "", "٢٠٢٤-٠٦"])
def test_a_month_outside_the_law_or_the_calendar_is_refused(month: str) -> None:
    for found in (entitle(VN, [ADULT], ("2024-08", month)), runs(VN, [ADULT], (month, "2024-08"))):
        assert isinstance(found, Refused)
        assert found.place == "months"


def test_no_months_are_no_rows() -> None:
    assert entitle(VN, [ADULT], ()) == ()


def test_a_later_statement_of_the_same_fact_restates_it() -> None:
    first = fact("disability", "severe", "2024-01-10", None, "2024-01-10")
    corrected = fact("disability", "severe", "2024-01-10", "2024-03-31", "2024-06-01")
    facts = [ADULT, DECIDED, first, corrected]
    assert "2024-04" in paid(VN, facts, "2024-03", "2024-04", known_at="2024-05-31")
    assert "2024-04" not in paid(VN, facts, "2024-03", "2024-04", known_at="2024-06-01")


def test_a_later_fact_overrides_the_days_it_covers_and_no_others() -> None:
    facts = [
        ADULT,
        DECIDED,
        fact("disability", "severe", "2024-01-10", None, "2024-01-10"),
        fact("disability", "none", "2024-03-05", "2024-05-20", "2024-06-01"),
    ]
    months = ("2024-02", "2024-03", "2024-04", "2024-05")
    assert list(paid(VN, facts, *months)) == ["2024-02", "2024-03", "2024-05"]


def test_a_lower_degree_known_later_lowers_from_the_month_after_it_began() -> None:
    facts = [
        ADULT,
        DECIDED,
        fact("disability", "extremely_severe", "2024-07-01", None, "2024-07-01"),
        fact("disability", "severe", "2024-09-01", None, "2024-10-01"),
    ]
    found = paid(VN, facts, "2024-08", "2024-09", "2024-10")
    assert found == {"2024-08": 1000000, "2024-09": 1000000, "2024-10": 750000}


def test_one_day_on_which_one_degree_hands_over_to_the_next_is_no_contradiction() -> None:
    facts = [
        ADULT,
        DECIDED,
        fact("disability", "severe", "2024-07-01", "2024-09-10"),
        fact("disability", "extremely_severe", "2024-09-10"),
    ]
    assert paid(VN, facts, "2024-08", "2024-09") == {"2024-08": 750000, "2024-09": 1000000}
    assert paid(VN, [*facts[:2], facts[3], facts[2]], "2024-09") == {"2024-09": 1000000}


def test_a_decision_taken_back_was_never_there_for_the_days_it_is_taken_back_for() -> None:
    facts = [
        ADULT,
        SEVERE,
        fact("decision", "A6", "2024-01-10", None, "2024-01-10"),
        fact("decision", "!A6", "2024-01-10", None, "2024-02-01"),
    ]
    assert list(paid(VN, facts, "2024-01", known_at="2024-01-31")) == ["2024-01"]
    assert paid(VN, facts, "2024-01") == {}


def test_a_death_recorded_by_mistake_is_taken_back() -> None:
    facts = [
        ADULT,
        DECIDED,
        SEVERE,
        Fact("death", "2024-03-05", known_since=date(2024, 3, 10)),
        Fact("death", "none", known_since=date(2024, 4, 2)),
    ]
    assert paid(VN, facts, "2024-04", known_at="2024-04-01") == {}
    assert list(paid(VN, facts, "2024-04")) == ["2024-04"]


def test_a_linked_person_nobody_knows_is_refused_and_one_not_known_yet_does_not_count() -> None:
    parent = [ADULT, DECIDED, fact("single_parent"), fact("poor_household"), fact("child", "kid")]
    found = entitle(VN, parent, ("2024-08",), None, {})
    assert isinstance(found, Refused)
    assert found.code == "unknown_person"
    late = [Fact("birth_date", "2020-01-01", known_since=date(2024, 9, 10))]
    people = {"kid": late}
    assert paid(VN, parent, "2024-08", known_at="2024-09-09", people=people) == {}
    assert paid(VN, parent, "2024-08", people=people) == {"2024-08": 500000}


def test_a_childs_facts_are_refused_with_the_parents() -> None:
    parent = [ADULT, DECIDED, fact("single_parent"), fact("poor_household"), fact("child", "kid")]
    wrong = [born("2020-01-01"), fact("in_education"), fact("in_education", "no", "2020-01-01")]
    found = entitle(VN, parent, ("2024-08",), None, {"kid": wrong})
    assert isinstance(found, Refused)
    maybe = [born("2020-01-01"), fact("in_education", "maybe")]
    found = entitle(VN, parent, ("2024-08",), None, {"kid": maybe})
    assert isinstance(found, Refused)
    assert (found.place, found.code) == ("facts.child[1].value", "unknown_value")
    twice = [*parent, fact("child", "!kid", "2020-01-01")]
    again = entitle(VN, twice, ("2024-08",), None, {"kid": [born("2020-01-01")]})
    assert isinstance(again, Refused)
    assert isinstance(entitle(VN, parent, ("2024-08",), None, {"kid": [fact("hiv")]}), Refused)


def test_a_child_taken_back_later_counts_until_then() -> None:
    parent = [ADULT, DECIDED, fact("single_parent"), fact("poor_household")]
    parent += [fact("child", "kid", known="2020-01-01")]
    parent += [fact("child", "!kid", "2024-08-10", known="2024-09-01")]
    people = {"kid": [born("2015-01-01")]}
    assert list(paid(VN, parent, "2024-08", "2024-09", people=people)) == ["2024-08"]
    assert len(paid(VN, parent, "2024-08", "2024-09", known_at="2024-08-31", people=people)) == 2


def test_children_of_children_are_not_followed() -> None:
    parent = [ADULT, DECIDED, fact("single_parent"), fact("poor_household"), fact("child", "kid")]
    people = {"kid": [born("2020-01-01"), fact("child", "nobody")]}
    assert paid(VN, parent, "2024-08", people=people) == {"2024-08": 500000}


def test_an_unknown_fact_never_reaches_a_judgement() -> None:
    assert isinstance(resolve(VN, [ADULT, fact("shoe_size")]), Refused)


def test_amounts_overlay_like_other_facts() -> None:
    displaced = [ADULT, fact("displaced"), fact("application", "yes", "2024-08-15")]
    rich = fact("bank_deposit", "10000001", "2024-01-01", None, "2024-01-01")
    spent = fact("bank_deposit", "0", "2024-10-01", None, "2024-10-05")
    assert list(paid(IDP, [*displaced, rich, spent], "2024-09", "2024-10")) == ["2024-10"]


def test_a_death_taken_back_or_denied_is_none() -> None:
    person = [born("1940-01-01"), fact("decision", "all")]
    dead = fact("death", "2024-03-10", since=None, known="2024-03-12")
    denied = fact("death", "none", since=None, known="2024-05-02")
    for told in ([dead, denied], [denied]):
        assert paid(VN, [*person, *told], "2024-06") == {"2024-06": 360_000}
    assert paid(VN, [*person, dead, denied], "2024-06", known_at="2024-05-01") == {}
