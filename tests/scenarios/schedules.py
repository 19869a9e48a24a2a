"""In which order and how often a scenario's events come. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Schedule(StrEnum):
    """How a scenario is played."""

    IN_ORDER = "in order"
    TWICE = "twice"
    """Every claim, every fact and every call comes twice."""
    SHUFFLED = "shuffled"
    """What a region sends on one business day comes in any order."""
    KILLED = "killed"
    """Each worker is killed once, inside a transaction that has written."""


def delivered(events: Sequence[T], schedule: Schedule, seed: int) -> list[T]:
    """The events of one business day as they are sent."""
    if schedule is Schedule.TWICE:
        return [event for event in events for _ in range(2)]
    if schedule is Schedule.SHUFFLED:
        return Random(seed).sample(events, len(events))
    return [*events]


def runs(kinds: Sequence[T]) -> list[tuple[int, int]]:
    """Cuts a sequence where its value changes: (first, one past the last) of each run."""
    cuts = [i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]]
    return [*zip([0, *cuts], [*cuts, len(kinds)], strict=True)] if kinds else []
