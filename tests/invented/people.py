"""Invented people in households, and the forms that offices write of them.

The habits are those of the labelled sets: who lacks a number, how households share a phone, how
phones are written, which languages forms are in. Names, places, streets and chance are others.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import TypeVar

from contracts import places
from tests.invented import names, spelling

T = TypeVar("T")
TODAY, BEFORE_REFORM = dt.date(2026, 6, 30), dt.date(2025, 6, 30)
COLUMNS = (
    *("rec_id", "lang", "family_name", "given_name", "patronymic", "sex", "birth_date"),
    *("national_id", "phone", "region_code", "place_code", "address", "household_id"),
)
Form = dict[str, str]
LANGUAGES: Mapping[str, tuple[Sequence[str], Sequence[int]]] = {
    "uz": (("uz-Latn", "uz-Cyrl", "ru", "kaa", "en"), (50, 20, 25, 4, 1)),
    "uk": (("uk", "ru", "en"), (82, 16, 2)),
    "vi": (("vi", "en"), (92, 8)),
    "ar": (("ar", "en"), (65, 35)),
}
COUNTRIES = {"uz": "UZ", "uk": "UA", "vi": "VN", "ar": "UZ"}
WRITERS: Mapping[str, Callable[[str, str, int], str]] = {
    "uz": spelling.uzbek,
    "uk": spelling.ukrainian,
    "vi": spelling.vietnamese,
    "ar": spelling.arabic,
}
NO_NUMBER, NO_BIRTH_DATE, NO_PATRONYMIC, NO_PHONE = 0.35, 0.015, 0.03, 0.07
SHARED_PHONE = 0.08


@dataclass(frozen=True, slots=True)
class Place:
    region: str
    code: str
    old_region: str
    old_code: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person as they are; `father` is the father's given name, of a Vietnamese the middle."""

    tradition: str
    family: str
    given: str
    father: str
    sex: str
    born: dt.date
    number: str
    phone: str
    own_phone: bool
    place: Place
    street: str
    house: int
    household: int


class World:
    """Where invented people live and what numbers they are given; one seed, one world."""

    def __init__(self, seed: str, people: int) -> None:
        self.rng = Random(seed)
        self.households = count(1)
        self._serials = count(self.rng.randrange(1000))
        self._numbers: set[str] = set()
        wanted = max(30, people // 2_500)
        self.places = {
            country: self.rng.sample(list(_places(country)), wanted)
            if wanted < 900
            else list(_places(country))
            for country in ("UZ", "UA", "VN")
        }
        self._crowns = {tradition: _crown(self.rng, tradition) for tradition in WRITERS}

    def name(self, tradition: str, sex: str) -> str:
        """A given name; common ones are far commoner than rare ones."""
        return _skewed(self.rng, self._crowns[tradition][sex])

    def family(self, tradition: str) -> str:
        """A family name."""
        if tradition == "vi":
            return _weighted(self.rng, names.VIETNAMESE_FAMILIES)
        return _skewed(self.rng, self._crowns[tradition]["families"])

    def father(self, tradition: str, sex: str) -> str:
        """A father's given name, or a Vietnamese middle name."""
        if tradition == "vi":
            return _weighted(self.rng, names.VIETNAMESE_MIDDLES[sex])
        return self.name(tradition, "M")

    def place(self, tradition: str) -> Place:
        """A place; few are large."""
        return _skewed(self.rng, self.places[COUNTRIES[tradition]])

    def born(self, youngest: int, oldest: int) -> dt.date:
        """A birth date for an age in years; old people may only know the year."""
        age = self.rng.randint(youngest, oldest)
        born = TODAY - dt.timedelta(days=int(age * 365.25) + self.rng.randrange(1, 365))
        return born.replace(month=1, day=1) if age > 58 and self.rng.random() < 0.07 else born

    def number(self, tradition: str, sex: str, born: dt.date) -> str:
        """A national number that keeps its rule and that nobody else has."""
        while True:
            number = _ISSUERS[tradition](next(self._serials), sex, born)
            if number not in self._numbers:
                self._numbers.add(number)
                return number

    def phone(self, tradition: str) -> str:
        """The national digits of a mobile phone."""
        prefixes = {"uk": ("50", "66", "67", "95", "98"), "vi": ("90", "91", "35", "77", "82")}
        prefix = self.rng.choice(prefixes.get(tradition, ("90", "93", "97", "99", "33")))
        return f"{prefix}{self.rng.randrange(10**7):07}"


def households(world: World, tradition: str) -> Iterator[list[Person]]:
    """Families and people who live alone, without end."""
    rng = world.rng
    while True:
        first = head(world, tradition)
        together = [first]
        if rng.random() > 0.35:
            together.append(spouse(world, first))
            children = range(rng.choices(range(6), (15, 25, 30, 18, 9, 3))[0])
            together += [child(world, first, child_birth(world, first)) for _ in children]
        yield together


def head(world: World, tradition: str) -> Person:
    """A person with a home of their own."""
    rng = world.rng
    sex = rng.choice("MF")
    born = world.born(23, 88)
    shared = rng.random() < SHARED_PHONE
    home = world.place(tradition)
    # A phone of the village is one of few numbers that many homes there give.
    phone = f"90{int(home.code[-5:]) % 100_000:05}{rng.randrange(3):02}" if shared else ""
    return Person(
        tradition=tradition,
        family=world.family(tradition),
        given=world.name(tradition, sex),
        father=world.father(tradition, sex),
        sex=sex,
        born=born,
        number=world.number(tradition, sex, born) if rng.random() > NO_NUMBER else "",
        phone=phone or (world.phone(tradition) if rng.random() > NO_PHONE else ""),
        own_phone=not shared,
        place=home,
        street=rng.choice(names.STREETS[tradition]),
        house=rng.randint(1, 140),
        household=next(world.households),
    )


def relative(world: World, of: Person, sex: str, born: dt.date, **facts: str) -> Person:
    """Somebody of the same home and family name; `facts` replaces what differs."""
    tradition = of.tradition
    known = {
        "family": of.family,
        "given": world.name(tradition, sex),
        "father": world.father(tradition, sex),
        "number": world.number(tradition, sex, born) if world.rng.random() > NO_NUMBER else "",
    }
    return Person(
        tradition=tradition,
        sex=sex,
        born=born,
        phone=of.phone,
        own_phone=False,
        place=of.place,
        street=of.street,
        house=of.house,
        household=of.household,
        **{**known, **facts},
    )


def spouse(world: World, of: Person) -> Person:
    """A husband or wife of near age; Vietnamese and Arab wives keep their name."""
    sex = "F" if of.sex == "M" else "M"
    near = of.born + dt.timedelta(days=world.rng.randint(-1500, 1500))
    kept = {"family": world.family(of.tradition)} if of.tradition in ("vi", "ar") else {}
    return relative(world, of, sex, near, **kept)


def child_birth(world: World, of: Person) -> dt.date:
    """A birth date 18 to 40 years after the parent's, and not in the future."""
    after = of.born + dt.timedelta(days=world.rng.randint(18 * 365, 40 * 365))
    return min(after, TODAY - dt.timedelta(days=world.rng.randint(1, 2000)))


def child(world: World, of: Person, born: dt.date, sex: str = "", **facts: str) -> Person:
    """A child, named after the father where the tradition does so."""
    sex = sex or world.rng.choice("MF")
    after = {"father": of.given} if of.tradition != "vi" and of.sex == "M" else {}
    return relative(world, of, sex, born, **{**after, **facts})


def form(world: World, person: Person, language: str = "") -> Form:
    """The person as an office writes them down, in a language that forms there have."""
    rng, tradition = world.rng, person.tradition
    language = language or rng.choices(*LANGUAGES[tradition])[0]
    style = rng.randrange(60)
    write = WRITERS[tradition]
    father = _patronymic(person, language, style)
    return {
        "lang": language,
        "family_name": write(_family(person), language, style),
        "given_name": _given(person, language, style),
        "patronymic": father if rng.random() > NO_PATRONYMIC else "",
        "sex": person.sex,
        "birth_date": person.born.isoformat() if rng.random() > NO_BIRTH_DATE else "",
        "national_id": person.number,
        "phone": written_phone(rng, tradition, person.phone),
        "region_code": person.place.region,
        "place_code": person.place.code,
        "address": address(person, language, style),
        "household_id": f"H{person.household:07}",
    }


def address(person: Person, language: str, style: int) -> str:
    """Street and house in the order and words of the language."""
    street = WRITERS[person.tradition](person.street, language, style)
    if person.tradition == "vi":
        return f"{person.house} {street}"
    before = {"uk": "вул. ", "ru": "ул. ", "en": "" if person.tradition == "ar" else "st. "}
    after = {"uz-Latn": " koʻchasi", "uz-Cyrl": " кўчаси", "kaa": " kóshesi"}
    return f"{before.get(language, '')}{street}{after.get(language, '')} {person.house}"


def written_phone(rng: Random, tradition: str, digits: str) -> str:
    """A number in one of five ways of writing."""
    if not digits:
        return ""
    prefix, trunk = {"uk": ("380", "0"), "vi": ("84", "0")}.get(tradition, ("998", ""))
    head_, rest = digits[:2], digits[2:]
    return rng.choice(
        (
            f"+{prefix}{digits}",
            f"{prefix}{digits}",
            f"{trunk}{digits}",
            f"({trunk}{head_}) {rest[:3]}-{rest[3:5]}-{rest[5:]}",
            f"+{prefix} {head_} {rest[:3]} {rest[3:5]} {rest[5:]}",
        )
    )


def _family(person: Person) -> str:
    if person.tradition == "uz" and person.sex == "F":
        return person.family + "a"
    if person.family.endswith("-"):
        return person.family[:-1] + ("ий" if person.sex == "M" else "а")
    return person.family


def _given(person: Person, language: str, style: int) -> str:
    if person.tradition != "uk":
        return WRITERS[person.tradition](person.given, language, style)
    home, russian = person.given.split(":")
    return russian if language == "ru" else spelling.ukrainian(home, language, style)


def _patronymic(person: Person, language: str, style: int) -> str:
    """Son or daughter of: each language's own ending; a Vietnamese middle name as it is."""
    if person.tradition == "vi":
        return spelling.vietnamese(person.father, language, style)
    if person.tradition == "ar":
        return spelling.arabic(person.father, language, style)
    if person.tradition == "uk":
        home, russian = person.father.split(":")
        male = person.sex == "M"
        if language == "ru":
            return _slavic(russian, "ович" if male else "овна", "евич" if male else "евна")
        formed = _slavic(home, "ович" if male else "івна", "йович" if male else "ївна")
        return spelling.ukrainian(formed, language, style)
    return spelling.uzbek(person.father + _uzbek_ending(person, language, style), language, style)


def _uzbek_ending(person: Person, language: str, style: int) -> str:
    if language in ("uz-Latn", "uz-Cyrl") and style % 3 == 0:
        return " oʻgʻli" if person.sex == "M" else " qizi"
    soft = "y" if person.father[-1] in "aeiou" else ""
    return soft + ("ovich" if person.sex == "M" else "ovna")


def _slavic(father: str, hard: str, soft: str) -> str:
    if father.endswith("й"):
        return father[:-1] + soft
    return father.rstrip("оаеяь") + hard


def _crown(rng: Random, tradition: str) -> Mapping[str, Sequence[str]]:
    """The names of a tradition in an order of commonness of this world's own."""
    men, women, families = {
        "uz": (names.UZBEK_MEN, names.UZBEK_WOMEN, names.UZBEK_FAMILIES),
        "uk": (names.UKRAINIAN_MEN, names.UKRAINIAN_WOMEN, names.UKRAINIAN_FAMILIES),
        "vi": (names.VIETNAMESE_MEN, names.VIETNAMESE_WOMEN, ()),
        "ar": (names.ARAB_MEN, names.ARAB_WOMEN, names.ARAB_FAMILIES),
    }[tradition]
    return {
        "M": rng.sample(men, len(men)),
        "F": rng.sample(women, len(women)),
        "families": rng.sample(families, len(families)),
    }


def _skewed(rng: Random, items: Sequence[T]) -> T:
    """One of the items; the chance falls as 1 / (k + 2) with the place k in the list."""
    return items[int(2 * ((len(items) + 2) / 2) ** rng.random() - 2)]


def _weighted(rng: Random, items: Sequence[str]) -> str:
    """One of "name:weight"."""
    weights = [int(item.partition(":")[2]) for item in items]
    return rng.choices(items, weights)[0].partition(":")[0]


def _pinfl(serial: int, sex: str, born: dt.date) -> str:
    century = 2 * (born.year // 100 - 18) + (1 if sex == "M" else 2)
    bare = f"{century}{born:%d%m%y}{serial // 1000 % 1000:03}{serial % 1000:03}"
    return bare + str(sum(int(bare[i]) * (7, 3, 1)[i % 3] for i in range(13)) % 10)


def _rnokpp(serial: int, sex: str, born: dt.date) -> str:
    last = (serial // 1000 % 5) * 2 + (sex == "M")
    bare = f"{(born - dt.date(1899, 12, 31)).days:05}{serial % 1000:03}{last}"
    weights = (-1, 5, 7, 9, 4, 6, 10, 5, 7)
    total = sum(int(digit) * weight for digit, weight in zip(bare, weights, strict=True))
    return bare + str(total % 11 % 10)


def _cccd(serial: int, sex: str, born: dt.date) -> str:
    century = 2 * (born.year // 100 - 19) + (sex == "F")
    return f"{('001', '079', '048', '031')[serial % 4]}{century}{born:%y}{serial % 10**6:06}"


def _passport(serial: int, sex: str, born: dt.date) -> str:
    _ = sex, born
    return f"{'ABCNP'[serial % 5]}{serial * 7_919 % 10**8:08}"


_ISSUERS: Mapping[str, Callable[[int, str, dt.date], str]] = {
    "uz": _pinfl,
    "uk": _rnokpp,
    "vi": _cccd,
    "ar": _passport,
}


def _places(country: str) -> Iterator[Place]:
    """Places in force today, each with a code of before a merger that nobody else has."""
    level = places.Level.COMMUNITY if country == "UA" else places.Level.SETTLEMENT
    now = sorted(_in_force(country, level))
    for number, (region, code) in enumerate(now):
        if country == "VN":
            origins = [one.code for one in places.became(code, TODAY, BEFORE_REFORM)]
            old = next((one for one in origins if places.unit(one, TODAY) is None), "")
            if old:
                yield Place(region, code, region, old)
        else:
            start = f"{region[:4]}9" if country == "UZ" else f"{region[2:4]}999"
            old_region = region if country == "UZ" else f"{region[2:4]}00000000"
            yield Place(region, code, old_region, f"{start}{number:05}")


def _in_force(country: str, level: places.Level) -> Iterator[tuple[str, str]]:
    for iso, (of, region) in places.load_regions().items():
        if of == country:
            for code in places.in_force(iso, TODAY):
                unit = places.unit(code, TODAY)
                if unit is not None and unit.level is level:
                    yield region, code
