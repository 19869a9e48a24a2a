"""A person's facts as somebody with a calendar reads them: day by day, nothing shared with the
engine. What lowers or ends an amount on the first of a month leaves that month as it was, so a
month is looked at on each of its days, and once more as it stood on the eve.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from services.benefits.programmes import Fact

DAY = timedelta(days=1)
Ask = tuple[str, tuple[str, ...]]
"""A fact and the values of it that are asked for; none of them means any."""


def month_of(day: date, later: int = 0) -> date:
    """The first day of a day's month, or of the month so many months later."""
    year, month = divmod(day.year * 12 + day.month - 1 + later, 12)
    return date(year, month + 1, 1)


def days_of(month: date) -> Iterator[date]:
    for number in range(monthrange(month.year, month.month)[1]):
        yield month + number * DAY


def term_end(start: date, months: int) -> date:
    """The last day of a term of whole months that starts on a day (X-13)."""
    later = month_of(start, months)
    length = monthrange(later.year, later.month)[1]
    return later.replace(day=length) if start.day > length else later.replace(day=start.day) - DAY


def birthday(birth: date, years: int) -> date:
    """Who was born on 29 February has it on 1 March where there is no such day (X-10)."""
    leap = (birth.month, birth.day) == (2, 29) and monthrange(birth.year + years, 2)[1] == 28
    return date(birth.year + years, 3, 1) if leap else birth.replace(year=birth.year + years)


@dataclass(frozen=True)
class Life:
    """What is known of a person: of one statement the newest, and later ones over older ones."""

    facts: tuple[Fact, ...]
    several: frozenset[str]
    """Facts that may have several values at once."""
    relatives: Mapping[str, "Life"]

    @cached_property
    def known(self) -> list[Fact]:
        newest: dict[tuple[object, ...], Fact] = {}
        for fact in sorted(self.facts, key=lambda f: f.known_since or date.min):
            topic = (fact.name, self._topic(fact), fact.valid_from)
            if topic in newest and not says_so(fact) and fact.value != "no":
                del newest[topic]  # taken back: as if never said
            else:
                newest[topic] = fact
        return sorted(newest.values(), key=lambda f: f.known_since or date.min)

    def _topic(self, fact: Fact) -> str:
        return fact.value.removeprefix("!") if fact.name in self.several else ""

    @cached_property
    def birth(self) -> date:
        return date.fromisoformat(next(f.value for f in self.known if f.name == "birth_date"))

    @cached_property
    def death(self) -> date:
        found = [f.value for f in self.known if f.name == "death"]
        return date.fromisoformat(found[-1]) if found else date.max

    def alive(self, day: date) -> bool:
        return self.birth <= day <= self.death

    def age(self, day: date) -> int:
        years = day.year - self.birth.year
        return years if day >= birthday(self.birth, years) else years - 1

    def on(self, ask: Ask, day: date) -> list[Fact]:
        """The statements that hold on a day and say what is asked for."""
        name, values = ask
        covering: dict[str, list[Fact]] = {}
        for fact in self.known:
            if fact.name == name and (fact.valid_from or date.min) <= day <= last_of(fact):
                own = covering.setdefault(self._topic(fact), [])
                own[:] = [f for f in own if f.value == fact.value] + [fact]
        return [
            fact
            for own in covering.values()
            for fact in own
            if (fact.value in values if values else says_so(fact))
        ]

    def statements(self, name: str) -> list[Fact]:
        return [fact for fact in self.known if fact.name == name and says_so(fact)]

    def amounts_in(self, name: str, month: date) -> list[int]:
        return [int(f.value) for day in days_of(month) for f in self.on((name, ()), day)]


def last_of(fact: Fact) -> date:
    return fact.valid_to or date.max


def says_so(fact: Fact) -> bool:
    return fact.value not in {"no", "none"} and not fact.value.startswith("!")


@dataclass(frozen=True)
class Look:
    """One look at people: on a day, or (`first` given) on the eve of the first of a month."""

    day: date
    first: date | None = None

    def has(self, life: Life, *asks: Ask) -> bool:
        """Whether one of the asked holds; on the eve, and is not over by its own last day."""
        held = [fact for ask in asks for fact in life.on(ask, self.day)]
        if not held or not self.alive(life):
            return False
        first = self.first
        if first is None or any(life.on(ask, first) for ask in asks):
            return True
        return any(last_of(fact) >= first for fact in held)

    def lacks(self, life: Life, *asks: Ask) -> bool:
        return not any(life.on(ask, self.day) for ask in asks)

    def alive(self, life: Life) -> bool:
        return life.alive(self.day) and (self.first is None or life.alive(self.first))

    def age(self, life: Life) -> int:
        return life.age(self.day)

    def within(self, first: date, last: date, change: date = date.max) -> bool:
        """Whether what begins, ends by its own last day or by a change holds."""
        return first <= self.day < change and (self.first or self.day) <= last

    def linked(self, life: Life, name: str) -> list[Life]:
        found = {fact.value for fact in life.on((name, ()), self.day)}
        return [life.relatives[v] for v in sorted(found) if self.has(life, (name, (v,)))]


Free = Callable[[Look], bool]
"""The looks that count."""
Paid = dict[str, int]
"""Component → minor units; components that pay nothing are absent."""


def looks(month: date) -> Iterator[Look]:
    yield Look(month - DAY, month)
    for day in days_of(month):
        yield Look(day)


def suspended_or_not(life: Life, found: Callable[[Free], Paid]) -> tuple[Paid, bool]:
    """What is due, and whether it is held back: what may be paid is judged on other days alone."""
    due = found(lambda _: True)
    free = found(lambda look: look.lacks(life, ("suspended", ())))
    return (free, False) if free or not due else (due, True)
