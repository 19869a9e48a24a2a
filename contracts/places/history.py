"""Which unit a code meant on a day, and what has become of it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.places.units import Unit

END_OF_TIME = dt.date.max
GRACE_DAYS = 366
"""How long an old code is still understood after the change that ended it."""


@dataclass(frozen=True, slots=True)
class Change:
    """On `on` the unit `old` went into `new`; `main` marks the heir of its larger part."""

    old: str
    new: str
    on: dt.date
    main: bool = True


class History:
    """Units of one country with their succession. Immutable once built."""

    def __init__(self, units: Iterable[Unit], changes: Iterable[Change]) -> None:
        self._units: dict[str, list[Unit]] = defaultdict(list)
        self._children: dict[str, list[Unit]] = defaultdict(list)
        self._heirs: dict[tuple[str, dt.date], list[Change]] = defaultdict(list)
        self._origins: dict[tuple[str, dt.date], list[Change]] = defaultdict(list)
        for unit in units:
            self._units[unit.code].append(unit)
            self._children[unit.parent].append(unit)
        for change in changes:
            self._heirs[change.old, change.on].append(change)
            self._origins[change.new, change.on].append(change)

    def unit(self, code: str, on: dt.date) -> Unit | None:
        """The unit that had this code on a day, or None."""
        return next((unit for unit in self._units.get(code, ()) if unit.in_force(on)), None)

    def became(self, code: str, then: dt.date, now: dt.date) -> tuple[Unit, ...]:
        """The units of day `now` into which the unit of day `then` has gone, the main heir first.

        One that has not changed is its own heir. A level that was abolished answers with the heirs
        of its parts. A code that named nothing on `then` gives an empty tuple.
        """
        unit = self.unit(code, then)
        if unit is None:
            return ()
        if now < then:
            return self.origins(code, then, now)
        if unit.in_force(now):
            return (unit,)
        return self._followed(unit, now)

    def origins(self, code: str, now: dt.date, then: dt.date) -> tuple[Unit, ...]:
        """The units of the earlier day `then` that went, even in part, into the unit of `now`."""
        unit = self.unit(code, now)
        if unit is None or unit.in_force(then):
            return () if unit is None else (unit,)
        start = unit.valid_from or dt.date.min
        before = start - dt.timedelta(days=1)
        found: dict[str, Unit] = {}
        for change in self._origins.get((code, start), ()):
            for origin in self.origins(change.old, before, then):
                found[origin.code] = origin
        return tuple(found.values())

    def understood(self, code: str, on: dt.date, grace_days: int = GRACE_DAYS) -> Unit | None:
        """The unit meant by a code on a form of day `on`: in force, or within the grace period."""
        unit = self.unit(code, on)
        if unit is not None:
            return unit
        for old in reversed(self._units.get(code, ())):
            ended = old.valid_until
            if ended is not None and ended <= on <= ended + dt.timedelta(days=grace_days):
                return next(iter(self._followed(old, on)), None)
        return None

    def latest(self, code: str) -> str:
        """The code that a code, however old, stands for at the end of the history; else itself.

        A split unit is followed along its main heir.
        """
        units = self._units.get(code)
        if not units or any(unit.valid_until is None for unit in units):
            return code
        heirs = self._followed(units[-1], END_OF_TIME)
        return heirs[0].code if heirs else code

    def inside(self, code: str, on: dt.date) -> frozenset[str]:
        """The codes of all units below one, at every level, in force on a day."""
        found: set[str] = set()
        waiting = [code]
        while waiting:
            for unit in self._children.get(waiting.pop(), ()):
                if unit.in_force(on) and unit.code not in found:
                    found.add(unit.code)
                    waiting.append(unit.code)
        return frozenset(found)

    def _followed(self, unit: Unit, now: dt.date) -> tuple[Unit, ...]:
        end = unit.valid_until or END_OF_TIME
        changes = sorted(self._heirs.get((unit.code, end), ()), key=lambda one: not one.main)
        found: dict[str, Unit] = {}
        for change in changes:
            for heir in self.became(change.new, end, now):
                found[heir.code] = heir
        if not changes:
            before = end - dt.timedelta(days=1)
            for child in self._children.get(unit.code, ()):
                if child.in_force(before):
                    found |= {heir.code: heir for heir in self._followed(child, now)}
        return tuple(found.values())
