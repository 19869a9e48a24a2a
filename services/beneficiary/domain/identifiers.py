"""National identifiers: their form, control digit, and what they say about the holder.

Three numbers are read here. An Uzbek PINFL has 14 digits: sex and century, day, month, year of
birth, district, serial, control digit (weights 7-3-1, modulo 10). A Ukrainian RNOKPP has 10: days
since 31 December 1899, serial whose last digit is odd for men, control digit. A Vietnamese CCCD
has 12: province of registration, sex and century, year of birth, serial; it has no control digit
(Circular 59/2021/TT-BCA). Anything else, a passport for instance, is `other`: no rule to break.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stdnum.ua import rntrc

PINFL_WEIGHTS = (7, 3, 1)
CCCD_PROVINCES = frozenset(
    f"{code:03d}"
    for code in (
        *(1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35),
        *(36, 37, 38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70),
        *(72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96),
    )
)
RNOKPP_DAY_ZERO = dt.date(1899, 12, 31)
LONGEST = 32
_SEPARATORS = re.compile(r"[\s.\-_/]+")
_DIGITS = re.compile(r"[0-9]+")
_OTHER = re.compile(r"[A-Z0-9]{4,32}")


class Kind(StrEnum):
    """The numbers whose rules are known here."""

    PINFL = "uz.pinfl"
    RNOKPP = "ua.rnokpp"
    CCCD = "vn.cccd"
    OTHER = "other"


class Reason(StrEnum):
    """Why a number is refused; the value is the code that travels, `WORDS` says it to a person."""

    UNKNOWN_KIND = "identifier.kind"
    FORM = "identifier.form"
    CONTROL_DIGIT = "identifier.control_digit"
    DATE = "identifier.date"
    PROVINCE = "identifier.province"
    BIRTH_DATE = "identifier.birth_date"
    SEX = "identifier.sex"


WORDS = {
    Reason.UNKNOWN_KIND: "no identifier of this kind is known",
    Reason.FORM: "the number has the wrong length or contains other characters than it may",
    Reason.CONTROL_DIGIT: "the control digit does not fit the other digits",
    Reason.DATE: "the birth date inside the number does not exist",
    Reason.PROVINCE: "the number names a province that does not exist",
    Reason.BIRTH_DATE: "the number contains another birth date than the form",
    Reason.SEX: "the number is of the other sex than the form",
}


@dataclass(frozen=True, slots=True)
class Valid:
    """A number that keeps its rules, without separators, and what it says about its holder.

    `sex` is "M", "F" or None; `province` is the three-digit code of a CCCD.
    """

    kind: Kind
    value: str
    birth_date: dt.date | None = None
    birth_year: int | None = None
    sex: str | None = None
    province: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A number that breaks a rule."""

    reason: Reason

    @property
    def words(self) -> str:
        """The reason in a sentence for the person at the desk."""
        return WORDS[self.reason]


def compact(value: str) -> str:
    """The number without spaces, dots and dashes, in capitals; at most 32 are kept."""
    return _SEPARATORS.sub("", value[: 4 * LONGEST]).upper()[:LONGEST]


def kind_of(value: str) -> Kind:
    """The kind that a number's form suggests: the three national ones differ in length."""
    number = compact(value)
    if not _DIGITS.fullmatch(number):
        return Kind.OTHER
    return {14: Kind.PINFL, 10: Kind.RNOKPP, 12: Kind.CCCD}.get(len(number), Kind.OTHER)


def check(
    kind: str, value: str, birth_date: dt.date | None = None, sex: str | None = None
) -> Valid | Refusal:
    """Read a number and hold it against the form's birth date and sex ("M", "F", or None).

    Never raises: a number of an unknown kind or form is refused with its reason.
    """
    reader = _READERS.get(kind)
    if reader is None:
        return Refusal(Reason.UNKNOWN_KIND)
    found = reader(compact(value))
    if isinstance(found, Refusal):
        return found
    return _contradiction(found, birth_date, sex) or found


def _contradiction(found: Valid, birth_date: dt.date | None, sex: str | None) -> Refusal | None:
    if birth_date is not None:
        other_day = found.birth_date not in (None, birth_date)
        other_year = found.birth_year not in (None, birth_date.year)
        if other_day or other_year:
            return Refusal(Reason.BIRTH_DATE)
    if sex and found.sex and sex != found.sex:
        return Refusal(Reason.SEX)
    return None


def _pinfl(number: str) -> Valid | Refusal:
    if len(number) != 14 or not _DIGITS.fullmatch(number) or number[0] not in "123456":  # noqa: PLR2004 - its length
        return Refusal(Reason.FORM)
    total = sum(int(digit) * PINFL_WEIGHTS[i % 3] for i, digit in enumerate(number[:13]))
    if total % 10 != int(number[13]):
        return Refusal(Reason.CONTROL_DIGIT)
    century = 1800 + 100 * ((int(number[0]) - 1) // 2)
    born = _date(century + int(number[5:7]), int(number[3:5]), int(number[1:3]))
    if born is None:
        return Refusal(Reason.DATE)
    return Valid(Kind.PINFL, number, born, born.year, _sex(int(number[0]) % 2 == 1))


def _rnokpp(number: str) -> Valid | Refusal:
    if len(number) != 10 or not _DIGITS.fullmatch(number):  # noqa: PLR2004 - its length
        return Refusal(Reason.FORM)
    if not rntrc.is_valid(number):
        return Refusal(Reason.CONTROL_DIGIT)
    born = RNOKPP_DAY_ZERO + dt.timedelta(days=int(number[:5]))
    return Valid(Kind.RNOKPP, number, born, born.year, _sex(int(number[8]) % 2 == 1))


def _cccd(number: str) -> Valid | Refusal:
    if len(number) != 12 or not _DIGITS.fullmatch(number):  # noqa: PLR2004 - its length
        return Refusal(Reason.FORM)
    if number[:3] not in CCCD_PROVINCES:
        return Refusal(Reason.PROVINCE)
    year = 1900 + 100 * (int(number[3]) // 2) + int(number[4:6])
    return Valid(
        Kind.CCCD,
        number,
        birth_year=year,
        sex=_sex(int(number[3]) % 2 == 0),
        province=number[:3],
    )


def _other(number: str) -> Valid | Refusal:
    if not _OTHER.fullmatch(number):
        return Refusal(Reason.FORM)
    return Valid(Kind.OTHER, number)


_READERS: dict[str, Callable[[str], Valid | Refusal]] = {
    Kind.PINFL: _pinfl,
    Kind.RNOKPP: _rnokpp,
    Kind.CCCD: _cccd,
    Kind.OTHER: _other,
}


def _sex(male: bool) -> str:
    return "M" if male else "F"


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
