"""Runs of months painted into grids: what the dearest of a part's groups comes to each month."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from services.benefits.programmes.engine import rounded
from services.benefits.programmes.month_runs import MonthRun
from services.benefits.programmes.people import Amounts, Days, Flags, People, starts
from services.benefits.programmes.plan import SCALE, Plan, Rule

MonthNumbers = npt.NDArray[np.int32]
Groups = tuple[str, ...]
MAX_RANKED: Final = 120
"""Ranks are single bytes."""


@dataclass(slots=True)
class Part:
    """The dearest rule of some groups: a row per person of `persons`, a column per month."""

    persons: Days
    amount: Amounts
    rule: npt.NDArray[np.int16]


def paint(
    plan: Plan,
    people: People,
    runs: Sequence[MonthRun],
    parts: Sequence[Groups],
    months: MonthNumbers,
) -> list[Part]:
    """The parts of a choice for everybody who is in all of them at some time; else nothing."""
    chosen = [[run for run in runs if run.rule.group in groups] for groups in parts]
    wanted = np.ones(people.size, dtype=bool)
    for part in chosen:
        present = np.zeros(people.size, dtype=bool)
        for run in part:
            present[run.person] = True
        wanted &= present
    persons = np.flatnonzero(wanted).astype(np.int32)
    if not len(persons):
        return []
    place = np.full(people.size, -1, dtype=np.int32)
    place[persons] = np.arange(len(persons), dtype=np.int32)
    return [_part(plan, people, part, (persons, place), months) for part in chosen]


def _part(
    plan: Plan,
    people: People,
    runs: Sequence[MonthRun],
    where: tuple[Days, Days],
    months: MonthNumbers,
) -> Part:
    order = _ranking(plan, people, runs, months)
    if order is not None:
        return _ranked(order, runs, where, months)
    persons, place = where
    shape = (len(persons), len(months))
    part = Part(persons, np.zeros(shape, dtype=np.int64), np.full(shape, -1, dtype=np.int16))
    for run in sorted(runs, key=lambda run: run.rule.index):
        rows = place[run.person]
        kept = rows >= 0
        rows = rows[kept]
        holds = (run.first[kept, None] <= months) & (run.last[kept, None] >= months)
        amount = _amounts(plan, people, run, kept, months)
        held = part.amount[rows]
        better = holds & (amount > held)
        part.amount[rows] = np.where(better, amount, held)
        part.rule[rows] = np.where(better, np.int16(run.rule.index), part.rule[rows])
    return part


@dataclass(slots=True)
class _Order:
    """Rules from worst to best in every month, with what each comes to in each month."""

    rules: list[Rule]
    amounts: Amounts


def _ranking(
    plan: Plan, people: People, runs: Sequence[MonthRun], months: MonthNumbers
) -> _Order | None:
    """An order of the rules that holds for everybody in every month, if there is one."""
    rules = list({run.rule.index: run.rule for run in runs}.values())
    if len(rules) > MAX_RANKED or any(_personal(plan, people, rule) for rule in rules):
        return None
    table = np.array([[_amount(plan, rule, m) for m in months.tolist()] for rule in rules])
    table = table.reshape(len(rules), len(months))
    order = sorted(range(len(rules)), key=lambda i: (int(table[i].max()), -rules[i].index))
    for worse, better in pairwise(order):
        both = (table[worse] > 0) & (table[better] > 0)
        gain = (table[better] - table[worse])[both]
        tied = (gain == 0).all() and rules[better].index < rules[worse].index
        if not ((gain > 0).all() or tied):
            return None
    return _Order([rules[i] for i in order], table[order])


def _personal(plan: Plan, people: People, rule: Rule) -> bool:
    """Whether what a rule comes to depends on the person."""
    if rule.rate is None or rule.members is not None or rule.row.less is not None:
        return True
    return plan.rates[rule.rate].raised_by in people.amounts


def _amount(plan: Plan, rule: Rule, month: int) -> int:
    rate = plan.rates[rule.rate or 0].highest_in(month).amount
    return rounded(rate * rule.coefficient, SCALE)


def _ranked(
    order: _Order, runs: Sequence[MonthRun], where: tuple[Days, Days], months: MonthNumbers
) -> Part:
    """Paint ranks, which are small, and look amounts and rule numbers up at the end."""
    persons, place = where
    rank = {rule.index: number + 1 for number, rule in enumerate(order.rules)}
    grid = np.zeros((len(persons), len(months)), dtype=np.int8)
    numbers = months.astype(np.int32)
    for run in runs:
        rows = place[run.person]
        kept = rows >= 0
        number = rank[run.rule.index]
        pays = np.where(order.amounts[number - 1] > 0, np.int8(number), np.int8(0))
        holds = (run.first[kept, None] <= numbers) & (run.last[kept, None] >= numbers)
        rows = rows[kept]
        grid[rows] = np.maximum(grid[rows], holds * pays)
    amounts = np.vstack((np.zeros((1, len(months)), dtype=np.int64), order.amounts))
    rules = np.array([-1, *(rule.index for rule in order.rules)], dtype=np.int16)
    column = np.arange(len(months))
    return Part(persons, amounts[grid, column], rules[grid])


def _amounts(
    plan: Plan, people: People, run: MonthRun, kept: Flags, months: MonthNumbers
) -> Amounts:
    """What the rule comes to: a row per run kept, or one row where it is the same for all."""
    rule, persons, weight = run.rule, run.person[kept], run.weight[kept, None]
    if rule.row.kind == "one_off":
        rate = run.weight[kept, None]
    elif rule.rate is None:
        rate = _values(people, rule.row.amount, persons, months)
    else:
        dated = plan.rates[rule.rate]
        steps = [dated.highest_in(month) for month in months.tolist()]
        rate = np.array([[step.amount for step in steps]], dtype=np.int64)
        if dated.raised_by in people.amounts:
            rate = np.maximum(rate, _values(people, dated.raised_by, persons, months))
    if rule.members is None:
        weight = np.array([[SCALE]], dtype=np.int64)
    amount = rate * rule.coefficient * weight
    if rule.row.less is None:
        return _rounded(amount, SCALE * SCALE)
    divisor = rule.row.less_divisor
    less = _values(people, rule.row.less, persons, months, np.minimum) * SCALE * SCALE
    return np.maximum(_rounded(amount * divisor - less, SCALE * SCALE * divisor), 0)


def _rounded(numerator: Amounts, denominator: int) -> Amounts:
    """The quotient in whole minor units, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


def _values(
    people: People,
    name: str | None,
    persons: Days,
    months: MonthNumbers,
    best: Callable[..., Amounts] = np.maximum,
) -> Amounts:
    """The best value of an amount fact on the days of each month; 0 without any."""
    found = np.zeros((len(persons), len(months)), dtype=np.int64)
    values = people.amounts.get(name or "")
    if values is None:
        return found
    known = np.zeros(found.shape, dtype=bool)
    offsets = starts(values.person, people.size)
    count = offsets[persons + 1] - offsets[persons]
    for depth in range(int(count.max(initial=0))):
        rows = np.flatnonzero(count > depth)
        entry = offsets[persons[rows]] + depth
        first, last = values.first[entry, None] >> 5, values.last[entry, None] >> 5
        value = values.value[entry, None]
        holds = (first <= months) & (last >= months)
        merged = np.where(known[rows], best(found[rows], value), value)
        found[rows] = np.where(holds, merged, found[rows])
        known[rows] |= holds
    return found
