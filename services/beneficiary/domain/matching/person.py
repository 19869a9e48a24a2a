"""One person as a form describes them: what matching may look at, and nothing else."""

import datetime as dt
from dataclasses import dataclass

MALE, FEMALE = "M", "F"


@dataclass(frozen=True, slots=True)
class Person:
    """A registration as written; every field but the record's id may be empty.

    `patronymic` holds the middle name of a Vietnamese and the father's name of an Arabic person.
    `language` is the BCP 47 tag of the form. `place_code` and `region_code` may be of before a
    merger. `household_id` names the form: two people entered together share it.
    """

    record_id: str
    family_name: str = ""
    given_name: str = ""
    patronymic: str = ""
    sex: str = ""
    birth_date: dt.date | None = None
    national_id: str = ""
    phone: str = ""
    region_code: str = ""
    place_code: str = ""
    address: str = ""
    household_id: str = ""
    language: str = ""
