"""Inputs derived from facts, entered into a dossier once before its rules are read."""

from services.benefits.programmes.days import (
    NEVER,
    birthday,
    first_day,
    last_day,
    previous_day,
    term_end,
)
from services.benefits.programmes.facts import Dossier, Span
from services.benefits.programmes.pack import DeferredInput, HeldAtInput, Lapse
from services.benefits.programmes.plan import Plan


def derive(plan: Plan, dossier: Dossier) -> Dossier:
    """Enter derived inputs and lapses into a freshly resolved dossier; returns the same one."""
    for item in plan.pack.inputs:
        if isinstance(item, HeldAtInput):
            spans = _held_at(dossier, item)
        elif isinstance(item, DeferredInput):
            spans = _deferred(dossier, item)
        else:
            continue
        if spans:
            dossier.spans[item.name] = spans
    for lapse in plan.pack.lapses:
        _lapse(plan, dossier, lapse)
    return dossier


def _held_at(dossier: Dossier, item: HeldAtInput) -> tuple[Span, ...]:
    reached = birthday(dossier.birth, item.age)
    eve = previous_day(reached)
    held = any(
        first <= eve <= last and eve < change
        for first, last, change in dossier.spans.get(item.fact, ())
    )
    return ((reached, NEVER, NEVER),) if held else ()


def _deferred(dossier: Dossier, item: DeferredInput) -> tuple[Span, ...]:
    """Stays; one that starts in a month in which `unless` holds starts with the next month."""
    blocked = dossier.spans.get(item.unless, ())
    spans = []
    for first, last, change in dossier.spans.get(item.fact, ()):
        month = first >> 5
        busy = any(f <= last_day(month) and t >= first_day(month) for f, t, _ in blocked)
        start = first_day(month + 1) if busy else first
        if start <= last and start < change:
            spans.append((start, last, change))
    return tuple(spans)


def lapse_days(dossier: Dossier, by: str, months: int) -> list[int]:
    """The last days of terms that ran out while `by` still held."""
    return [
        end
        for first, last, change in dossier.spans.get(by, ())
        if (end := term_end(first, months)) <= last and end < change
    ]


def cut_at(spans: tuple[Span, ...], end: int) -> tuple[Span, ...]:
    """Spans that began by `end` last no longer than it."""
    return tuple(
        (first, min(last, end), change) if first <= end else (first, last, change)
        for first, last, change in spans
    )


def _lapse(plan: Plan, dossier: Dossier, lapse: Lapse) -> None:
    ends = lapse_days(dossier, lapse.by, lapse.months)
    if not ends:
        return
    keys = [key for fact in lapse.facts for key in plan.keys("any", fact)]
    for key in (*keys, lapse.by):
        for end in ends:
            if key in dossier.spans:
                dossier.spans[key] = cut_at(dossier.spans[key], end)
    dossier.lapsed = tuple(ends)
