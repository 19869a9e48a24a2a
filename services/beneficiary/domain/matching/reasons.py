"""The words that an officer reads: one sentence part for each level of each field."""

from collections.abc import Mapping
from typing import Any

from services.beneficiary.domain.matching.levels import (
    Born,
    Home,
    Name,
    Number,
    Phone,
    Simple,
)

TWO_PEOPLE = "two people: each has a valid national number, and the numbers differ"
NUMBER_OF_ANOTHER = (
    "a question: the number is the same, but names or birth dates are of two people; a form may "
    "carry the number of a parent"
)
NO_GIVEN_NAME = (
    "a question: a given name is missing, and the rest does not tell brothers and sisters apart"
)
ANOTHER_FAMILY = (
    "a question: the family name is another and not one that marriage changes, and no number agrees"
)
ONLY_THE_YEAR = (
    "a question: both birth dates are 1 January, the homes are two, and no number agrees"
)
JOINS_TWO = "a question: as the same person it would join two people who are different"

FIELD_WORDS = {
    "given": "given name",
    "family": "family name",
    "middle": "patronymic or middle name",
    "sex": "sex",
    "born": "birth date",
    "number": "national number",
    "phone": "phone",
    "home": "place",
    "household": "form number",
    "order": "order of names",
}

_NAME = {
    Name.WRITTEN: "{} is written the same",
    Name.SPELLING: "{} is the same in another spelling or script",
    Name.SOUND: "{} sounds the same",
    Name.CONSONANTS: "{} has the same consonants",
    Name.SLIP: "{} differs by one letter",
    Name.MARKS: "{} differs in its marks only",
    Name.TONE: "{} differs in its tone mark only",
    Name.INITIAL: "{} is an initial that fits",
    Name.CLOSE: "{} is similar",
    Name.TWO_NAMES: "{} is alike, but both are names in use",
    Name.DIFFERENT: "{} is different",
    Name.KEPT: "{} is different, and is not one that marriage changes",
}
_BORN = {
    Born.SAME: "birth date is the same",
    Born.NUMBER: "birth date is the one inside the other's national number",
    Born.SWAPPED: "day and month of birth are swapped",
    Born.BOTH_JANUARY: "both birth dates are 1 January, as is written where only a year is known",
    Born.FIRST_OF_JANUARY: "one birth date is 1 January of the other's year",
    Born.ONE_DIGIT: "birth date differs by one digit",
    Born.TWO_PARTS: "birth year and one other part of the date are the same",
    Born.YEAR_SLIP: "day and month of birth are the same and the year is one slip away",
    Born.YEAR: "only the birth year is the same",
    Born.NEAR: "birth dates are at most two years apart",
    Born.DIFFERENT: "birth dates are different",
    Born.GENERATION: "birth dates are a generation apart",
}
_NUMBER = {
    Number.SAME: "national number is the same",
    Number.SLIP: "national numbers are one slip apart",
    Number.NEIGHBOURS: "two valid national numbers with neighbouring serials, as twins have",
    Number.BOTH_SOUND: "two valid and different national numbers",
    Number.DIFFERENT: "national numbers are different and one of them is not valid",
    Number.NO_RULE: "numbers differ and have no rule to check or are of two kinds",
}
_PHONE = {
    Phone.SAME: "phone is the same",
    Phone.SLIP: "phone differs by one digit",
    Phone.DIFFERENT: "phone is different",
}
_HOME = {
    Home.SAME: "place and address are the same",
    Home.ADDRESS_ONLY: "address is the same, the place is another one or missing",
    Home.STREET: "place and street are the same, the house another",
    Home.PLACE_ONLY: "place is the same, address missing on one form",
    Home.SAME_PLACE: "place is the same, address another",
    Home.SAME_REGION: "place is another one in the same region",
    Home.OTHER_REGION: "place is in another region",
}
_SEX = {
    Simple.SAME: "sex is the same",
    Simple.DIFFERENT: "sex is different",
}
_HOUSEHOLD = {
    Simple.SAME: "entered together on one form",
    Simple.DIFFERENT: "entered on two forms",
}
_ORDER = {
    Simple.DIFFERENT: "family and given name have changed places",
}


def _of(name: str) -> dict[int, str]:
    return {int(level): text.format(name) for level, text in _NAME.items()}


def _by_level(texts: Mapping[Any, str]) -> dict[int, str]:
    return {int(level): text for level, text in texts.items()}


WORDS: dict[str, dict[int, str]] = {
    "given": _of(FIELD_WORDS["given"]),
    "family": _of(FIELD_WORDS["family"]),
    "middle": _of(FIELD_WORDS["middle"]),
    "sex": _by_level(_SEX),
    "born": _by_level(_BORN),
    "number": _by_level(_NUMBER),
    "phone": _by_level(_PHONE),
    "home": _by_level(_HOME),
    "household": _by_level(_HOUSEHOLD),
    "order": _by_level(_ORDER),
}
"""For each field and known level the words; an order that is as it should be goes without."""
