"""What a new or corrected fact changes: per month, and against months that are already closed.

A closed month is never rewritten: it gets a supplementary entry, or an overpayment is detected.
Nothing is deducted here; who decides about an overpayment, and whether, is not a rule's business.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from services.benefits.programmes.days import month_text, parse_month
from services.benefits.programmes.entitlement import MonthlyEntitlement

EntryKind = Literal[
    "started",
    "adjusted",
    "suspended",
    "resumed",
    "ended",
    "supplementary",
    "overpayment",
]


class Entry(NamedTuple):
    """The difference of one month, in minor units; `reason` names the rows that now pay."""

    month: str
    kind: EntryKind
    before_minor: int
    after_minor: int
    reason: str

    @property
    def difference_minor(self) -> int:
        """What the month gains; negative where it loses."""
        return self.after_minor - self.before_minor


class _Month(NamedTuple):
    total: int
    suspended: bool
    reason: str


def differences(
    before: Iterable[MonthlyEntitlement],
    after: Iterable[MonthlyEntitlement],
    closed_through: str | None = None,
) -> tuple[Entry, ...]:
    """One entry per month whose total changed, oldest first.

    `before` and `after` are results of `entitle` for the same months; months up to
    `closed_through` are closed. The same total by other rows is no difference.
    """
    old, new = _by_month(before), _by_month(after)
    nothing = _Month(0, suspended=False, reason="")
    entries = []
    for month in sorted(old.keys() | new.keys()):
        was, is_now = old.get(month, nothing), new.get(month, nothing)
        if was.total != is_now.total:
            closed = closed_through is not None and month <= closed_through
            kind = _closed_kind(was, is_now) if closed else _open_kind(was, is_now)
            reason = is_now.reason or was.reason
            entries.append(Entry(month, kind, was.total, is_now.total, reason))
    return tuple(entries)


def _closed_kind(was: _Month, is_now: _Month) -> EntryKind:
    return "supplementary" if is_now.total > was.total else "overpayment"


def _open_kind(was: _Month, is_now: _Month) -> EntryKind:
    if is_now.total == 0:
        return "suspended" if is_now.suspended else "ended"
    if was.total == 0:
        return "resumed" if was.suspended else "started"
    return "adjusted"


def _by_month(rows: Iterable[MonthlyEntitlement]) -> dict[str, _Month]:
    months: dict[str, _Month] = {}
    for row in rows:
        held = months.get(row.month)
        reason = row.reason if held is None else f"{held.reason}+{row.reason}"
        total = row.amount_minor + (held.total if held else 0)
        months[row.month] = _Month(total, row.kind == "suspended", reason)
    return months


class Held(NamedTuple):
    """A month earned by a person who died, unpaid: held for the lawful successor."""

    month: str
    amount_minor: int


def held_for_successor(
    due: Iterable[MonthlyEntitlement], paid_minor: Mapping[str, int], died_on: date
) -> tuple[Held, ...]:
    """Of the months up to the month of death, what is due and was not paid."""
    last = f"{died_on.year:04d}-{died_on.month:02d}"
    return tuple(
        Held(month, total.total - paid_minor.get(month, 0))
        for month, total in sorted(_by_month(due).items())
        if month <= last and total.total > paid_minor.get(month, 0)
    )


def paying_region(
    residence: Sequence[tuple[date, str]], month: str, ordered_by: str | None = None
) -> str | None:
    """The one region that pays a month; None where no residence is known by its end.

    `residence` is (first day, region); `ordered_by` is the region that had already ordered the
    month when the person moved, and it keeps the month. Otherwise the region of the last day pays.
    """
    if ordered_by is not None:
        return ordered_by
    number = parse_month(month)
    if number is None:
        return None
    following = f"{month_text(number + 1)}-01"
    known = [(first, region) for first, region in sorted(residence) if str(first) < following]
    return known[-1][1] if known else None
