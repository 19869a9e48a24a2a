"""Broken rows: each has exactly one defect, named `<column>.<defect>`, in an otherwise good row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from random import Random
from types import MappingProxyType

from deploy.demo.people.identity import BIRTH_PROVINCES, IDENTIFIER_KIND, cccd
from deploy.demo.people.places import HANOI_CODE, ward_codes
from deploy.demo.people.records import FEMALE, MALE, Row

CONTROL_CHARACTERS = ("\x07", "\x1b", "\x01", "\x08")
UNKNOWN_WARDS = ("99999", "00000", "02213")
NONSENSE_PHONES = ("12345", "không có", "0000000000", "09x1 234 567")
LONG_NAME_PARTS, LONG_ADDRESS_PARTS = 150, 100
UNBORN_YEAR, ANCIENT_YEAR = 2031, 1874
SERIAL_AT = 6


@dataclass(frozen=True, slots=True)
class Good:
    """A good row that is about to be broken; `born_on` is the birth date that it states."""

    row: Row
    born_on: date
    rng: Random

    def changed(self, **columns: str) -> Row:
        """Give the row with these columns changed."""
        return replace(self.row, **columns)

    def identified(self, identifier: str, kind: str = IDENTIFIER_KIND) -> Row:
        """Give the row with this identifier."""
        return self.changed(identifier_kind=kind, identifier=identifier)

    def undated(self, birth_date: str) -> Row:
        """Give the row with another birth date and nothing that would depend on it."""
        return self.changed(birth_date=birth_date, identifier_kind="", identifier="", statuses="")

    def fitting_identifier(self, province: str = "008", sex: str = "", years: int = 0) -> str:
        """Compose an identifier that fits the row but for what is asked for."""
        born_on = self.born_on.replace(day=1, year=self.born_on.year + years)
        serial = self.rng.randrange(1, 10**SERIAL_AT)
        return cccd(province, sex or self.row.sex, born_on, serial)

    def unissued_province(self) -> str:
        """Draw a province code that was never in use."""
        return self.rng.choice([f"{n:03}" for n in range(1000) if f"{n:03}" not in BIRTH_PROVINCES])

    def damaged_name(self, name: str) -> str:
        """Put a control character into a name."""
        at = self.rng.randint(1, len(name))
        return name[:at] + self.rng.choice(CONTROL_CHARACTERS) + name[at:]


def century_off(good: Good) -> Row:
    """State the right year in the wrong century."""
    years = 100 if good.born_on.year < 2000 else -100  # noqa: PLR2004 - the turn of the century
    return good.identified(good.fitting_identifier(years=years))


def sex_off(good: Good) -> Row:
    """State the other sex in the identifier."""
    other = MALE if good.row.sex == FEMALE else FEMALE
    return good.identified(good.fitting_identifier(sex=other))


DEFECTS: Mapping[str, Callable[[Good], Row]] = MappingProxyType(
    {
        "birth_date.impossible": lambda good: good.undated(f"{good.born_on.year}-02-30"),
        "birth_date.future": lambda good: good.undated(f"{UNBORN_YEAR}-{good.born_on:%m}-15"),
        "birth_date.too_old": lambda good: good.undated(f"{ANCIENT_YEAR}-{good.born_on:%m}-15"),
        "birth_date.missing": lambda good: good.undated(""),
        "birth_date.malformed": lambda good: good.undated(f"{good.born_on:%d/%m/%Y}"),
        "birth_precision.unknown": lambda good: good.changed(birth_precision="week"),
        "identifier.year_contradicts": lambda good: good.identified(
            good.fitting_identifier(years=-7)
        ),
        "identifier.century_contradicts": century_off,
        "identifier.sex_contradicts": sex_off,
        "identifier.province_unknown": lambda good: good.identified(
            good.fitting_identifier(province=good.unissued_province())
        ),
        "identifier.too_short": lambda good: good.identified(good.fitting_identifier()[:-1]),
        "identifier.not_digits": lambda good: good.identified("O" + good.fitting_identifier()[1:]),
        "identifier_kind.unknown": lambda good: good.identified(
            good.fitting_identifier()[3:], kind="vn-cmnd"
        ),
        "place_code.unknown": lambda good: good.changed(place_code=good.rng.choice(UNKNOWN_WARDS)),
        "place_code.other_region": lambda good: good.changed(
            place_code=good.rng.choice(list(ward_codes(HANOI_CODE)))
        ),
        "place_code.zeros_lost": lambda good: good.changed(
            place_code=good.row.place_code.lstrip("0")
        ),
        "family_name.missing": lambda good: good.changed(family_name=""),
        "given_name.missing": lambda good: good.changed(given_name=""),
        "family_name.control_character": lambda good: good.changed(
            family_name=good.damaged_name(good.row.family_name)
        ),
        "given_name.control_character": lambda good: good.changed(
            given_name=good.damaged_name(good.row.given_name)
        ),
        "given_name.oversize": lambda good: good.changed(
            given_name="-".join([good.row.given_name] * LONG_NAME_PARTS)
        ),
        "address.oversize": lambda good: good.changed(
            address=", ".join([good.row.address] * LONG_ADDRESS_PARTS)
        ),
        "phone.nonsense": lambda good: good.changed(phone=good.rng.choice(NONSENSE_PHONES)),
        "sex.unknown": lambda good: good.changed(sex="X"),
        "role.unknown": lambda good: good.changed(role="landlord"),
        "language.malformed": lambda good: good.changed(language="vietnamese"),
        "statuses.unknown_code": lambda good: good.changed(statuses="very_unlucky::2025-03-01"),
        "statuses.unknown_level": lambda good: good.changed(
            statuses="disability:enormous:2026-03-01"
        ),
        "statuses.level_missing": lambda good: good.changed(statuses="disability::2026-03-01"),
        "statuses.impossible_date": lambda good: good.changed(
            statuses="disability:severe:2026-02-30"
        ),
        "statuses.before_birth": lambda good: good.changed(
            statuses=f"disability:severe:{good.born_on.year - 3}-03-01"
        ),
    }
)


def broken(rng: Random, row: Row, born_on: date, reason: str) -> Row:
    """Break a good row in the way that `reason` names."""
    return DEFECTS[reason](Good(row, born_on, rng))
