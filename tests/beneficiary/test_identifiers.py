"""National identifiers: what makes a number sound, what it says, and why one is refused.

Numbers are built here by the published rules, written down a second time.
"""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiary.domain import identifiers
from services.beneficiary.domain.identifiers import WORDS, Kind, Reason, Refusal, Valid, check

DAYS = st.dates(date(1900, 1, 1), date(2099, 12, 31))
SEXES = st.sampled_from("MF")
RNOKPP_DAYS = st.dates(date(1900, 1, 1), date(2099, 12, 31))


def pinfl(born: date, sex: str, district: int = 17, serial: int = 42) -> str:
    """Sex and century, DDMMYY, district, serial, and the sum with weights 7, 3, 1 modulo 10."""
    century = 2 * (born.year // 100 - 18) + (1 if sex == "M" else 2)
    bare = f"{century}{born:%d%m%y}{district:03}{serial:03}"
    return bare + str(sum(int(bare[i]) * (7, 3, 1)[i % 3] for i in range(13)) % 10)


def rnokpp(born: date, sex: str, serial: int = 24) -> str:
    """Days since 31 December 1899, three digits of serial, one for the sex, control digit."""
    bare = f"{(born - date(1899, 12, 31)).days:05}{serial:03}{1 if sex == 'M' else 2}"
    weights = (-1, 5, 7, 9, 4, 6, 10, 5, 7)
    total = sum(int(digit) * weight for digit, weight in zip(bare, weights, strict=True))
    return bare + str(total % 11 % 10)


def cccd(born: date, sex: str, province: str = "008", serial: int = 1234) -> str:
    """Province of birth, sex and century, year, serial; there is no control digit."""
    return f"{province}{2 * (born.year // 100 - 19) + (sex == 'F')}{born:%y}{serial:06}"


@given(DAYS, SEXES, st.integers(0, 999), st.integers(0, 999))
def test_a_pinfl_says_its_holders_birth_date_and_sex(
    born: date, sex: str, district: int, serial: int
) -> None:
    number = pinfl(born, sex, district, serial)
    found = check("uz.pinfl", number, born, sex)
    assert found == Valid(Kind.PINFL, number, born, born.year, sex)


@given(RNOKPP_DAYS, SEXES, st.integers(0, 999))
def test_an_rnokpp_says_its_holders_birth_date_and_sex(born: date, sex: str, serial: int) -> None:
    number = rnokpp(born, sex, serial)
    found = check("ua.rnokpp", number, born, sex)
    assert found == Valid(Kind.RNOKPP, number, born, born.year, sex)


@given(DAYS, SEXES, st.integers(0, 999_999))
def test_a_cccd_says_province_year_and_sex(born: date, sex: str, serial: int) -> None:
    number = cccd(born, sex, serial=serial)
    found = check("vn.cccd", number, born, sex)
    assert found == Valid(
        Kind.CCCD, number, birth_year=born.year, sex=sex, province="008", birth_date=None
    )


def test_real_numbers_published_as_examples_are_read() -> None:
    assert check("ua.rnokpp", "1759013776") == Valid(
        Kind.RNOKPP, "1759013776", date(1948, 2, 28), 1948, "M"
    )


@given(DAYS, SEXES, st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_of_a_pinfl_is_always_noticed(
    born: date, sex: str, place: int, more: int
) -> None:
    # Each weight has no divisor in common with 10, so no single wrong digit keeps the sum.
    number = pinfl(born, sex)
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    found = check("uz.pinfl", wrong)
    assert isinstance(found, Refusal)
    assert found.reason in {Reason.CONTROL_DIGIT, Reason.FORM}


@given(RNOKPP_DAYS, SEXES, st.integers(1, 9))
def test_a_wrong_control_digit_of_an_rnokpp_is_refused(born: date, sex: str, more: int) -> None:
    number = rnokpp(born, sex)
    wrong = number[:9] + str((int(number[9]) + more) % 10)
    assert check("ua.rnokpp", wrong) == Refusal(Reason.CONTROL_DIGIT)


BORN = date(1985, 3, 14)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("uz.pinfl", pinfl(BORN, "F")),
        ("ua.rnokpp", rnokpp(BORN, "F")),
        ("vn.cccd", cccd(BORN, "F")),
    ],
)
def test_a_number_that_contradicts_the_form_is_refused_with_the_reason(
    kind: str, number: str
) -> None:
    assert check(kind, number, date(1986, 3, 14), "F") == Refusal(Reason.BIRTH_DATE)
    assert check(kind, number, BORN, "M") == Refusal(Reason.SEX)
    assert isinstance(check(kind, number, None, None), Valid)
    assert isinstance(check(kind, number, BORN, None), Valid)


def test_a_cccd_knows_the_year_alone() -> None:
    number = cccd(BORN, "F")
    assert isinstance(check("vn.cccd", number, BORN + timedelta(days=30), "F"), Valid)


def with_control_digit(bare: str) -> str:
    return bare + str(sum(int(bare[i]) * (7, 3, 1)[i % 3] for i in range(13)) % 10)


@pytest.mark.parametrize(
    ("kind", "number", "reason"),
    [
        ("uz.pinfl", "", Reason.FORM),
        ("uz.pinfl", pinfl(BORN, "F")[:13], Reason.FORM),
        ("uz.pinfl", with_control_digit("9" + pinfl(BORN, "F")[1:13]), Reason.FORM),
        ("uz.pinfl", with_control_digit("4310285017042"), Reason.DATE),
        ("uz.pinfl", with_control_digit("4001385017042"), Reason.DATE),
        ("uz.pinfl", "４" + pinfl(BORN, "F")[1:], Reason.FORM),
        ("ua.rnokpp", "31119", Reason.FORM),
        ("ua.rnokpp", "311190244٣", Reason.FORM),
        ("vn.cccd", "00818500123", Reason.FORM),
        ("vn.cccd", cccd(BORN, "F", province="003"), Reason.PROVINCE),
        ("vn.cccd", cccd(BORN, "F", province="000"), Reason.PROVINCE),
        ("other", "AB", Reason.FORM),
        ("other", "AB 12/ŠŽ", Reason.FORM),
        ("xx.unheard_of", "1234567890", Reason.UNKNOWN_KIND),
    ],
)
def test_a_number_that_breaks_its_rule_is_refused_with_the_reason(
    kind: str, number: str, reason: Reason
) -> None:
    refused = check(kind, number)
    assert refused == Refusal(reason)
    assert isinstance(refused, Refusal)
    assert refused.words == WORDS[reason]


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("3 140385 017 042 1", Kind.PINFL),
        ("3111902443", Kind.RNOKPP),
        ("008.185.001234", Kind.CCCD),
        ("AA 1234567", Kind.OTHER),
        ("12345", Kind.OTHER),
        ("", Kind.OTHER),
    ],
)
def test_the_form_of_a_number_suggests_its_kind(written: str, kind: Kind) -> None:
    assert identifiers.kind_of(written) is kind


def test_separators_and_small_letters_do_not_count() -> None:
    assert check("other", "aa-123 45/67") == Valid(Kind.OTHER, "AA1234567")
    spaced = " ".join(cccd(BORN, "F"))
    assert check("vn.cccd", spaced, BORN, "F") == check("vn.cccd", cccd(BORN, "F"))


@given(st.sampled_from([*Kind, "nothing"]), st.text(), st.none() | DAYS, st.none() | SEXES)
def test_whatever_stands_in_the_field_is_answered(
    kind: str, number: str, born: date | None, sex: str | None
) -> None:
    assert isinstance(check(kind, number, born, sex), Valid | Refusal)


def test_an_endless_number_is_not_read_to_its_end() -> None:
    assert len(identifiers.compact("7" * 10_000_000)) == identifiers.LONGEST
