"""Invented households of one to seven people: who lives together, and in which role.

The mix is that of a registration drive for social assistance, not of a census: lone elders,
large families of the mountains, grandparents who raise orphans, people with disabilities.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from types import MappingProxyType
from typing import Literal

from deploy.demo.people.identity import Issuer, holds_identifier
from deploy.demo.people.names import draw_name, weighted
from deploy.demo.people.records import DRIVE_STARTS_ON, FEMALE, MALE, Person, Place, Role

DAYS_A_YEAR = 365.25
TWIN_SHARE = 0.02
MIXED_MARRIAGE_SHARE = 0.1
VAGUE_BIRTH_FROM_YEARS = 58
SETS_OF_PARENTS = (1, 1, 2)

Precision = Literal["day", "month", "year"]


@dataclass(slots=True)
class Nursery:
    """Brings people of one household into being, entities numbered in order of birth here."""

    rng: Random
    issuer: Issuer
    place: Place
    people: str
    first_entity: int
    members: list[Person]

    def add(self, role: Role, sex: str, age_years: int, family: str = "") -> Person:
        """Add one member; the family name is drawn where none is given."""
        people = self.people
        if not family and self.rng.random() < MIXED_MARRIAGE_SHARE:
            people = "kinh"
        name = draw_name(self.rng, people, sex, family)
        while name[2] in {member.given for member in self.members}:
            name = draw_name(self.rng, people, sex, family)
        born_on, precision = draw_birth(self.rng, age_years)
        holds = holds_identifier(self.rng, age_years)
        person = Person(
            entity=f"E{self.first_entity + len(self.members):05}",
            role=role,
            family=name[0],
            middle=name[1],
            given=name[2],
            sex=sex,
            born_on=born_on,
            precision=precision,
            identifier=self.issuer.identifier(self.place, sex, born_on) if holds else "",
        )
        self.members.append(person)
        return person

    def add_children(self, role: Role, count: int, oldest_years: int, family: str) -> None:
        """Add brothers and sisters, the oldest first; a few are twins."""
        age = oldest_years
        full = len(self.members) + count
        while age >= 0 and len(self.members) < full:
            child = self.add(role, self.rng.choice((MALE, FEMALE)), age, family)
            if self.rng.random() < TWIN_SHARE and len(self.members) < full:
                self._add_twin(child)
            age -= self.rng.randint(2, 4)

    def _add_twin(self, first: Person) -> None:
        twin = self.add(first.role, first.sex, first.age_years, first.family)
        identifier = first.identifier and self.issuer.next_identifier(
            first.identifier, first.sex, first.born_on
        )
        self.members[-1] = replace(
            twin, born_on=first.born_on, precision=first.precision, identifier=identifier
        )


def draw_birth(rng: Random, age_years: int) -> tuple[date, Precision]:
    """Draw a birth date for an age; some of the old know only their year or month."""
    days = int(age_years * DAYS_A_YEAR) + rng.randint(1, 364)
    born_on = DRIVE_STARTS_ON - timedelta(days=days)
    if age_years < VAGUE_BIRTH_FROM_YEARS:
        return born_on, "day"
    precision: Precision = rng.choices(("day", "month", "year"), (0.88, 0.04, 0.08))[0]
    if precision == "year":
        return born_on.replace(month=1, day=1), precision
    return (born_on.replace(day=1) if precision == "month" else born_on), precision


def lone_elder(nursery: Nursery) -> None:
    """Somebody old who lives alone."""
    sex = nursery.rng.choice((MALE, FEMALE, FEMALE))
    nursery.add("head", sex, nursery.rng.randint(60, 97))


def elder_couple(nursery: Nursery) -> None:
    """Two old people."""
    age = nursery.rng.randint(62, 90)
    nursery.add("head", MALE, age)
    nursery.add("spouse", FEMALE, age - nursery.rng.randint(0, 5))


def family(nursery: Nursery) -> None:
    """A couple and one to four children."""
    couple(nursery, nursery.rng.randint(24, 52))


def three_generations(nursery: Nursery) -> None:
    """A couple, up to three children, and one or two parents of the husband."""
    rng = nursery.rng
    age = rng.randint(34, 54)
    couple(nursery, age, most_children=3)
    surname = nursery.members[0].family
    parents = rng.choice(SETS_OF_PARENTS)
    if parents > 1 or rng.random() < 1 / 3:
        nursery.add("parent", MALE, age + rng.randint(22, 34), surname)
        parents -= 1
    if parents:
        nursery.add("parent", FEMALE, age + rng.randint(20, 32))


def couple(nursery: Nursery, age_years: int, most_children: int = 4) -> None:
    """Husband, wife and children with the father's family name."""
    rng = nursery.rng
    head = nursery.add("head", MALE, age_years)
    wife_years = max(19, age_years - rng.randint(0, 5))
    nursery.add("spouse", FEMALE, wife_years)
    oldest = max(0, wife_years - rng.randint(19, 27))
    nursery.add_children("child", rng.randint(1, most_children), oldest, head.family)


def lone_parent(nursery: Nursery) -> None:
    """One parent and one to three children."""
    rng = nursery.rng
    mother = rng.random() < 5 / 6
    age = rng.randint(22, 48)
    head = nursery.add("head", FEMALE if mother else MALE, age)
    surname = "" if mother and rng.random() < 1 / 2 else head.family
    surname = surname or draw_name(rng, nursery.people, MALE)[0]
    nursery.add_children("child", rng.randint(1, 3), max(0, age - rng.randint(19, 26)), surname)


def grandparents_with_orphans(nursery: Nursery) -> None:
    """One or two grandparents and the orphans they raise."""
    rng = nursery.rng
    age = rng.randint(56, 78)
    head = nursery.add("head", FEMALE if rng.random() < 1 / 2 else MALE, age)
    if rng.random() < 1 / 2:
        nursery.add("spouse", MALE if head.sex == FEMALE else FEMALE, age - rng.randint(-2, 4))
    nursery.add_children("other", rng.randint(1, 3), rng.randint(2, 19), head.family)


def relatives_with_orphan(nursery: Nursery) -> None:
    """A couple with children of their own, who took in a relative's orphan."""
    rng = nursery.rng
    couple(nursery, rng.randint(30, 52), most_children=2)
    nursery.add_children("other", 1, rng.randint(1, 17), nursery.members[0].family)


def lone_adult(nursery: Nursery) -> None:
    """Somebody of working age who lives alone."""
    nursery.add("head", nursery.rng.choice((MALE, FEMALE)), nursery.rng.randint(20, 58))


COMPOSITIONS: Mapping[str, Callable[[Nursery], None]] = MappingProxyType(
    {
        composition.__name__: composition
        for composition in (
            lone_elder, elder_couple, family, three_generations, lone_parent,
            grandparents_with_orphans, relatives_with_orphan, lone_adult,
        )
    }
)  # fmt: skip
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "lone_elder": 18, "elder_couple": 9, "family": 30, "three_generations": 20,
        "lone_parent": 9, "grandparents_with_orphans": 9, "relatives_with_orphan": 5,
        "lone_adult": 7,
    }
)  # fmt: skip


def draw_household(nursery: Nursery) -> str:
    """Fill the nursery with one household and name its composition."""
    composition = weighted(nursery.rng, WEIGHTS)
    COMPOSITIONS[composition](nursery)
    return composition
