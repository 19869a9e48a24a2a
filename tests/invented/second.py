"""Second registrations: how a person already in the list comes into it again.

One to five errors each, besides another language of the form in two of five. At least two of
number, own phone, birth date and place stay, so that nearly every pair can be decided.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.invented import spelling
from tests.invented.people import LANGUAGES, Form, Person, World, form

OTHER_LANGUAGE = 0.42
WEIGHTS = {
    "typo": 30, "ocr": 14, "phonetic": 20, "missing_value": 18, "swapped_fields": 12,
    "patronymic_missing": 22, "married_surname": 10, "diacritics_dropped": 8, "tone_mark": 8,
    "day_month_swap": 5, "jan1_default": 9, "birth_date_typo": 10, "id_missing": 24, "id_typo": 7,
    "phone_changed": 20, "phone_shared": 6, "old_place_code": 25, "moved": 11,
}  # fmt: skip
TIES = {
    "jan1_default": "born", "day_month_swap": "born", "birth_date_typo": "born",
    "id_missing": "number", "id_typo": "number", "phone_changed": "phone", "phone_shared": "phone",
    "moved": "place",
}  # fmt: skip
"""Errors that take away one of the four facts that tie a second registration to the first."""
WOMEN_MARRY = ("uz", "uk")


def again(world: World, person: Person) -> tuple[Form, list[str]]:
    """A second form of the person, and the classes of errors in it."""
    rng = world.rng
    errors = _drawn(rng, person)
    changed = person
    for error in errors:
        if error in _OF_PERSON:
            changed = _OF_PERSON[error](world, changed)
    changed = replace(changed, household=_household(world, person))
    written = form(world, changed, _language(rng, person))
    for error in errors:
        if error in _OF_FORM:
            _OF_FORM[error](rng, changed, written)
    return written, errors


def _household(world: World, person: Person) -> int:
    return person.household if world.rng.random() < 0.06 else next(world.households)


def _language(rng: Random, person: Person) -> str:
    known = LANGUAGES[person.tradition][0]
    return rng.choice(known) if rng.random() < OTHER_LANGUAGE else known[0]


def _drawn(rng: Random, person: Person) -> list[str]:
    """Classes of errors that fit the person and leave two ties."""
    ties = {"born", "place"} | ({"number"} if person.number else set())
    ties |= {"phone"} if person.phone and person.own_phone else set()
    chosen: list[str] = []
    for error in rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=rng.randint(1, 5)):
        tie = TIES.get(error, "")
        lost = tie in ties and len(ties) <= 2
        if error not in chosen and _fits(error, person) and not lost:
            chosen.append(error)
            ties.discard(tie)
    return chosen or ["typo"]


def _fits(error: str, person: Person) -> bool:
    if error == "married_surname":
        return person.sex == "F" and person.tradition in WOMEN_MARRY
    if error == "tone_mark":
        return person.tradition == "vi"
    return error != "old_place_code" or person.tradition != "ar"


def _moved(world: World, person: Person) -> Person:
    home = world.place(person.tradition)
    return replace(person, place=home, house=world.rng.randint(1, 140))


def _shared(world: World, person: Person) -> Person:
    _ = world
    return replace(person, phone=f"90{int(person.place.code[-5:]):05}00")


_OF_PERSON: dict[str, Callable[[World, Person], Person]] = {
    "married_surname": lambda world, one: replace(one, family=world.family(one.tradition)),
    "moved": _moved,
    "phone_changed": lambda world, one: replace(one, phone=world.phone(one.tradition)),
    "phone_shared": _shared,
    "id_missing": lambda _world, one: replace(one, number=""),
}


def _in_a_name(
    change: Callable[[Random, str, Person], str],
) -> Callable[[Random, Person, Form], None]:
    def changed(rng: Random, person: Person, written: Form) -> None:
        field = rng.choice(("given_name", "family_name"))
        written[field] = change(rng, written[field], person)

    return changed


def _missing(rng: Random, person: Person, written: Form) -> None:
    _ = person
    written[rng.choice(("given_name", "family_name", "sex", "birth_date", "address"))] = ""


def _swapped(rng: Random, person: Person, written: Form) -> None:
    _ = rng, person
    first, second = written["given_name"], written["family_name"]
    written["given_name"], written["family_name"] = second, first


def _no_patronymic(rng: Random, person: Person, written: Form) -> None:
    initial = person.tradition != "vi" and rng.random() < 0.4
    written["patronymic"] = written["patronymic"][:1] + "." if initial else ""


def _bare(rng: Random, person: Person, written: Form) -> None:
    _ = rng, person
    for field in ("family_name", "given_name", "patronymic"):
        written[field] = spelling.without_marks(written[field])


def _birth(change: Callable[[Random, dt.date], dt.date]) -> Callable[[Random, Person, Form], None]:
    def changed(rng: Random, person: Person, written: Form) -> None:
        if written["birth_date"]:
            written["birth_date"] = change(rng, person.born).isoformat()

    return changed


def _day_month(rng: Random, born: dt.date) -> dt.date:
    _ = rng
    return born.replace(day=born.month, month=born.day) if born.day <= 12 else born


def _slip(rng: Random, born: dt.date) -> dt.date:
    if rng.random() < 0.5:
        return born.replace(year=born.year - rng.choice((1, 10)), day=min(born.day, 28))
    return born.replace(day=born.day % 28 + 1)


def _wrong_digit(rng: Random, person: Person, written: Form) -> None:
    _ = person
    number = written["national_id"]
    if number:
        at = rng.randrange(4, len(number))
        digit = str((int(number[at]) + rng.randint(1, 9)) % 10)
        written["national_id"] = number[:at] + digit + number[at + 1 :]


def _old_place(rng: Random, person: Person, written: Form) -> None:
    _ = rng
    written["region_code"] = person.place.old_region
    written["place_code"] = person.place.old_code


_OF_FORM: dict[str, Callable[[Random, Person, Form], None]] = {
    "typo": _in_a_name(lambda rng, text, _person: spelling.typo(rng, text)),
    "ocr": _in_a_name(lambda rng, text, _person: spelling.ocr(rng, text)),
    "phonetic": _in_a_name(lambda rng, text, one: spelling.by_ear(rng, text, one.tradition)),
    "tone_mark": _in_a_name(lambda rng, text, _person: spelling.other_tone(rng, text)),
    "missing_value": _missing,
    "swapped_fields": _swapped,
    "patronymic_missing": _no_patronymic,
    "diacritics_dropped": _bare,
    "day_month_swap": _birth(_day_month),
    "jan1_default": _birth(lambda _rng, born: born.replace(month=1, day=1)),
    "birth_date_typo": _birth(_slip),
    "id_typo": _wrong_digit,
    "old_place_code": _old_place,
}
