"""Pure folds of events into the cube: what each fact adds to which measure."""

from collections.abc import Iterable
from dataclasses import dataclass

REGISTERED = "registered"
SUSPECTED = "suspected"
DECIDED = "decided"
WAITING = "waiting"
ENTITLED = "entitled"
ORDERED = "ordered"
PAID = "paid"
RETURNED = "returned"
CASES = "cases"
MESSAGES = "messages"
WORKERS = "workers"
MEASURES = (
    REGISTERED,
    SUSPECTED,
    DECIDED,
    WAITING,
    ENTITLED,
    ORDERED,
    PAID,
    RETURNED,
    CASES,
    MESSAGES,
    WORKERS,
)

NO_MONTH = ""
"""Measures that belong to no month stand under this one."""
NO_SEX = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in the cube something counts: region and ward by code, sex as in ISO/IEC 5218."""

    region: str
    ward: str
    sex: int


@dataclass(frozen=True, slots=True)
class Delta:
    """What an event adds to a cell; negative where it takes back."""

    measure: str
    month: str
    spot: Spot
    count: int
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """What was last said about an application or a payment (and in which cycle)."""

    state: str
    month: str
    spot: Spot
    amount_minor: int = 0
    cycle_id: str = ""


OUTCOME_MEASURE = {"approved": DECIDED, "deferred": WAITING}


def moved(before: State | None, after: State, measures: dict[str, str]) -> list[Delta]:
    """A thing leaves the measure of its former state and enters that of the new one."""
    deltas = []
    if before is not None and before.state in measures:
        measure = measures[before.state]
        deltas.append(Delta(measure, before.month, before.spot, -1, -before.amount_minor))
    if after.state in measures:
        measure = measures[after.state]
        deltas.append(Delta(measure, after.month, after.spot, 1, after.amount_minor))
    return deltas


def folded(deltas: Iterable[Delta]) -> list[Delta]:
    """One delta per cell, in the order of the cells; cells that did not change are left out."""
    sums: dict[tuple[str, str, str, int], tuple[Spot, int, int]] = {}
    for delta in deltas:
        key = (delta.measure, delta.month, delta.spot.ward, delta.spot.sex)
        _, count, amount = sums.get(key, (delta.spot, 0, 0))
        sums[key] = (delta.spot, count + delta.count, amount + delta.amount_minor)
    return [
        Delta(measure, month, spot, count, amount)
        for (measure, month, _, _), (spot, count, amount) in sorted(sums.items(), key=_cell)
        if count or amount
    ]


def _cell(
    entry: tuple[tuple[str, str, str, int], tuple[Spot, int, int]],
) -> tuple[str, str, str, int]:
    return entry[0]
