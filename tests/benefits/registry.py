"""Facts of the registry, as benefits receives them."""

from datetime import date
from typing import Literal
from uuid import UUID

from contracts.beneficiary import (
    DuplicateResolved,
    DuplicateSuspected,
    HouseholdChanged,
    HouseholdMember,
    PersonRegistered,
    StatusChanged,
)
from contracts.envelope import Envelope
from tests.benefits.stories import uid
from tests.events import fact


def registered(
    name: str, born: str = "1960-05-01", *, under_review: bool = False, home: str = "home"
) -> Envelope[PersonRegistered]:
    return fact(
        PersonRegistered(
            person_id=uid(name),
            household_id=uid(home),
            birth_date=date.fromisoformat(born),
            birth_precision="day",
            sex=2,
            residence_region="VN-07-00694",
            identifier_kinds=("vn-cccd",),
            preferred_language="vi",
            under_review=under_review,
        )
    )


def status(
    name: str,
    code: str,
    level: str | None = None,
    since: str = "2026-01-01",
    state: Literal["granted", "ended"] = "granted",
) -> Envelope[StatusChanged]:
    return fact(
        StatusChanged(
            person_id=uid(name),
            code=code,
            level=level,
            state=state,
            effective_on=date.fromisoformat(since),
            evidence="centre",
        )
    )


def household(head: str | None, *members: str, home: str = "home") -> Envelope[HouseholdChanged]:
    return fact(
        HouseholdChanged(
            household_id=uid(home),
            members=tuple(
                HouseholdMember(person_id=uid(name), role="head" if name == head else "child")
                for name in members
            ),
            head_id=uid(head) if head else None,
            residence_region="VN-07-00694",
        )
    )


def suspected(first: str, second: str) -> Envelope[DuplicateSuspected]:
    return fact(
        DuplicateSuspected(
            pair_id=_pair(first, second),
            person_ids=(uid(first), uid(second)),
            score=0.9,
            reasons=("identifier.equal",),
        )
    )


def resolved(
    first: str, second: str, outcome: Literal["same", "distinct"]
) -> Envelope[DuplicateResolved]:
    return fact(
        DuplicateResolved(
            pair_id=_pair(first, second),
            person_ids=(uid(first), uid(second)),
            outcome=outcome,
            decided_by="officer-7",
        )
    )


def _pair(first: str, second: str) -> UUID:
    return uid("|".join(sorted((first, second))))
