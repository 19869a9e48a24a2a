"""Inputs derived from facts, entered into a dossier once before its rules are read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from services.benefits.programmes.days import (
    ALWAYS,
    NEVER,
    YEAR,
    birthday,
    first_day,
    last_day,
    next_day,
    pack_day,
    previous_day,
    term_end,
    unpack_day,
)
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.inputs import (
    AllInput,
    ComparedInput,
    DeferredInput,
    HeldAtInput,
    Input,
    LinkedInput,
    LongerThanInput,
    TermInput,
    YoungerThanInput,
)
from services.benefits.programmes.pack import Lapse
from services.benefits.programmes.plan import Conditions, Dated, Plan
from services.benefits.programmes.spans import Span, both, merged, outside

MAX_RENEWALS: Final = 400
_LAST_COUNTED: Final = NEVER - 20 * YEAR
"""Days are counted from days before this one: the calendar ends soon after."""

Spans = tuple[Span, ...]


def derive(plan: Plan, dossier: Dossier) -> Dossier:
    """Enter derived inputs and lapses into a freshly resolved dossier; returns the same one."""
    for lapse in plan.pack.lapses:
        _lapse(plan, dossier, lapse)
    for item in plan.pack.inputs:
        compute = _COMPUTE.get(type(item))
        spans = compute(plan, dossier, item) if compute else ()
        if spans:
            dossier.spans[item.name] = tuple(spans)
    return dossier


def spans_of(plan: Plan, dossier: Dossier, key: str) -> Sequence[Span]:
    """Where a key of the pack holds."""
    return merged(rows_of(plan, dossier, key))


def rows_of(plan: Plan, dossier: Dossier, key: str) -> list[Span]:
    """As `spans_of`, each statement apart: an application is one even where another goes before."""
    return [span for part in plan.keys(key) for span in dossier.spans.get(part, ())]


def holds_on(spans: Iterable[Span], day: int) -> bool:
    """Whether a span holds on a day."""
    return any(first <= day <= last and day < change for first, last, change in spans)


def conditions_hold(when: Conditions, dossier: Dossier, within: list[Span]) -> list[Span]:
    """Where all conditions hold on one and the same day of the person's life."""
    birth = dossier.birth
    start = birthday(birth, when.age_from)
    change = NEVER if when.age_to is None else birthday(birth, when.age_to)
    held = both(within, ((start, dossier.death, change),))
    for keys in when.has:
        if not held:
            return held
        held = both(held, merged([s for key in keys for s in dossier.spans.get(key, ())]))
    for keys in when.has_not:
        against = [span for key in keys for span in dossier.spans.get(key, ())]
        if against and held:
            held = both(held, outside(against))
    return held


def _held_at(plan: Plan, dossier: Dossier, item: HeldAtInput) -> Spans:
    reached = birthday(dossier.birth, item.age)
    held = holds_on(spans_of(plan, dossier, item.fact), previous_day(reached))
    return ((reached, NEVER, NEVER),) if held else ()


def _deferred(plan: Plan, dossier: Dossier, item: DeferredInput) -> Spans:
    """Stays; one that starts in a month in which `unless` holds starts with the next month."""
    blocked = spans_of(plan, dossier, item.unless)
    spans = []
    for first, last, change in spans_of(plan, dossier, item.fact):
        month = first >> 5
        busy = any(f <= last_day(month) and t >= first_day(month) for f, t, _ in blocked)
        start = first_day(month + 1) if busy else first
        if start <= last and start < change:
            spans.append((start, last, change))
    return tuple(spans)


def _all(plan: Plan, dossier: Dossier, item: AllInput) -> Spans:
    held: list[Span] = [(ALWAYS, NEVER, NEVER)]
    for key in item.of:
        held = both(held, spans_of(plan, dossier, key))
    return tuple(held)


def _longer_than(plan: Plan, dossier: Dossier, item: LongerThanInput) -> Spans:
    spans = []
    for first, last, change in spans_of(plan, dossier, item.fact):
        if ALWAYS < first < _LAST_COUNTED:
            start = pack_day(unpack_day(first) + timedelta(days=item.days))
            if start <= last and start < change:
                spans.append((start, last, change))
    return tuple(spans)


def _younger_than(_plan: Plan, dossier: Dossier, item: YoungerThanInput) -> Spans:
    return tuple(
        (first, NEVER, birthday(first, item.years))
        for first, _, _ in dossier.spans.get(item.fact, ())
    )


def _linked(plan: Plan, dossier: Dossier, item: LinkedInput) -> Spans:
    table = plan.members[item.members]
    return tuple(
        span
        for linked, other in dossier.links.get(table.link, ())
        for rule in table.rules
        for span in conditions_hold(rule.when, other, [linked])
    )


def _compared(plan: Plan, dossier: Dossier, item: ComparedInput) -> Spans:
    """The days on which the comparison holds, cut where anything in it may change."""
    threshold = plan.thresholds[item.parameter]
    spans = []
    for first, last, amount in dossier.amounts.get(item.amount, ()):
        cuts = sorted(set(_cuts(dossier, item, threshold, first, last)))
        for start, after in zip(cuts, [*cuts[1:], NEVER], strict=True):
            heads = persons_counted(dossier, item.per, start)
            line = threshold.highest_in(start >> 5).amount
            if _fits(item, amount, heads * item.divisor, line):
                spans.append((start, last, after))
    return tuple(spans)


def _cuts(
    dossier: Dossier, item: ComparedInput, threshold: Dated, first: int, last: int
) -> Iterator[int]:
    yield first
    changes = [first_day(step.first_month) for step in threshold.steps]
    changes += [first_day(step.first_month + 1) for step in threshold.steps]
    for (start, end, turn), other in dossier.links.get(item.per or "", ()):
        changes += [start, other.birth, min(next_day(end), turn), next_day(other.death)]
    for day in changes:
        if first < day <= last:
            yield day


def persons_counted(dossier: Dossier, link: str | None, day: int) -> int:
    """The persons an amount is divided by: the person and whoever is linked and alive."""
    return 1 + sum(
        holds_on((span,), day) and other.birth <= day <= other.death
        for span, other in dossier.links.get(link or "", ())
    )


def _fits(item: ComparedInput, amount: int, divisor: int, line: int) -> bool:
    """Compared without division: amount against line times multiple times divisor."""
    left = amount * 10_000
    above = item.above is None or left > line * divisor * _times(item.above)
    return above and (item.at_most is None or left <= line * divisor * _times(item.at_most))


def _times(number: str) -> int:
    whole, _, part = number.partition(".")
    return int(whole) * 10_000 + int(part.ljust(4, "0"))


def _term(plan: Plan, dossier: Dossier, item: TermInput) -> Spans:
    spans = []
    for applied, _, _ in rows_of(plan, dossier, item.fact):
        if _may_begin(plan, dossier, item, applied):
            start = _first_of_term(item, applied)
            change = _ended_on(plan, dossier, item, applied)
            end = _end_of_term(plan, dossier, item, start)
            if start <= end and start < change:
                spans.append((start, end, change))
    return tuple(spans)


def _may_begin(plan: Plan, dossier: Dossier, item: TermInput, applied: int) -> bool:
    if item.from_ and applied < pack_day(item.from_):
        return False
    if item.to and applied > pack_day(item.to):
        return False
    needed = all(holds_on(spans_of(plan, dossier, key), applied) for key in item.when)
    against = (*item.unless, *item.ends_by)
    return needed and not any(holds_on(spans_of(plan, dossier, key), applied) for key in against)


def _first_of_term(item: TermInput, applied: int) -> int:
    month = applied >> 5
    if item.starts == "next_list":
        month += 1 if applied & 31 <= item.by_day else 2
    return first_day(month)


def _ended_on(plan: Plan, dossier: Dossier, item: TermInput, applied: int) -> int:
    """The first day after the application on which something ends the right."""
    return min(
        (
            first
            for key in item.ends_by
            for first, _, _ in spans_of(plan, dossier, key)
            if first > applied
        ),
        default=NEVER,
    )


def _end_of_term(plan: Plan, dossier: Dossier, item: TermInput, start: int) -> int:
    """The last day of the term with its renewals."""
    length = _length(dossier, item, start)
    if not length:
        return ALWAYS
    begin = max(start, first_day(pack_day(item.anchor) >> 5)) if item.anchor else start
    end = term_end(begin, length)
    renewal = spans_of(plan, dossier, item.renew_while) if item.renew_while else []
    for _ in range(MAX_RENEWALS):
        if not holds_on(renewal, end):
            break
        end = term_end(next_day(end), length)
    return end


def _length(dossier: Dossier, item: TermInput, start: int) -> int:
    if item.months is not None:
        return item.months
    counts = dossier.amounts.get(item.months_fact or "", ())
    return next((n for first, last, n in counts if first <= last_day(start >> 5) <= last), 0)


def lapse_days(spans: Iterable[Span], months: int) -> list[int]:
    """The last days of terms of so many months that ran out while the span still held."""
    return [
        end
        for first, last, change in spans
        if (end := term_end(first, months)) <= last and end < change
    ]


def cut_at(spans: Spans, end: int) -> Spans:
    """Spans that began by `end` last no longer than it."""
    return tuple(
        (first, min(last, end), change) if first <= end else (first, last, change)
        for first, last, change in spans
    )


def _lapse(plan: Plan, dossier: Dossier, lapse: Lapse) -> None:
    for key in plan.keys(lapse.by):
        if key in dossier.spans:
            dossier.spans[key] = tuple(merged(dossier.spans[key]))
    ends = lapse_days(spans_of(plan, dossier, lapse.by), lapse.months)
    keys = [key for fact in (*lapse.facts, lapse.by) for key in plan.keys(fact)]
    for end in ends:
        for key in keys:
            if key in dossier.spans:
                dossier.spans[key] = cut_at(dossier.spans[key], end)
    dossier.lapsed = (*dossier.lapsed, *ends)


_COMPUTE: Final[dict[type[Input], Callable[[Plan, Dossier, Any], Spans]]] = {
    HeldAtInput: _held_at,
    DeferredInput: _deferred,
    AllInput: _all,
    LongerThanInput: _longer_than,
    YoungerThanInput: _younger_than,
    LinkedInput: _linked,
    ComparedInput: _compared,
    TermInput: _term,
}
