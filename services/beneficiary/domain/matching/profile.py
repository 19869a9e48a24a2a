"""A person in the form that is compared: one spelling, one number format, today's place."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from contracts import places
from services.beneficiary.domain import identifiers, names, phones
from services.beneficiary.domain.matching.person import FEMALE, MALE, Person

_ADDRESS_WORDS = frozenset({
    "mahala", "mahalia", "mahale", "mahalasi", "mfi", "mpi", "kucha", "kocha", "kochasi",
    "kochesi", "koshe", "koshesi", "kosha", "kvartal", "daha", "dahasi", "ul", "ulitsa",
    "ulitsia", "vul", "vulitsia", "per", "pereulok", "prov", "provulok", "bulv", "bulvar", "pl",
    "ploshad", "plosha", "mkr", "mikroraion", "dom", "d", "ui", "bud", "kv", "prospekt", "pr",
    "street", "st", "road", "rd", "avenue", "ave", "lane", "ln", "boulevard", "blvd", "skuare",
    "sk", "duong", "pho", "so", "nha",
})  # fmt: skip
"""Latin keys of words that say what a thing is and not which."""
_NUMBERS = re.compile(r"[0-9]+")
_LONE_PARTICLES = frozenset({"abd", "abdul", "abdal", "عبد", "al", "el"})
LONGEST_ADDRESS = 200


@dataclass(frozen=True, slots=True)
class Profile:
    """What is compared of one person. Empty text and 0 mean: not known.

    Dates are proleptic ordinals. `number_*` describe the national identifier: `number_sound` says
    that it keeps its rule, `number_born` and `number_year` what it says of the birth date.
    """

    tradition: str
    family: str
    given: str
    middle: str
    father: str
    sex: str
    born: int
    number: str
    number_kind: str
    number_sound: bool
    number_born: int
    number_year: int
    phone: str
    country: str
    region: str
    place: str
    house: str
    street: str
    household: str


PlaceNow = Callable[[str], str]
"""Brings an old place code to the code in force; unknown codes come back as they are."""


def profile(person: Person, place_now: PlaceNow) -> Profile:
    """The person in comparable form. Pure, never raises; the person's own text is not changed."""
    country = places.country_of(person.place_code) or places.country_of(person.region_code)
    number = _number(person.national_id)
    kind = identifiers.kind_of(number)
    checked = identifiers.check(kind, number) if number else None
    valid = checked if isinstance(checked, identifiers.Valid) else None
    phone = phones.normalise(person.phone, country or None) or ""
    tradition = _tradition(person, country, kind, phone)
    family, given, middle, father = _name(person, tradition)
    numbers, street = _address(person.address, tradition)
    return Profile(
        tradition=tradition,
        family=family,
        given=given,
        middle=middle,
        father=father,
        sex=person.sex if person.sex in (MALE, FEMALE) else "",
        born=person.birth_date.toordinal() if person.birth_date else 0,
        number=number,
        number_kind=kind,
        number_sound=valid is not None,
        number_born=valid.birth_date.toordinal() if valid and valid.birth_date else 0,
        number_year=valid.birth_year or 0 if valid else 0,
        phone=phone,
        country=country,
        region=place_now(person.region_code),
        place=place_now(person.place_code),
        house=numbers,
        street=street,
        household=person.household_id,
    )


def _number(written: str) -> str:
    """The national number; one digit repeated stands in for a number and is none."""
    number = identifiers.compact(written)
    return number if len(set(number)) > 1 else ""


def _tradition(person: Person, country: str, kind: str, phone: str) -> str:
    """Vietnamese names are read by their own rules, also where an English form lacks the marks."""
    language = person.language.partition("-")[0]
    if language == names.VIETNAMESE:
        return names.VIETNAMESE
    lives_there = country == places.country_of(person.region_code) == "VN"
    signs = lives_there or kind == identifiers.Kind.CCCD or phone.startswith("+84")
    return names.VIETNAMESE if language in ("", "en") and signs else ""


def _name(person: Person, tradition: str) -> tuple[str, str, str, str]:
    """Family, given and middle name as words, and the father's name inside the last.

    What slipped into a neighbouring field goes back: a family field left empty, or given name and
    patronymic in one field.
    """
    family = names.words(person.family_name)
    given = names.words(person.given_name)
    middle = names.words(person.patronymic)
    if len(given) > 1 and not family and not middle:
        family, given = given[:1], given[1:]
    if len(given) > 1 and not middle and given[0] not in _LONE_PARTICLES:
        given, middle = given[:1], given[1:]
    father = names.father(" ".join(middle), tradition)
    return " ".join(family), " ".join(given), " ".join(middle), father


@lru_cache(maxsize=1 << 14)
def _address(address: str, tradition: str) -> tuple[str, str]:
    """The numbers of an address and its other words as Latin keys, both in written order."""
    keys = (names.latin_key(word, tradition) for word in names.words(address[:LONGEST_ADDRESS]))
    street = "".join(key for key in keys if key not in _ADDRESS_WORDS)
    return " ".join(_NUMBERS.findall(address[:LONGEST_ADDRESS])), street
