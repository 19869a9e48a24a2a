import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.values import CURRENCY_EXPONENT
from services.notifications.domain.languages import LANGUAGES
from services.notifications.domain.texts import (
    SUBJECTS,
    TEMPLATES,
    Composition,
    CompositionError,
    check,
    text,
)
from services.notifications.gateways import MAX_SMS_CHARACTERS

STARTED = Composition("entitlement_started", "vi", 1_250_000, "VND", "2026-09")


def plain(said: str) -> str:
    """With plain spaces where numbers and abbreviations are held together."""
    return said.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_written_in_every_language_with_the_same_values(template: str) -> None:
    assert set(TEMPLATES[template]) == set(LANGUAGES)
    values = {frozenset(re.findall(r"{(\w+)}", said)) for said in TEMPLATES[template].values()}
    assert values == {frozenset({"amount", "month"})}


def test_a_mail_has_a_subject_in_every_language_that_tells_nothing_of_the_person() -> None:
    assert set(SUBJECTS) == set(LANGUAGES)
    for subject in SUBJECTS.values():
        assert 0 < len(subject) <= 60
        assert unicodedata.is_normalized("NFC", subject)
        assert subject.isprintable()
        assert "{" not in subject


@pytest.mark.parametrize(
    ("language", "amount", "month"),
    [
        ("vi", "1.250.000 ₫", "tháng 9 năm 2026"),
        ("en", "₫1,250,000", "September 2026"),
        ("uk", "1 250 000 VND", "вересень 2026 р."),
        ("ru", "1 250 000 ₫", "сентябрь 2026 г."),
        ("uz-Latn", "1 250 000 ₫", "sentabr, 2026"),
        ("uz-Cyrl", "1 250 000 ₫", "сентябр, 2026"),
        ("ar", "\u2068\u200f1,250,000 ₫\u2069", "\u2068سبتمبر 2026\u2069"),
    ],
)
def test_amount_and_month_stand_as_the_readers_language_writes_them(
    language: str, amount: str, month: str
) -> None:
    said = plain(text(replace(STARTED, language=language)))
    assert amount in said
    assert month in said
    assert ".." not in said


def test_minor_units_become_the_units_people_count_in() -> None:
    said = text(replace(STARTED, language="uk", amount_minor=200_005, currency="UAH"))
    assert "2 000,05 ₴" in plain(said)


@pytest.mark.parametrize(
    "wrong", [{"template": "unheard_of"}, {"language": "hmn"}, {"currency": "XTS"}]
)
def test_what_cannot_be_written_is_found_before_it_is_queued(wrong: dict[str, str]) -> None:
    composition = replace(STARTED, **wrong)  # type: ignore[arg-type]
    with pytest.raises(CompositionError):
        check(composition)
    with pytest.raises(CompositionError):
        text(composition)


COMPOSITIONS = st.builds(
    Composition,
    template=st.sampled_from(sorted(TEMPLATES)),
    language=st.sampled_from(LANGUAGES),
    amount_minor=st.integers(0, 10**15),
    currency=st.sampled_from(sorted(CURRENCY_EXPONENT)),
    month=st.dates().map(lambda day: f"{day.year:04d}-{day.month:02d}"),
)


@given(COMPOSITIONS)
def test_whatever_is_told_it_is_whole_normalised_and_fits_the_provider(
    composition: Composition,
) -> None:
    said = text(check(composition))
    assert 0 < len(said) <= MAX_SMS_CHARACTERS
    assert "{" not in said
    assert unicodedata.is_normalized("NFC", said)
    isolates = 2 if composition.language == "ar" else 0
    assert said.count("\u2068") == said.count("\u2069") == isolates
    assert said.encode()
