"""The words that an officer reads: one sentence part for each level of each field."""

from services.beneficiary.domain.matching.levels import (
    Born,
    Home,
    Name,
    Number,
    Phone,
    Simple,
)

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
    Name.TWO_NAMES: "{} is a similar but other name in use",
    Name.DIFFERENT: "{} is different",
    Name.UNKNOWN: "{} is missing on one form",
}
_BORN = {
    Born.SAME: "birth date is the same",
    Born.NUMBER: "birth date is the one inside the other's national number",
    Born.SWAPPED: "day and month of birth are swapped",
    Born.FIRST_OF_JANUARY: "one birth date is 1 January of the other's year",
    Born.ONE_DIGIT: "birth date differs by one digit",
    Born.TWO_PARTS: "birth year and one other part of the date are the same",
    Born.YEAR_SLIP: "day and month of birth are the same and the year is one slip away",
    Born.YEAR: "only the birth year is the same",
    Born.NEAR: "birth dates are at most two years apart",
    Born.DIFFERENT: "birth dates are different",
    Born.GENERATION: "birth dates are a generation apart",
    Born.UNKNOWN: "birth date is missing on one form",
}
_NUMBER = {
    Number.SAME: "national number is the same",
    Number.SLIP: "national numbers are one slip apart",
    Number.NEIGHBOURS: "two valid national numbers with neighbouring serials, as twins have",
    Number.BOTH_SOUND: "two valid and different national numbers",
    Number.DIFFERENT: "national numbers are different and one of them is not valid",
    Number.NO_RULE: "numbers differ and have no rule to check or are of two kinds",
    Number.UNKNOWN: "national number is missing on one form",
}
_PHONE = {
    Phone.SAME: "phone is the same",
    Phone.SLIP: "phone differs by one digit",
    Phone.DIFFERENT: "phone is different",
    Phone.UNKNOWN: "phone is missing on one form",
}
_HOME = {
    Home.SAME: "place and address are the same",
    Home.ADDRESS_ONLY: "address is the same, the place is another one or missing",
    Home.STREET: "place and street are the same, the house another",
    Home.PLACE_ONLY: "place is the same, address missing on one form",
    Home.SAME_PLACE: "place is the same, address another",
    Home.SAME_REGION: "place is another one in the same region",
    Home.OTHER_REGION: "place is in another region",
    Home.UNKNOWN: "place is missing on one form",
}
_SEX = {
    Simple.SAME: "sex is the same",
    Simple.DIFFERENT: "sex is different",
    Simple.UNKNOWN: "sex is missing on one form",
}
_HOUSEHOLD = {
    Simple.SAME: "entered together on one form",
    Simple.DIFFERENT: "entered on two forms",
    Simple.UNKNOWN: "form is not known",
}
_ORDER = {
    Simple.SAME: "names stand in their fields",
    Simple.DIFFERENT: "family and given name have changed places",
    Simple.UNKNOWN: "order of names is not known",
}

WORDS: dict[str, dict[int, str]] = {
    "given": {int(level): text.format("given name") for level, text in _NAME.items()},
    "family": {int(level): text.format("family name") for level, text in _NAME.items()},
    "middle": {int(level): text.format("patronymic") for level, text in _NAME.items()},
    "sex": {int(level): text for level, text in _SEX.items()},
    "born": {int(level): text for level, text in _BORN.items()},
    "number": {int(level): text for level, text in _NUMBER.items()},
    "phone": {int(level): text for level, text in _PHONE.items()},
    "home": {int(level): text for level, text in _HOME.items()},
    "household": {int(level): text for level, text in _HOUSEHOLD.items()},
    "order": {int(level): text for level, text in _ORDER.items()},
}
