"""Words of the page: places, numbers and months as people write them."""

import pytest

from services.insights.web import FALLBACK, languages, words_for


def test_a_language_that_is_not_there_is_answered_in_english() -> None:
    assert words_for("xx") is words_for(None) is languages()[FALLBACK]


@pytest.mark.parametrize(
    ("tag", "code", "name"),
    [
        ("en", "VN-07-00694", "Phường Hà Giang 1"),
        ("en", "VN-07", "Tỉnh Tuyên Quang"),
        ("uz", "UZ-AN", "Andijon viloyati"),
        ("ru", "UZ-AN", "Андижанская область"),
        ("vi", "UA-26-UA26020010000096556", "Білоберізька"),
        ("en", "VN-07-99999", "VN-07-99999"),
        ("en", "KE-30", "KE-30"),
    ],
)
def test_a_place_is_called_as_in_the_language_or_as_at_home(tag: str, code: str, name: str) -> None:
    assert words_for(tag).place(code, "2026-09") == name


def test_a_ward_has_the_name_of_its_month() -> None:
    assert words_for("vi").place("VN-07-00694", "2025-06") == "Phường Nguyễn Trãi"
    assert words_for("vi").place("VN-07-00694", "2025-07") == "Phường Hà Giang 1"


def test_numbers_and_months_are_written_as_people_write_them() -> None:
    assert words_for("vi").number(1_234_567) == "1.234.567"
    assert words_for("en").number(None) == "–"
    assert words_for("en").month("2026-09") == "September 2026"
    assert words_for("ar").direction == "rtl"
