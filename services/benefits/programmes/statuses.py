"""From the registry's events to facts: status grants and ends become dated intervals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.benefits.programmes.facts import Fact
from services.benefits.programmes.pack import FactSpec, Pack

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A status the registry granted or ended; `level` where the status has one."""

    code: str
    state: Literal["granted", "ended"]
    effective_on: date
    level: str | None = None
    known_since: date | None = None
    source: str = "registry"


def facts_from_statuses(pack: Pack, changes: Iterable[StatusChange]) -> tuple[Fact, ...]:
    """The facts a pack can read from a person's status changes, given in the order of events.

    A status that ends, or is granted anew at another level, on a day counts through that day; one
    that speaks against the person ends the day before. Statuses and levels that the pack does not
    know are left out. A change known later than the grant leaves what was known until then.
    """
    facts: list[Fact] = []
    open_at: dict[str, Fact] = {}
    for change in changes:
        spec = pack.fact(change.code)
        if spec is None or not _readable(spec, change):
            continue
        current = open_at.pop(change.code, None)
        if current is not None and not _same(spec, current, change):
            facts.append(_ended(spec, current, change))
        if change.state == "granted":
            fact = current if current and _same(spec, current, change) else _granted(spec, change)
            if fact is not current:
                facts.append(fact)
            open_at[change.code] = fact
    return tuple(_without_twins(facts))


def _readable(spec: FactSpec, change: StatusChange) -> bool:
    if spec.kind == "code":
        return change.state == "ended" or change.level in spec.values
    return spec.kind == "flag"


def _same(spec: FactSpec, fact: Fact, change: StatusChange) -> bool:
    return change.state == "granted" and fact.value == _value(spec, change)


def _value(spec: FactSpec, change: StatusChange) -> str:
    return (change.level or "") if spec.kind == "code" else "yes"


def _granted(spec: FactSpec, change: StatusChange) -> Fact:
    return Fact(
        spec.name,
        _value(spec, change),
        change.effective_on,
        None,
        change.known_since,
        change.source,
    )


def _ended(spec: FactSpec, fact: Fact, change: StatusChange) -> Fact:
    """The same fact restated with its last day; ended before it began, it never held."""
    last = change.effective_on - _DAY if spec.counts_against else change.effective_on
    first = fact.valid_from or date.min
    if last < first or change.effective_on <= first:
        return Fact(fact.name, "none", first, None, change.known_since, change.source)
    return Fact(fact.name, fact.value, first, last, change.known_since, change.source)


def _without_twins(facts: list[Fact]) -> list[Fact]:
    """Of statements about the same fact, first day and record date, only the last."""
    newest = {(fact.name, fact.valid_from, fact.known_since): fact for fact in facts}
    return list(newest.values())
