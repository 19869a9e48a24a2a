"""Spans of many people: the set algebra of `spans.py` over columns, written apart from it."""

from typing import Final

import numpy as np

from services.benefits.programmes.days import ALWAYS, NEVER, YEAR
from services.benefits.programmes.people import Column, Days, People, next_days, starts
from services.benefits.programmes.plan import Conditions

_LEAP_DAY: Final = 32 + 29


def birthdays(birth: Days, years: int) -> Days:
    """The days on which people born on `birth` reach an age; see `days.birthday`."""
    day = birth + np.int32(years * YEAR)
    leap_born = birth % YEAR == _LEAP_DAY
    if leap_born.any():
        year = day // YEAR
        leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
        day = np.where(leap_born & ~leap, day + 4, day)
    return day.astype(np.int32)


def held_spans(people: People, when: Conditions, held: Column) -> Column:
    """Where all conditions hold within given spans, on one and the same day."""
    birth = people.birth[held.person]
    first = np.maximum(held.first, birthdays(birth, when.age_from))
    last = np.minimum(held.last, people.death[held.person])
    change = held.change
    if when.age_to is not None:
        change = np.minimum(change, birthdays(birth, when.age_to))
    held = _living(Column(held.person, first, last, change, held.tag))
    for keys in when.has:
        held = intersected(held, people.union(keys), people.offsets(keys))
    for keys in when.has_not:
        held = without(held, people.union(keys), people.size)
    return held


def _living(held: Column) -> Column:
    alive = (held.first <= held.last) & (held.first < held.change)
    return held if alive.all() else held.taken(alive)


def intersected(held: Column, column: Column, offsets: Days) -> Column:
    """Where a span of each side holds on the same day."""
    begin = offsets[held.person]
    count = offsets[held.person + 1] - begin
    if count.max(initial=0) > 1:
        which = np.repeat(np.arange(len(held)), count)
        ranks = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        other = begin[which] + ranks
    else:
        which = np.flatnonzero(count)
        other = begin[which]
    return _living(
        Column(
            held.person[which],
            np.maximum(held.first[which], column.first[other]),
            np.minimum(held.last[which], column.last[other]),
            np.minimum(held.change[which], column.change[other]),
            None if held.tag is None else held.tag[which],
        )
    )


def without(held: Column, column: Column, people: int) -> Column:
    """Where no span of the column holds; what ends it is the change that its next span brings."""
    offsets = starts(column.person, people)
    touched = offsets[held.person + 1] > offsets[held.person]
    if not touched.any():
        return held
    gaps = outside_spans(column)
    left = intersected(held.taken(touched), gaps, starts(gaps.person, people))
    return Column.joined([held.taken(~touched), left])


def outside_spans(column: Column) -> Column:
    """The days outside the spans of each person in the column, sorted by person and day."""
    order = np.lexsort((column.first, column.person))
    spans = column.taken(order)
    person = spans.person.astype(np.int64)
    reach = np.minimum(next_days(spans.last), spans.change).astype(np.int64)
    wide = np.int64(NEVER + 1)
    covered = np.maximum.accumulate(person * wide + reach) - person * wide
    newcomer = np.ones(len(spans), dtype=bool)
    newcomer[1:] = person[1:] != person[:-1]
    free_from = np.empty_like(covered)
    free_from[0] = ALWAYS
    free_from[1:] = covered[:-1]
    free_from[newcomer] = ALWAYS
    final = np.ones(len(spans), dtype=bool)
    final[:-1] = newcomer[1:]
    before = spans.first > free_from
    after = final & (covered < NEVER)
    gap_person = np.concatenate([person[before], person[after]])
    gap_first = np.concatenate([free_from[before], covered[after]])
    gap_change = np.concatenate([spans.first[before], np.full(int(after.sum()), NEVER)])
    order = np.lexsort((gap_first, gap_person))
    return Column(
        gap_person[order].astype(np.int32),
        gap_first[order].astype(np.int32),
        np.full(len(order), NEVER, dtype=np.int32),
        gap_change[order].astype(np.int32),
    )
