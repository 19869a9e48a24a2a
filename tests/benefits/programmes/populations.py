"""Invented people for any pack: whatever facts it knows, with births, deaths, gaps and overlaps."""

from random import Random

from services.benefits.programmes import Pack
from services.benefits.programmes.days import ALWAYS, NEVER
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.loading import plan_of
from services.benefits.programmes.pack import FactSpec
from services.benefits.programmes.spans import Span

FIRST_YEAR, LAST_YEAR = 2019, 2027
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
RARE = {"suspended", "ordered", "residential_care", "imprisoned", "returned_home", "abroad"}


def population(pack: Pack, size: int, seed: int) -> list[Dossier]:
    """Derived dossiers of invented people; a third of them are linked to others."""
    random = Random(seed)
    plan = plan_of(pack)
    return [derive(plan, person(pack, random, linked=True)) for _ in range(size)]


def person(pack: Pack, random: Random, *, linked: bool) -> Dossier:
    dossier = Dossier(birth=day(random, 1930, 2025))
    if random.random() < 0.08:
        dossier.death = max(day(random, FIRST_YEAR, LAST_YEAR), dossier.birth)
    for spec in pack.facts:
        enter(dossier, spec, random)
        if spec.kind == "link" and linked and random.random() < 0.4:
            dossier.links[spec.name] = tuple(
                (span, child(pack, random)) for _ in range(3) for span in spans(random)[:1]
            )
    return dossier


def child(pack: Pack, random: Random) -> Dossier:
    other = person(pack, random, linked=False)
    other.birth = day(random, 2000, 2024)
    if other.death < NEVER:
        other.death = max(other.death, other.birth)
    return other


def enter(dossier: Dossier, spec: FactSpec, random: Random) -> None:
    share = 0.03 if spec.name in RARE else 0.35
    if spec.kind == "flag" and random.random() < share:
        dossier.spans[spec.name] = spans(random)
    elif spec.kind == "code" and random.random() < share:
        dossier.spans[f"{spec.name}={random.choice(spec.values)}"] = spans(random)
    elif spec.kind == "codes" and random.random() < 0.9:
        for value in random.sample(spec.values, min(len(spec.values), random.randint(1, 3))):
            dossier.spans[f"{spec.name}={value}"] = spans(random)
    elif spec.kind in {"amount", "count"} and random.random() < share:
        found = spans(random)
        dossier.spans[spec.name] = found
        dossier.amounts[spec.name] = tuple((f, t, amount(spec, random)) for f, t, _ in found)
    elif spec.name == "vehicle_made_on" and random.random() < 0.1:
        dossier.spans[spec.name] = ((day(random, 2015, 2024), NEVER, NEVER),)


def amount(spec: FactSpec, random: Random) -> int:
    if spec.kind == "count":
        return random.randint(1, 14)
    return random.choice((0, 944400, 10000000, 400000, 700000, 148500000, 210000000, 330000001))


def spans(random: Random) -> tuple[Span, ...]:
    found: list[Span] = []
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        first, last = interval(random)
        if not found or found[-1][1] < first:
            found.append((first, last, NEVER if random.random() < 0.9 else last))
    return tuple(span for span in found if span[0] < span[2])


def interval(random: Random) -> tuple[int, int]:
    first = ALWAYS if random.random() < 0.05 else day(random, FIRST_YEAR, LAST_YEAR)
    if random.random() < 0.55:
        return first, NEVER
    return first, max(first, day(random, FIRST_YEAR, LAST_YEAR))


def day(random: Random, first_year: int, last_year: int) -> int:
    """A day, with firsts and lasts of months and 29 February more often than in life."""
    year, month = random.randint(first_year, last_year), random.randint(0, 11)
    length = 29 if month == 1 and year % 4 == 0 else DAYS[month]
    chosen = random.choice((1, length, random.randint(1, length), random.randint(1, length)))
    return (year * 12 + month) * 32 + chosen
