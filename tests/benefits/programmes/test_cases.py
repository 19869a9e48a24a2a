import pytest

from services.benefits.programmes import load_pack
from services.benefits.programmes.cases import packaged_cases, read_cases, run_cases
from services.benefits.programmes.loading import PACKS


@pytest.mark.parametrize("code", sorted(PACKS))
def test_every_published_amount_comes_out_as_its_case_says(code: str) -> None:
    assert run_cases(load_pack(code), packaged_cases(code)) == ()


@pytest.mark.parametrize("code", sorted(PACKS))
def test_every_row_that_pays_is_exercised_by_a_case(code: str) -> None:
    pack = load_pack(code)
    shown = {
        group
        for case in packaged_cases(code)
        for groups in case.groups.values()
        for group in groups.split("+")
    }
    assert {row.group for row in pack.rows()} <= shown


def test_a_case_that_expects_something_else_fails_with_its_month() -> None:
    text = """
        [[cases]]
        name = "too much"
        source = "nowhere"
        facts = ["birth_date=1990-01-15", "disability=severe", "decision=A6 from 2020-01-01"]
        pays = { "2024-08" = 750001 }
        groups = { "2024-08" = "A1" }
    """
    first, second = run_cases(load_pack("VN-SA"), read_cases(text))
    assert (first.month, first.expected, first.found) == ("2024-08", "750001", "750000")
    assert (second.expected, second.found) == ("A1", "A6")


def test_a_case_whose_facts_are_refused_fails_with_the_refusal() -> None:
    text = """
        [[cases]]
        name = "no date of birth"
        source = "nowhere"
        facts = ["disability=severe"]
        pays = { "2024-08" = 750000 }
    """
    (failure,) = run_cases(load_pack("VN-SA"), read_cases(text))
    assert "missing" in failure.found
