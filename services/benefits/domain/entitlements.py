"""An entitlement: a component of a programme due to a person, and what was told about it.

Its terms plan the months: each amount holds from its month to the next term, the last without end.
A term of 0 means that nothing is due. What was announced is kept apart, so that a change is told
once: when facts change it, or else in the month in which a birthday or a new rate does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from contracts.benefits import EntitlementAdjusted, EntitlementStarted, NoticeIssued
from contracts.envelope import Fact
from contracts.values import derived_id


@dataclass(frozen=True, slots=True)
class Term:
    """What is due for each month from `from_month` on, in whole minor units."""

    from_month: str
    amount_minor: int
    group: str
    coefficient: str
    standard_minor: int


@dataclass(frozen=True, slots=True)
class Held:
    """Not started while a suspected duplicate is looked at; `until` is the last day of the hold."""

    until: date


@dataclass(frozen=True, slots=True)
class Waiting:
    """Approved; starts as soon as the head of the household is known, who is to be paid."""


@dataclass(frozen=True, slots=True)
class Running:
    """Started and told; cycles pay it."""

    payee_id: UUID


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Never started: the person is known, and judged, under another record."""


Phase = Held | Waiting | Running | Cancelled


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One component due to one person under one programme. `terms` are in order of months."""

    id: UUID
    person_id: UUID
    programme: str
    component: str
    currency: str
    phase: Phase
    terms: tuple[Term, ...]
    announced: tuple[tuple[str, int], ...] = ()
    """(month, amount) as published; each month once."""

    def amount_at(self, month: str) -> int:
        """What is due for a month, in minor units."""
        return amount_at(self.terms, month)


def entitlement_id(person_id: UUID, programme: str, component: str) -> UUID:
    """The id of a person's entitlement: the same however often it is derived."""
    return derived_id(str(person_id), "entitlement", f"{programme}\x1f{component}")


def term_at(terms: Sequence[Term], month: str) -> Term | None:
    """The term that covers a month."""
    return next((term for term in reversed(terms) if term.from_month <= month), None)


def amount_at(terms: Sequence[Term], month: str) -> int:
    """What terms owe for a month, in minor units."""
    term = term_at(terms, month)
    return term.amount_minor if term else 0


def spliced(known: Sequence[Term], plan: Sequence[Term], month: str) -> tuple[Term, ...]:
    """What was due before a month, and a new plan from it on; past months are never rewritten."""
    kept = [term for term in known if term.from_month < month]
    for term in plan:
        last = kept[-1] if kept else None
        if last is None and term.amount_minor == 0:
            continue
        if last is None or replace(term, from_month=last.from_month) != last:
            kept.append(term)
    return tuple(kept)


def started(entitlement: Entitlement, payee_id: UUID) -> tuple[Entitlement, list[Fact]]:
    """Starts an entitlement: the fact, and exactly one notice to its payee."""
    first = next((term for term in entitlement.terms if term.amount_minor > 0), None)
    if first is None:
        return entitlement, []
    running = replace(
        entitlement,
        phase=Running(payee_id),
        announced=((first.from_month, first.amount_minor),),
    )
    return running, [
        EntitlementStarted(
            entitlement_id=entitlement.id,
            person_id=entitlement.person_id,
            payee_id=payee_id,
            programme=entitlement.programme,
            group=first.group,
            coefficient=first.coefficient,
            standard_minor=first.standard_minor,
            amount_minor=first.amount_minor,
            currency=entitlement.currency,
            from_month=first.from_month,
        ),
        NoticeIssued(
            notice_id=derived_id(str(entitlement.id), "notice", "entitlement_started"),
            payee_id=payee_id,
            template="entitlement_started",
            amount_minor=first.amount_minor,
            currency=entitlement.currency,
            month=first.from_month,
            reason="new_entitlement",
        ),
    ]


def replanned(
    entitlement: Entitlement, plan: Sequence[Term], month: str
) -> tuple[Entitlement, list[Fact]]:
    """Puts a new plan in force from a month on; tells the first month that it changes, if any."""
    later = replace(entitlement, terms=spliced(entitlement.terms, plan, month))
    if later.terms == entitlement.terms or not isinstance(entitlement.phase, Running):
        return later, []
    starts = {term.from_month for term in (*entitlement.terms, *later.terms)} | {month}
    for start in sorted(start for start in starts if start >= month):
        old, new = term_at(entitlement.terms, start), term_at(later.terms, start)
        if entitlement.amount_at(start) != later.amount_at(start):
            same_right = old and new and _right(old) == _right(new)
            reason = "standard_changed" if same_right else "facts_changed"
            return _told(later, start, entitlement.amount_at(start), reason)
    return later, []


def _right(term: Term) -> tuple[str, str]:
    return term.group, term.coefficient


def caught_up(entitlement: Entitlement, month: str) -> tuple[Entitlement, list[Fact]]:
    """Tells the amount of a month if it is not the one last told for it."""
    told = [pair for pair in entitlement.announced if pair[0] <= month]
    if not isinstance(entitlement.phase, Running) or not told:
        return entitlement, []
    last_month, amount = max(told)
    if amount == entitlement.amount_at(month):
        return entitlement, []
    before, now = term_at(entitlement.terms, last_month), term_at(entitlement.terms, month)
    same_standard = before and now and before.standard_minor == now.standard_minor
    reason = "age_band" if same_standard else "standard_changed"
    start = max(last_month, now.from_month) if now else last_month
    return _told(entitlement, start, amount, reason)


def _told(
    entitlement: Entitlement, month: str, old_minor: int, reason: str
) -> tuple[Entitlement, list[Fact]]:
    new_minor = entitlement.amount_at(month)
    kept = tuple(pair for pair in entitlement.announced if pair[0] != month)
    return replace(entitlement, announced=(*kept, (month, new_minor))), [
        EntitlementAdjusted(
            entitlement_id=entitlement.id,
            person_id=entitlement.person_id,
            old_amount_minor=old_minor,
            new_amount_minor=new_minor,
            currency=entitlement.currency,
            from_month=month,
            reason=reason,
        )
    ]
