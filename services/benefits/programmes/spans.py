"""Set algebra on spans: where all hold, where none holds, and which months count.

A span (first, last, change) holds from its first day through its last, and before the day of the
change. Its months run from the month of its first day through the month of its last day or, if
that comes first, of its change: what lowers or ends counts from the month after.
"""

from collections.abc import Iterable, Sequence

from services.benefits.programmes.days import ALWAYS, NEVER, next_day
from services.benefits.programmes.facts import Span

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


def months(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """First and last month that each span counts for."""
    return [(first >> 5, min(last, change) >> 5) for first, last, change in spans]
