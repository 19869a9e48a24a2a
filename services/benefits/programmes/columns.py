"""The bulk evaluator: the same rules over columns of people, for runs over everybody.

It reads the same compiled plan as `engine.py` and evaluates it apart, so that each checks the
other. A grid has a row per person and a column per month.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from services.benefits.programmes.days import ALWAYS, NEVER, pack_day, parse_month
from services.benefits.programmes.month_runs import MonthRun, month_runs
from services.benefits.programmes.painting import MonthNumbers, Part, paint
from services.benefits.programmes.people import (
    Amounts,
    Column,
    Days,
    Flags,
    People,
    conversion_column,
)
from services.benefits.programmes.plan import Plan
from services.benefits.programmes.span_columns import outside_spans

RuleNumbers = npt.NDArray[np.int16]
NO_RULE: Final = -1
CHUNK: Final = 32_768
"""People judged at once: their grids stay in the cache."""


@dataclass(slots=True)
class Grid:
    """What everybody is due: totals in minor units, and the rows that pay, by rule number.

    `rules[part]` holds the rule of each part of the choice that pays, -1 for none. Where
    `suspended`, the total is 0 and the rules say what is held back.
    """

    first_month: int
    total: Amounts
    rules: list[RuleNumbers]
    suspended: Flags

    def rows(self, begin: int, end: int) -> "Grid":
        """The rows of some people, as a view."""
        planes = [plane[begin:end] for plane in self.rules]
        return Grid(self.first_month, self.total[begin:end], planes, self.suspended[begin:end])


@dataclass(slots=True)
class _Work:
    """One judgement: who is judged, within which spans, and for which months."""

    plan: Plan
    people: People
    within: Column
    months: MonthNumbers

    @property
    def reach(self) -> tuple[int, int]:
        """The months that matter: those asked for, and those a conversion looks at."""
        watched = [parse_month(item.month) or 0 for item in self.plan.conversions]
        return min(int(self.months[0]), *watched, NEVER), int(self.months[-1])


def judge_people(plan: Plan, people: People, first: int, last: int) -> Grid:
    """Judge everybody for the months `first` to `last`, both included."""
    months = np.arange(first, last + 1, dtype=np.int32)
    whole = _empty(plan, people.size, months)
    for begin in range(0, people.size, CHUNK):
        part = people.chunk(begin, begin + CHUNK)
        _judge_chunk(plan, part, months, whole.rows(begin, begin + CHUNK))
    return whole


def _judge_chunk(plan: Plan, people: People, months: MonthNumbers, due: Grid) -> None:
    work = _Work(plan, people, _everywhere(people), months)
    runs = _plain_runs(work)
    recipients = _recipients(work, runs)
    _combine(work, runs + _converted_runs(work, recipients), due)
    against = people.union(plan.suspension)
    if len(against):
        work.within = outside_spans(against)
        free = _empty(plan, people.size, months)
        _combine(work, _plain_runs(work) + _converted_runs(work, recipients), free)
        _withhold(due, free, np.unique(against.person))


def _empty(plan: Plan, size: int, months: MonthNumbers) -> Grid:
    shape = (size, len(months))
    width = max(len(choice.parts) for choice in plan.pack.combination.choices)
    return Grid(
        int(months[0]),
        np.zeros(shape, dtype=np.int64),
        [np.full(shape, NO_RULE, dtype=np.int16) for _ in range(width)],
        np.zeros(shape, dtype=bool),
    )


def _everywhere(people: People) -> Column:
    """All of time, for everybody who is judged."""
    person = np.arange(people.size, dtype=np.int32)
    always = np.full(people.size, ALWAYS, dtype=np.int32)
    never = np.full(people.size, NEVER, dtype=np.int32)
    return Column(person, always, never, never)


def _plain_runs(work: _Work) -> list[MonthRun]:
    return [
        run
        for rule in work.plan.rules
        if not rule.converted and rule.first_month <= work.reach[1]
        for run in month_runs(work.people, rule, work.within, work.reach)
    ]


def _recipients(work: _Work, runs: list[MonthRun]) -> dict[str, Days]:
    """For each conversion that the months reach, who was due what it converts."""
    found: dict[str, Days] = {}
    for item in work.plan.conversions:
        if pack_day(item.from_) >> 5 > work.reach[1]:
            continue
        month = np.array([parse_month(item.month)], dtype=np.int32)
        watched = _empty(work.plan, work.people.size, month)
        _combine(_Work(work.plan, work.people, work.within, month), runs, watched)
        numbers = [rule.index for rule in work.plan.rules if rule.group in item.groups]
        due = np.zeros(len(watched.total), dtype=bool)
        for plane in watched.rules:
            due |= np.isin(plane[:, 0], numbers)
        found[item.name] = np.flatnonzero(due).astype(np.int32)
    return found


def _converted_runs(work: _Work, recipients: dict[str, Days]) -> list[MonthRun]:
    runs: list[MonthRun] = []
    starts = {item.name: pack_day(item.from_) for item in work.plan.conversions}
    for name, persons in recipients.items():
        if len(persons):
            column = conversion_column(work.people, persons, starts[name])
            people = work.people.replaced(name, column)
            for rule in work.plan.rules:
                if rule.converted == name:
                    runs.extend(month_runs(people, rule, work.within, work.reach))
    return runs


def _combine(work: _Work, runs: list[MonthRun], grid: Grid) -> None:
    """The dearest choice of everybody and every month, of equals the first, into an empty grid."""
    combination = work.plan.pack.combination
    for choice in combination.choices:
        parts = paint(work.plan, work.people, runs, choice.parts, work.months)
        if parts:
            _choose(grid, parts)
    for group in combination.exclusive:
        for part in paint(work.plan, work.people, runs, ((group,),), work.months):
            _override(grid, part)


def _choose(grid: Grid, parts: list[Part]) -> None:
    """Take the choice where all its parts hold and it is dearer than what was chosen before."""
    persons = parts[0].persons
    total = parts[0].amount.copy()
    holds = total > 0
    for part in parts[1:]:
        total += part.amount
        holds &= part.amount > 0
    held = grid.total[persons]
    better = holds & (total > held)
    grid.total[persons] = np.where(better, total, held)
    for number, plane in enumerate(grid.rules):
        rule = parts[number].rule if number < len(parts) else np.int16(NO_RULE)
        plane[persons] = np.where(better, rule, plane[persons])


def _override(grid: Grid, part: Part) -> None:
    holds = part.amount > 0
    grid.total[part.persons] = np.where(holds, part.amount, grid.total[part.persons])
    for number, plane in enumerate(grid.rules):
        rule = part.rule if number == 0 else np.int16(NO_RULE)
        plane[part.persons] = np.where(holds, rule, plane[part.persons])


def _withhold(due: Grid, free: Grid, persons: Days) -> None:
    """Lay what may be paid over what is due, for those who are suspended at some time."""
    held = due.total[persons] > 0
    payable = free.total[persons]
    due.suspended[persons] = held & (payable == 0)
    due.total[persons] = payable
    for plane, other in zip(due.rules, free.rules, strict=True):
        plane[persons] = np.where(payable > 0, other[persons], plane[persons])
