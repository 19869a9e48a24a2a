from re import findall

import pytest
from icu4py.messageformat import MessageFormat

from services.benefits.programmes import Fact, Refused, load_pack
from services.benefits.programmes.cases import facts_of, packaged_cases
from services.benefits.programmes.explanation import Explanation, explain
from services.benefits.programmes.loading import PACKS
from services.benefits.programmes.speech import LANGUAGES, load_messages, speaker
from tests.benefits.programmes.builders import born, fact

VN = load_pack("VN-SA")
ORPHAN = facts_of(
    ("birth_date=2015-05-10", "without_nurture from 2024-06-01", "decision=A1 from 2024-08-20")
)


def explained(facts: list[Fact], month: str, language: str = "en", pack: str = "VN-SA") -> str:
    found = explain(load_pack(pack), facts, month, language)
    assert isinstance(found, Explanation), found
    return found.text


def test_a_decision_names_rule_version_law_facts_and_what_changes_it() -> None:
    text = explained(ORPHAN, "2024-09")
    assert "₫500,000 × 1.5 = ₫750,000" in text
    assert "Rule a1_from_4 of VN-SA, version 2025.7.1: Decree 20/2021/ND-CP Article 5(1)" in text
    assert "child without a source of nurture, since June 1, 2024" in text
    assert "June 2031: it will be ₫0 a month, because you reach the age of 16 years" in text
    assert "The source of this rule is not confirmed yet." in text
    assert "object to this decision" in text


def test_a_fact_is_shown_with_who_stated_it_and_until_when() -> None:
    facts = [
        *facts_of(("birth_date=1990-01-01", "decision=A6 from 2020-01-01")),
        Fact("disability", "severe", None, None, None, "Ha Giang centre"),
    ]
    assert "severe disability; stated by Ha Giang centre." in explained(facts, "2024-09")


def test_no_special_category_fact_beyond_the_benefit_it_was_given_for_appears() -> None:
    facts = facts_of(
        (
            "birth_date=1950-01-01",
            "decision=A6 from 2020-01-01",
            "disability=extremely_severe from 2019-01-01",
            "hiv from 2019-01-01",
        )
    )
    for language in LANGUAGES:
        assert load_messages(language).fact["hiv"] not in explained(facts, "2024-09", language)


def test_a_refusal_says_what_is_missing_for_the_group_that_was_decided() -> None:
    facts = facts_of(("birth_date=1950-06-01", "decision=A5c from 2024-01-01"))
    assert "it begins at the age of 80 years" in explained(facts, "2024-09")
    pensioner = facts_of(
        ("birth_date=1940-06-01", "decision=A5c from 2024-01-01", "pension from 2010-01-01")
    )
    assert "this speaks against it: pension" in explained(pensioner, "2024-09")


def test_a_month_that_is_held_back_says_so() -> None:
    facts = facts_of(
        (
            "birth_date=1990-01-15",
            "disability=severe",
            "decision=all from 2020-02-01",
            "suspended=by_officer from 2024-07-15",
        )
    )
    assert "is held back, because payment is suspended" in explained(facts, "2024-09")


@pytest.mark.parametrize(
    ("facts", "month", "expected"),
    [
        (("disability=severe to 2024-10-05",), "2024-09", "this ends on October 5, 2024"),
        (("disability=severe",), "2024-06", "because the law changes"),
        (("disability=severe from 2024-11-09",), "2024-09", "nothing is due"),
        (("disability=severe", "pension from 2030-01-01"), "2024-09", "Nothing changes by itself"),
    ],
)
def test_what_changes_by_itself_is_foreseen(
    facts: tuple[str, ...], month: str, expected: str
) -> None:
    adult = ("birth_date=1962-01-15", "decision=A6 from 2020-01-01")
    text = explained(facts_of((*adult, *facts)), month)
    assert expected in text


def test_a_family_is_shown_how_its_income_was_compared() -> None:
    case = next(c for c in packaged_cases("UZ-SR") if "family of five" in c.name)
    people = {person: facts_of(facts) for person, facts in case.people.items()}
    found = explain(load_pack("UZ-SR"), facts_of(case.facts), "2024-12", "en", None, people)
    assert isinstance(found, Explanation)
    assert "÷ 5 ÷ 3 = UZS 600,000.00".replace(" ", "") in found.text.replace("\xa0", "").replace(
        " ", ""
    )
    assert "648,000" in found.text


def test_every_case_of_every_pack_is_explained_in_every_language() -> None:
    for code in PACKS:
        pack = load_pack(code)
        for case in packaged_cases(code):
            people = {person: facts_of(facts) for person, facts in case.people.items()}
            month = next(iter(case.pays))
            for language in LANGUAGES:
                found = explain(pack, facts_of(case.facts), month, language, case.known_at, people)
                assert isinstance(found, Explanation), found
                assert len(found.sentences) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    spoken, english = load_messages(language), load_messages("en")
    assert spoken.sentence.keys() == english.sentence.keys()
    assert spoken.group.keys() == english.group.keys()
    assert spoken.fact.keys() == english.fact.keys()
    for key, pattern in spoken.sentence.items():
        names = set(findall(r"\{(\w+)", pattern)) - {"none"}
        wanted = set(findall(r"\{(\w+)", english.sentence[key])) - {"none"}
        assert {name for name in names if name.islower() and name.isascii()} >= wanted - {"this"}
        MessageFormat(pattern, language)


@pytest.mark.parametrize("code", sorted(PACKS))
def test_every_group_and_fact_of_a_pack_has_a_name_in_every_language(code: str) -> None:
    pack = load_pack(code)
    for language in LANGUAGES:
        messages = load_messages(language)
        assert {f"{code}.{row.group}" for row in pack.rows()} <= messages.group.keys()
        facts = {spec.name for spec in pack.facts if spec.kind != "text"}
        assert facts - messages.fact.keys() <= {"ordered"}


@pytest.mark.parametrize(
    ("count", "word"),
    [(1, "شخص مرتبط واحد"), (2, "شخصان"), (5, "5 أشخاص"), (11, "11 شخصًا"), (100, "100 شخص ")],
)
def test_arabic_counts_in_its_six_forms(count: int, word: str) -> None:
    assert word in speaker("ar").say("counted", count=count)


def test_arabic_runs_to_the_left_and_isolates_what_is_inserted() -> None:
    found = explain(VN, ORPHAN, "2024-09", "ar")
    assert isinstance(found, Explanation)
    assert found.direction == "rtl"
    assert "\u2068VN-SA\u2069" in found.text
    assert found.text.count("\u2068") == found.text.count("\u2069")


def test_a_month_before_the_law_and_a_language_not_spoken_are_refused() -> None:
    assert isinstance(explain(VN, ORPHAN, "2014-12", "en"), Refused)
    assert isinstance(explain(VN, ORPHAN[1:], "2024-12", "en"), Refused)
    with pytest.raises(KeyError):
        explain(VN, ORPHAN, "2024-12", "tlh")


@pytest.mark.parametrize("code", sorted(PACKS))
@pytest.mark.parametrize("birth", ["1950-01-01", "1990-01-01", "2018-01-01"])
def test_what_is_missing_is_named_as_a_fact_never_as_an_input_of_the_pack(
    code: str, birth: str
) -> None:
    pack = load_pack(code)
    found = explain(pack, [born(birth)], "2026-05", "en")
    assert isinstance(found, Explanation), found
    derived = {item.name for item in pack.inputs if "_" in item.name or item.name == "resident"}
    assert not derived & set(found.text.replace(".", " ").split()), found.text


def test_a_statement_that_was_taken_back_is_not_cited() -> None:
    poor = [
        fact("poor_household", since="2020-01-01"),
        fact("poor_household", since="2024-03-01", known="2024-03-02"),
        fact("poor_household", "none", since="2024-03-01", known="2024-04-01"),
    ]
    facts = [born("1950-01-01"), fact("single_no_support"), fact("decision", "A5"), *poor]
    found = explain(VN, facts, "2024-08", "en")
    assert isinstance(found, Explanation), found
    assert "poor household, since January 1, 2020." in found.text
    assert "March" not in found.text


def test_who_was_converted_is_told_so() -> None:
    facts = [born("1940-01-01"), fact("decision", "A5c", since="2021-01-05")]
    found = explain(VN, facts, "2025-07", "en")
    assert isinstance(found, Explanation), found
    assert "recipient of the former allowance in June 2025." in found.text


def test_legal_references_are_said_in_every_language_of_their_pack() -> None:
    wanted: dict[str, set[str]] = {language: set() for language in LANGUAGES}
    for pack in map(load_pack, PACKS):
        for language in set(pack.languages) - {"en"}:
            wanted[language] |= {row.law for row in pack.rows()}
    assert {language: load_messages(language).law.keys() for language in LANGUAGES} == wanted
    assert "Nghị định 20/2021/NĐ-CP, Điều 5 khoản 1" in explained(ORPHAN, "2024-09", "vi")
    assert "Decree 20/2021/ND-CP Article 5(1)" in explained(ORPHAN, "2024-09", "uk")


def test_what_a_term_asked_for_once_does_not_end_it_but_what_bars_it_does() -> None:
    facts = [born("1990-01-01"), fact("displaced"), fact("application", since="2024-02-10")]
    text = explained(facts, "2024-03", pack="UA-IDP")
    assert "It changes if this ends" not in text
    assert "It changes if this begins: returned home." in text
    assert "It changes if this begins: abroad for more than 30 days." in text
    assert "prison" not in text
