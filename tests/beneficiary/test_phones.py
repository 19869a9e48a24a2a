"""Telephone numbers: every way of writing one number gives one number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiary.domain import phones

HABITS = {
    ("UZ", "+998901234567"): (
        *("+998 90 123 45 67", "998901234567", "(90) 123-45-67", "90 123-45-67"),
        *("+998(90)1234567", "901234567", "00 998 90 123 45 67", "+998-90-123-45-67"),
    ),
    ("UA", "+380671234567"): (
        *("067 123 45 67", "(067) 123-45-67", "0671234567", "380671234567"),
        *("+38 (067) 123-45-67", "+38 067 123 45 67"),
    ),
    ("VN", "+84912345678"): (
        *("0912 345 678", "091.234.5678", "+84 912 345 678", "84912345678", "+84 (0) 912345678"),
    ),
}


@pytest.mark.parametrize(
    ("country", "number", "written"),
    [(country, number, text) for (country, number), all_ in HABITS.items() for text in all_],
)
def test_a_number_is_read_in_the_habits_of_its_country(
    country: str, number: str, written: str
) -> None:
    assert phones.normalise(written, country) == number


@pytest.mark.parametrize("text", ["", "   ", "12", "no phone", "нет", "0" * 41, "+", "++998", "﷽"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert phones.normalise(text, "UZ") is None


def test_a_local_number_says_nothing_without_its_country() -> None:
    assert phones.normalise("0912 345 678") is None
    assert phones.normalise("+84912345678") == "+84912345678"


@given(st.text(max_size=60), st.none() | st.sampled_from(["UZ", "UA", "VN", "XX"]))
def test_a_number_is_read_once_and_for_all(text: str, country: str | None) -> None:
    number = phones.normalise(text, country)
    assert number is None or phones.normalise(number, country) == number
