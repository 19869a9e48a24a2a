"""Runs of months in which a rule holds, for many people at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.benefits.programmes.days import NEVER
from services.benefits.programmes.people import (
    NO_VALUES,
    Amounts,
    Column,
    Days,
    Links,
    People,
    starts,
)
from services.benefits.programmes.plan import SCALE, Conditions, MemberRules, Rule
from services.benefits.programmes.span_columns import held_spans, intersected, without

Reach = tuple[int, int]
"""The first and the last month that matter."""


@dataclass(slots=True)
class MonthRun:
    """First and last months in which a rule holds, with its weight, sorted by person.

    The weight of a one-off row is what it comes to in the month, in minor units.
    """

    rule: Rule
    person: Days
    first: Days
    last: Days
    weight: Amounts


def month_runs(people: People, rule: Rule, within: Column, reach: Reach) -> list[MonthRun]:
    """The runs of one rule within reach, in layers: within a layer nobody comes twice."""
    held = _rule_spans(people, rule, within)
    if not len(held):
        return []
    if rule.members is not None:
        person, first, last, weight = _weighed(people, rule, rule.members, held, reach)
    elif rule.row.kind == "one_off":
        person, first, weight = _one_offs(people, rule.row.amount or "", held)
        last = first
    else:
        person, first = held.person, held.first >> 5
        last = np.minimum(held.last, held.change) >> 5
        weight = np.full(len(held), SCALE, dtype=np.int64)
    first = np.maximum(first, np.int32(max(rule.first_month, reach[0])))
    last = np.minimum(last, np.int32(min(rule.last_month, reach[1])))
    alive = first <= last
    return _layers(rule, person[alive], first[alive], last[alive], weight[alive])


def _one_offs(people: People, name: str, held: Column) -> tuple[Days, Days, Amounts]:
    """Persons, months and sums of the amounts that begin on days on which the row holds."""
    values = people.amounts.get(name, NO_VALUES)
    numbers = np.arange(len(values.person), dtype=np.int32)
    never = np.full(len(numbers), NEVER, dtype=np.int32)
    days = Column(values.person, values.first, values.first, never, numbers)
    paid = intersected(days, held, starts(held.person, people.size)).tag
    entry = np.unique(numbers[:0] if paid is None else paid)
    order = np.lexsort((values.first[entry], values.person[entry]))
    person, month = values.person[entry][order], values.first[entry][order] >> 5
    begin = np.flatnonzero(_fresh(person, month))
    sums = np.add.reduceat(values.value[entry][order], begin) if len(begin) else values.value[:0]
    return person[begin], month[begin], sums


def _layers(rule: Rule, person: Days, first: Days, last: Days, weight: Amounts) -> list[MonthRun]:
    if not len(person):
        return []
    fresh = np.ones(len(person), dtype=bool)
    fresh[1:] = person[1:] != person[:-1]
    numbers = np.arange(len(person))
    rank = numbers - np.maximum.accumulate(np.where(fresh, numbers, 0))
    return [
        MonthRun(rule, person[layer], first[layer], last[layer], weight[layer])
        for layer in (rank == depth for depth in range(int(rank.max()) + 1))
    ]


def _rule_spans(people: People, rule: Rule, within: Column) -> Column:
    held = _narrowed(people, rule.when, within)
    for earlier in rule.before:
        if not len(held):
            break
        person = np.unique(held.person)
        law = Column(person, *(np.full(len(person), day, np.int32) for day in earlier.in_force))
        held = without(held, _narrowed(people, earlier.when, law), people.size)
    return held


def _narrowed(people: People, when: Conditions, within: Column) -> Column:
    """As `held_spans`, beginning with those who have the rarest of the facts it needs."""
    if not when.has:
        return held_spans(people, when, within)
    rarest = min(when.has, key=lambda keys: len(people.union(keys)))
    column = people.union(rarest)
    if not len(column):
        return column
    held = intersected(column, within, starts(within.person, people.size))
    others = tuple(keys for keys in when.has if keys is not rarest)
    return held_spans(people, Conditions(when.age_from, when.age_to, others, when.has_not), held)


def _weighed(
    people: People, rule: Rule, members: MemberRules, held: Column, reach: Reach
) -> tuple[Days, Days, Days, Amounts]:
    """Runs of months with the summed weight of the persons linked, sliced as the row says."""
    entries: list[tuple[Days, Days, Column, Amounts]] = []
    links = people.links.get(members.link)
    if links is not None and people.others is not None:
        entries.extend(_linked(people.others, members, held, links, people.size))
    if rule.self_weight:
        own = np.full(len(held), rule.self_weight, dtype=np.int64)
        nobody = np.full(len(held), -1, dtype=np.int32)
        entries.append((held.person, nobody, held, own))
    table = np.zeros((0, 5), dtype=np.int64)
    for person, other, spans, weight in entries:
        last = np.minimum(spans.last, spans.change) >> 5
        table = np.vstack((table, np.column_stack((person, other, spans.first >> 5, last, weight))))
    table[:, 2] = np.maximum(table[:, 2], reach[0])
    table[:, 3] = np.minimum(table[:, 3], reach[1])
    return _summed(rule, table[table[:, 2] <= table[:, 3]])


def _linked(
    others: People, members: MemberRules, held: Column, links: Links, size: int
) -> Iterator[tuple[Days, Days, Column, Amounts]]:
    """Where each linked person weighs something while the row holds for whom they are linked to."""
    offsets = starts(links.person, size)
    count = offsets[held.person + 1] - offsets[held.person]
    which = np.repeat(np.arange(len(held)), count)
    ranks = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    link = offsets[held.person][which] + ranks
    order = np.argsort(links.other[link], kind="stable")
    which, link = which[order], link[order]
    together = Column(
        links.other[link],
        np.maximum(held.first[which], links.first[link]),
        np.minimum(held.last[which], links.last[link]),
        np.minimum(held.change[which], links.change[link]),
        held.person[which],
    )
    for member in members.rules:
        spans = held_spans(others, member.when, together)
        parent = np.zeros(0, dtype=np.int32) if spans.tag is None else spans.tag
        yield parent, spans.person, spans, np.full(len(spans), member.weight, dtype=np.int64)


def _summed(rule: Rule, table: Amounts) -> tuple[Days, Days, Days, Amounts]:
    """From (person, other, first month, last month, weight) to runs with the weight of a month."""
    lengths = table[:, 3] - table[:, 2] + 1
    entry = np.repeat(np.arange(len(table)), lengths)
    month = (
        table[entry, 2] + np.arange(len(entry)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    )
    person, other, weight = table[entry, 0], table[entry, 1], table[entry, 4]
    order = np.lexsort((-weight, other, month, person))
    person, other, month, weight = person[order], other[order], month[order], weight[order]
    heaviest = _fresh(person, month, other)
    person, month, weight = person[heaviest], month[heaviest], weight[heaviest]
    begin = np.flatnonzero(_fresh(person, month))
    weight = np.add.reduceat(weight, begin) if len(begin) else weight
    person, month = person[begin], month[begin]
    weight = np.maximum(weight - rule.slice_from, 0)
    if rule.slice_to is not None:
        weight = np.minimum(weight, rule.slice_to - rule.slice_from)
    some = weight > 0
    person, month, weight = person[some], month[some], weight[some]
    begin = np.flatnonzero(_fresh(person, month - np.arange(len(month)), weight))
    end = np.append(begin[1:], len(month)) - 1 if len(begin) else begin
    return (
        person[begin].astype(np.int32),
        month[begin].astype(np.int32),
        month[end].astype(np.int32),
        weight[begin],
    )


def _fresh(*keys: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.bool_]:
    """Where a sorted table's keys differ from the row before."""
    fresh = np.zeros(len(keys[0]), dtype=bool)
    fresh[:1] = True
    for key in keys:
        fresh[1:] |= key[1:] != key[:-1]
    return fresh
