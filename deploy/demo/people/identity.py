"""Invented identifiers, phone numbers and accounts, each given out once.

A citizen identifier (CCCD) has twelve digits: three for the province where the birth was
registered, one for century and sex, two for the year of birth, six of serial; it has no check
digit (Circular 59/2021/TT-BCA). Phone numbers have the shape of Vietnamese mobile numbers.
"""

from collections.abc import Mapping
from datetime import date
from random import Random
from types import MappingProxyType

from deploy.demo.people.names import words
from deploy.demo.people.records import FEMALE, Place

IDENTIFIER_KIND = "vn-cccd"
SERIALS = 1_000_000

# The 63 codes in use until 30 June 2025; births since then carry the code of the merged province.
BIRTH_PROVINCES = frozenset(
    words(
        "001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 "
        "033 034 035 036 037 038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 "
        "064 066 067 068 070 072 074 075 077 079 080 082 083 084 086 087 089 091 092 093 "
        "094 095 096 "
    )
)
MERGED_PROVINCE = "008"
MERGED_ON = date(2025, 7, 1)
NEIGHBOURS = ("001", "004", "006", "010", "015", "019", "020", "024", "025", "026", "033", "035")
AT_HOME, ELSEWHERE = 0.92, 0.04

MOBILE_PREFIXES = (
    "32", "33", "34", "35", "36", "37", "38", "39", "70", "76", "77", "79", "81", "82", "83", "84",
    "85", "86", "88", "91", "94", "96", "97", "98",
)  # fmt: skip

# How likely somebody of this age (years, upper bound exclusive) can show an identifier.
HELD_BY_AGE: Mapping[int, float] = MappingProxyType({6: 0.42, 14: 0.58, 70: 0.78, 200: 0.66})


def century_and_sex(sex: str, born_on: date) -> str:
    """Give the fourth digit of a CCCD: 0 and 1 for 1900-1999, 2 and 3 for 2000-2099."""
    return str(2 * (born_on.year // 100 - 19) + (sex == FEMALE))


def cccd(province: str, sex: str, born_on: date, serial: int) -> str:
    """Write a CCCD from its four parts."""
    return f"{province}{century_and_sex(sex, born_on)}{born_on.year % 100:02}{serial:06}"


class Issuer:
    """Gives out identifiers, numbers and accounts; never the same one twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def identifier(self, place: Place, sex: str, born_on: date) -> str:
        """Issue the identifier of somebody who lives at `place`."""
        province = self._birth_province(place, born_on)
        while True:
            # Two short of the end, so that a twin's serial can follow.
            value = cccd(province, sex, born_on, self._rng.randrange(1, SERIALS - 1))
            if self._take(value):
                return value

    def next_identifier(self, twin: str, sex: str, born_on: date) -> str:
        """Issue the serial after a twin's, or none where it is taken."""
        value = cccd(twin[:3], sex, born_on, int(twin[6:]) + 1)
        return value if self._take(value) else ""

    def phone(self) -> str:
        """Issue the nine digits of a mobile number after the trunk 0."""
        while True:
            value = f"{self._rng.choice(MOBILE_PREFIXES)}{self._rng.randrange(10**7):07}"
            if self._take(value):
                return value

    def account(self) -> str:
        """Issue a thirteen-digit account at the paying bank."""
        while True:
            value = f"8200{self._rng.randrange(10**9):09}"
            if self._take(value):
                return value

    def _take(self, value: str) -> bool:
        fresh = value not in self._given
        self._given.add(value)
        return fresh

    def _birth_province(self, place: Place, born_on: date) -> str:
        if born_on >= MERGED_ON:
            return MERGED_PROVINCE
        draw = self._rng.random()
        if draw < AT_HOME:
            return place.birth_province
        if draw < AT_HOME + ELSEWHERE:
            return self._rng.choice(NEIGHBOURS)
        return self._rng.choice(("002", MERGED_PROVINCE))


def holds_identifier(rng: Random, age_years: int) -> bool:
    """Whether somebody of this age can show an identifier at the office."""
    return rng.random() < next(share for bound, share in HELD_BY_AGE.items() if age_years < bound)


def written_phone(rng: Random, digits: str) -> str:
    """Write a number in one of the five ways that clerks use."""
    if not digits:
        return ""
    head, middle, tail = digits[:2], digits[2:5], digits[5:]
    return rng.choice(
        (
            f"0{digits}",
            f"0{digits[:3]} {digits[3:6]} {digits[6:]}",
            f"+84{digits}",
            f"+84 {head} {middle} {tail}",
            f"0{head}.{middle}.{tail}",
        )
    )
