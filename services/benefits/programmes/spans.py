"""Set algebra on spans: where all hold, where none holds, and which months count.

A span (first, last, change) holds from its first day through its last, and before the day of the
change. Its months run from the month of its first day through the month of its last day or, if
that comes first, of its change: what lowers or ends counts from the month after.
"""

from collections.abc import Iterable, Sequence

from services.benefits.programmes.days import ALWAYS, NEVER, next_day

Span = tuple[int, int, int]
"""First day, last day, and the day of the change that ends it: it holds while both allow.

An ending written as a last day counts on that day; an ending caused by something else (a birthday,
a fact that speaks against) is dated by that change, so the month of the change still counts.
"""
Spans = Sequence[Span]


def both(left: Spans, right: Spans) -> list[Span]:
    """Where a span of each side holds on the same day."""
    found = []
    for first, last, change in left:
        for other_first, other_last, other_change in right:
            start = first if first > other_first else other_first  # noqa: FURB136 - twice as fast
            end = last if last < other_last else other_last  # noqa: FURB136 - twice as fast
            turn = change if change < other_change else other_change  # noqa: FURB136 - same
            if start <= end and start < turn:
                found.append((start, end, turn))
    return found


def outside(spans: Iterable[Span]) -> list[Span]:
    """Where none of the spans holds; what ends it is the change that the next span brings."""
    found = []
    free_from = ALWAYS
    for first, last, change in sorted(spans):
        if first > free_from:
            found.append((free_from, NEVER, first))
        free_from = max(free_from, min(next_day(last), change))
    if free_from < NEVER:
        found.append((free_from, NEVER, NEVER))
    return found


def merged(spans: Spans) -> Spans:
    """Spans that overlap or follow one another day by day as one.

    Into how many rows a fact was cut, and which of several facts held, is no change to the person.
    """
    if len(spans) <= 1:
        return spans
    found: list[Span] = []
    for span in sorted(spans):
        if found and span[0] <= _end(found[-1])[0]:
            if _end(span) > _end(found[-1]):
                found[-1] = (found[-1][0], span[1], span[2])
        else:
            found.append(span)
    return found


def _end(span: Span) -> tuple[int, int]:
    """The first day on which a span does not hold, and the last that counts as its month."""
    _, last, change = span
    return min(next_day(last), change), min(last, change)


def months(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """First and last month that each span counts for."""
    return [(first >> 5, min(last, change) >> 5) for first, last, change in spans]
