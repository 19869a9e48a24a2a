"""VN-SA written by hand, day by day, from the text of the law: a fourth opinion on the pack.

It shares nothing with the engine: it asks of every day of a month who fits what, and once more of
the last day before the month, for what a birthday or a fact that speaks against ends on the first.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from services.benefits.programmes import Fact
from tests.benefits.programmes import lives
from tests.benefits.programmes.lives import Life
from tests.benefits.programmes.lives import Look as DayLook

DAY = timedelta(days=1)
SEVERAL = frozenset({"decision", "application", "child"})
STANDARDS = ((date(2024, 7, 1), 500_000), (date(2021, 7, 1), 360_000), (date(2015, 1, 1), 270_000))
REFORM = date(2025, 7, 1)
A5 = ("A5a", "A5b", "A5c", "A5d")
OTHERS = ("A1", "A2", "A3", *A5, "A6", "A7", "A8")
BESIDE_A4 = (*A5, "A6", "A8")


@dataclass(frozen=True)
class Look:
    """How a day is looked at: which facts hold, which do not, and how old the person is."""

    has: Callable[..., bool]
    lacks: Callable[..., bool]
    age: Callable[[], int]


def born(facts: list[Fact]) -> date:
    return date.fromisoformat(next(f.value for f in facts if f.name == "birth_date"))


def died(facts: list[Fact]) -> date:
    return next((date.fromisoformat(f.value) for f in facts if f.name == "death"), date.max)


def life_of(facts: list[Fact]) -> Life:
    return Life(tuple(facts), SEVERAL, {})


def seen(look: DayLook) -> Callable[[list[Fact]], Look]:
    """People as they are seen on a day, or on the eve of a month."""

    def at(who: list[Fact]) -> Look:
        life = life_of(who)
        return Look(
            lambda name, *values: look.has(life, (name, values or ("yes",))),
            lambda name, *values: look.lacks(life, (name, values or ("yes",))),
            lambda: look.age(life),
        )

    return at


def looks(facts: list[Fact], month: date) -> Iterator[tuple[Look, Callable[[list[Fact]], Look]]]:
    """The days of a month, and the eve for what ends on the first; with a maker for others."""
    for look in lives.looks(month):
        yield seen(look)(facts), seen(look)


def community(look: Look, facts: list[Fact], month: date) -> Iterator[tuple[str, int]]:  # noqa: C901, PLR0912 - the law is as long as it is
    """Groups besides A4, with the coefficient in tenths."""
    has, lacks, age = look.has, look.lacks, look.age

    def decided(*groups: str) -> bool:
        return has("decision", *groups, "all")

    poor = has("poor_household")
    near = poor or has("near_poor_household")
    if decided("A1") and has("without_nurture") and 0 <= age() < 16:
        yield "A1", 25 if age() < 4 else 15
    if decided("A1", "A2") and was_a1(look, facts) and has("in_education") and 16 <= age() < 22:
        yield "A2", 15
    if decided("A3") and has("hiv") and poor and 0 <= age() < 16:
        yield "A3", 25 if age() < 4 else 20
    if age() >= 60 and poor:
        if decided("A5a", "A5") and has("single_no_support"):
            yield "A5a", 15 if age() < 80 else 20
        if decided("A5d", "A5") and has("facility_eligible_in_community"):
            yield "A5d", 30
    if month < REFORM:
        if decided("A5b", "A5") and near and has("difficult_commune") and 75 <= age() < 80:
            yield "A5b", 10
        if decided("A5c", "A5") and age() >= 80 and lacks("pension"):
            yield "A5c", 10
    if decided("A6") and has("disability", "severe", "extremely_severe"):
        extra = 5 if age() < 16 or age() >= 60 else 0
        if has("disability", "extremely_severe"):
            yield "A6", 20 + extra
        if has("disability", "severe"):
            yield "A6", 15 + extra
    if decided("A7") and near and has("difficult_commune") and 0 <= age() < 3:
        yield "A7", 15
    if decided("A8") and has("hiv") and poor and lacks("stable_income") and lacks("pension"):
        yield "A8", 15


def was_a1(look: Look, facts: list[Fact]) -> bool:
    birth = born(facts)
    year = birth.year + 16
    leap_born = (birth.month, birth.day) == (2, 29)
    birthday = date(year, 3, 1) if leap_born and year % 4 else birth.replace(year=year)
    held = life_of(facts).on(("without_nurture", ("yes",)), birthday - DAY)
    return look.has("former_a1") or bool(held)


def pension(look: Look, month: date) -> bool:
    if month < REFORM or not look.lacks("pension"):
        return False
    near = look.has("poor_household") or look.has("near_poor_household")
    old = look.age() >= 75 or (look.age() >= 70 and near)
    asked = look.has("application", "SP") and look.has("decision", "SP", "all")
    return (old and asked) or (look.has("converted") and look.age() >= 75)


def raises(look: Look, child: Look) -> bool:
    parent = look.has("single_parent") and look.has("poor_household")
    young = 0 <= child.age() < 16 or (16 <= child.age() < 22 and child.has("in_education"))
    return parent and look.has("decision", "A4", "all") and child.has("born") and young


def stays(facts: list[Fact]) -> list[Fact]:
    """Stays in a facility; one begun in a month already ordered begins with the next month."""
    found = []
    for fact in facts:
        if fact.name == "residential_care" and fact.valid_from:
            first = fact.valid_from.replace(day=1)
            end = first.replace(day=monthrange(first.year, first.month)[1])
            ordered = any(
                f.name == "ordered"
                and f.value == "community"
                and (f.valid_from or date.min) <= end
                and (f.valid_to or date.max) >= first
                for f in facts
            )
            start = end + DAY if ordered else fact.valid_from
            if start <= (fact.valid_to or date.max):
                found.append(Fact("resident", "yes", start, fact.valid_to))
    return found


def lapses(facts: list[Fact]) -> list[date]:
    """Last days of three months during which a suspension for want of verification lasted."""
    ends = []
    for fact in facts:
        if (fact.name, fact.value) == ("suspended", "not_reverified") and fact.valid_from:
            start = fact.valid_from
            year, month = divmod(start.year * 12 + start.month - 1 + 3, 12)
            length = monthrange(year, month + 1)[1]
            end = date(year, month + 1, min(start.day, length))
            end = end if start.day > length else end - DAY
            if (fact.valid_to or date.max) >= end:
                ends.append(end)
    return ends


def lapsed(facts: list[Fact]) -> list[Fact]:
    """Decisions, requests and the suspension itself end with such a term."""
    for end in lapses(facts):
        facts = [_cut(fact, end) if _lapses(fact) else fact for fact in facts]
    return facts


def _lapses(fact: Fact) -> bool:
    return fact.name in {"decision", "application"} or fact.value == "not_reverified"


def _cut(fact: Fact, end: date) -> Fact:
    if fact.valid_from and fact.valid_from <= end < (fact.valid_to or date.max):
        return Fact(fact.name, fact.value, fact.valid_from, end)
    return fact


def fitting(  # noqa: C901 - one question after the other
    facts: list[Fact], children: dict[str, list[Fact]], month: date, *, only_paid: bool
) -> dict[str, int]:
    """Groups of a month with the coefficient in tenths; A4 with ten for each child."""
    best: dict[str, int] = {}
    counted = set()
    everything = [*facts, *stays(facts)]
    for look, maker in looks(everything, month):
        if only_paid and not look.lacks("suspended", "not_reverified", "by_officer"):
            continue
        if not look.has("born"):
            continue
        for group, coefficient in community(look, everything, month):
            best[group] = max(best.get(group, 0), coefficient)
        if look.has("resident"):
            best["R"] = max(best.get("R", 0), 50 if look.age() < 4 else 40)
        if pension(look, month):
            best["SP"] = 10
        for child, own in children.items():
            if look.has("child", child) and raises(look, maker(own)):
                counted.add(child)
    if counted:
        best["A4"] = 10 * len(counted)
    return best


def chosen(best: dict[str, int]) -> list[tuple[str, int]]:
    """What of it is paid: R alone, else the dearest of highest, A4 with another, and SP."""
    if "R" in best:
        return [("R", best["R"])]
    highest = _highest(best, OTHERS)
    beside = _highest(best, BESIDE_A4)
    choices = [highest]
    if "A4" in best:
        choices += [[("A4", best["A4"]), *beside] if beside else [], [("A4", best["A4"])]]
    choices.append([("SP", 10)] if "SP" in best else [])
    return max(choices, key=lambda choice: sum(coefficient for _, coefficient in choice))


def _highest(best: dict[str, int], groups: tuple[str, ...]) -> list[tuple[str, int]]:
    found = [(group, best[group]) for group in groups if group in best]
    return [max(found, key=lambda item: item[1])] if found else []


def reference(
    facts: list[Fact], children: dict[str, list[Fact]], month: date
) -> tuple[int, str, bool]:
    """The total of a month in dong, its groups, and whether it is held back."""
    ends = [end for end in lapses(facts) if end >= REFORM]
    facts = lapsed(with_birth(facts))
    children = {child: with_birth(own) for child, own in children.items()}
    june = chosen(fitting(facts, children, date(2025, 6, 1), only_paid=False))
    if {"A5b", "A5c"} & {group for group, _ in june}:
        facts = [*facts, Fact("converted", "yes", REFORM, min(ends, default=None))]
    due = chosen(fitting(facts, children, month, only_paid=False))
    paid = chosen(fitting(facts, children, month, only_paid=True))
    standard = next(amount for first, amount in STANDARDS if month >= first)
    total = sum(coefficient * standard // 10 for _, coefficient in paid)
    return total, "+".join(group for group, _ in paid or due), bool(due) and not paid


def with_birth(facts: list[Fact]) -> list[Fact]:
    return [*facts, Fact("born", "yes", born(facts), died(facts))]
