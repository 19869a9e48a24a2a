"""Two people who look like one: the kinds of the labelled sets, and kinds that these lack."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from tests.invented.people import Person, World, child, child_birth, head

ALIKE_TWINS = {
    "uz": (("Hasan", "Husan"), ("Fotima", "Zuhra"), ("Olim", "Odil"), ("Shahlo", "Shahzoda")),
    "uk": (("Олександр:Александр", "Олексій:Алексей"), ("Марія:Мария", "Марина:Марина")),
    "vi": (("Hà", "Hạ"), ("Thúy", "Thủy"), ("Hương", "Hường"), ("Tú", "Tứ")),
    "ar": (("حسن:Hassan,Hasan", "حسين:Hussein,Husayn"), ("رنا:Rana", "رانيا:Rania,Raniya")),
}
TWIN_SISTERS = ("Fotima", "Shahlo", "Марія:Мария", "Thúy", "Hương", "Hà", "رنا:Rana")
Pair = tuple[Person, Person]


def twins(world: World) -> Callable[[Person], Pair]:
    """Same day, same home; names that begin alike or are a customary pair; neighbouring serials."""

    def made(parent: Person) -> Pair:
        born = child_birth(world, parent)
        first_name, second_name = world.rng.choice(ALIKE_TWINS[parent.tradition])
        sex = "F" if first_name in TWIN_SISTERS else "M"
        first = child(world, parent, born, sex, given=first_name)
        return first, replace(first, given=second_name, number=_next(world, first))

    return made


def twins_without_numbers(world: World) -> Callable[[Person], Pair]:
    def made(parent: Person) -> Pair:
        first, second = twins(world)(parent)
        return replace(first, number=""), replace(second, number="")

    return made


def siblings(world: World) -> Callable[[Person], Pair]:
    """At most two years apart, same sex."""

    def made(parent: Person) -> Pair:
        first = child(world, parent, child_birth(world, parent))
        later = first.born + dt.timedelta(days=world.rng.randint(300, 730))
        return first, child(world, parent, later, first.sex, father=first.father)

    return made


def father_and_son(world: World) -> Callable[[Person], Pair]:
    """One name, one home, one phone; another patronymic where the tradition has them."""

    def made(parent: Person) -> Pair:
        son = child(world, parent, child_birth(world, parent), parent.sex, given=parent.given)
        return parent, replace(son, family=parent.family, phone=parent.phone)

    return made


def cousins_of_one_home(world: World) -> Callable[[Person], Pair]:
    """Two grandsons named after one grandfather: name, home, phone; another father."""

    def made(parent: Person) -> Pair:
        first = child(world, parent, child_birth(world, parent))
        near = first.born + dt.timedelta(days=world.rng.randint(20, 600))
        father = world.father(parent.tradition, first.sex)
        while father == first.father:
            father = world.father(parent.tradition, first.sex)
        return first, child(world, parent, near, first.sex, given=first.given, father=father)

    return made


def namesakes_elsewhere(world: World) -> Callable[[Person], Pair]:
    """Full name and birth date; nothing else."""

    def made(one: Person) -> Pair:
        other = replace(
            head(world, one.tradition),
            family=one.family,
            given=one.given,
            father=one.father,
            sex=one.sex,
            born=one.born,
            number=world.number(one.tradition, one.sex, one.born) if one.number else "",
        )
        return one, other

    return made


def namesakes_of_one_year(world: World) -> Callable[[Person], Pair]:
    """Full name and place, the year of birth, not the day."""

    def made(one: Person) -> Pair:
        other = namesakes_elsewhere(world)(one)[1]
        born = one.born.replace(month=one.born.month % 12 + 1, day=one.born.day % 28 + 1)
        number = world.number(one.tradition, one.sex, born) if other.number else ""
        return one, replace(other, place=one.place, born=born, number=number)

    return made


def office_phone_and_january(world: World) -> Callable[[Person], Pair]:
    """Two old people of one village and name, both "1 January", both with the office's phone."""

    def made(one: Person) -> Pair:
        first = replace(one, born=one.born.replace(month=1, day=1), number="", own_phone=False)
        other = namesakes_of_one_year(world)(first)[1]
        father = world.father(one.tradition, one.sex)
        return first, replace(
            other, born=first.born, number="", phone=first.phone, own_phone=False, father=father
        )

    return made


def child_with_the_parents_number(world: World) -> Callable[[Person], Pair]:
    """A child's form that carries the number and phone of whoever signed it."""

    def made(parent: Person) -> Pair:
        signed = replace(parent, number=parent.number or _fresh(world, parent))
        return signed, child(
            world, signed, child_birth(world, signed), signed.sex, number=signed.number
        )

    return made


def mother_and_daughter_in_law(world: World) -> Callable[[Person], Pair]:
    """Two women of one family name, given name, home and phone."""

    def made(parent: Person) -> Pair:
        elder = replace(parent, sex="F", given=world.name(parent.tradition, "F"), number="")
        father = world.father(parent.tradition, "F")
        born = child_birth(world, parent)
        return elder, child(world, elder, born, "F", given=elder.given, father=father)

    return made


def residents_of_one_institution(world: World) -> Callable[[Person], Pair]:
    """One address, one phone, one common given name, one birth year."""

    def made(one: Person) -> Pair:
        other = namesakes_of_one_year(world)(one)[1]
        return one, replace(
            other,
            family=world.family(one.tradition),
            father=world.father(one.tradition, one.sex),
            phone=one.phone,
            own_phone=False,
            street=one.street,
            house=one.house,
        )

    return made


def brothers_of_one_father_and_day(world: World) -> Callable[[Person], Pair]:
    """Brothers a year apart to the day, whose names differ by a letter, without numbers."""

    def made(parent: Person) -> Pair:
        first, second = twins_without_numbers(world)(parent)
        return first, replace(second, born=first.born.replace(year=first.born.year - 1, day=1))

    return made


KINDS: dict[str, Callable[[World], Callable[[Person], Pair]]] = {
    "twins": twins,
    "siblings": siblings,
    "father and son": father_and_son,
    "cousins of one home": cousins_of_one_home,
    "namesakes elsewhere": namesakes_elsewhere,
    "twins without numbers": twins_without_numbers,
    "namesakes of one year": namesakes_of_one_year,
    "office phone, 1 January": office_phone_and_january,
    "child with the parent's number": child_with_the_parents_number,
    "mother and daughter in law": mother_and_daughter_in_law,
    "residents of one institution": residents_of_one_institution,
    "brothers a year apart": brothers_of_one_father_and_day,
}


def _fresh(world: World, one: Person) -> str:
    return world.number(one.tradition, one.sex, one.born)


def _next(world: World, first: Person) -> str:
    """The next serial, where the first has a number."""
    return _fresh(world, first) if first.number else ""
