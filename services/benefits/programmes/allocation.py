"""Decisions on requests that share a limit or a proof: mahalla aid, and travel claims.

Both are folds over requests in their order, so that the same requests give the same decisions.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from services.benefits.programmes.pack import Pack

AidOutcome = Literal["granted", "deferred", "refused"]


class AidRequest(NamedTuple):
    """A request for aid; `deferred_before` counts its deferrals in a row so far."""

    request_id: str
    amount_minor: int
    deferred_before: int = 0


class AidDecision(NamedTuple):
    """What came of a request; `left_minor` is what the limit still holds after it."""

    request_id: str
    outcome: AidOutcome
    reason: Literal["within_limit", "limit_exhausted", "deferred_too_often"]
    left_minor: int


def allocate(
    pack: Pack, limit_minor: int, requests: Sequence[AidRequest]
) -> tuple[AidDecision, ...]:
    """Decide approved requests against what is left of a month's limit, in the order given.

    A request beyond the limit is deferred; the deferral that fills the pack's count refuses it.
    What is granted never exceeds the limit. A month without a decision is no deferral.
    """
    most = pack.allocation.deferrals if pack.allocation else 1
    left = limit_minor
    decisions = []
    for request in requests:
        if request.amount_minor <= left:
            left -= request.amount_minor
            decisions.append(AidDecision(request.request_id, "granted", "within_limit", left))
        elif request.deferred_before + 1 >= most:
            decisions.append(AidDecision(request.request_id, "refused", "deferred_too_often", left))
        else:
            decisions.append(AidDecision(request.request_id, "deferred", "limit_exhausted", left))
    return tuple(decisions)


class TravelClaim(NamedTuple):
    """A claim for the fare to a visit, as submitted."""

    claim_id: str
    visit_id: str
    amount_minor: int


class ClaimDecision(NamedTuple):
    """What came of a claim; a settled one is due on the day of the visit."""

    claim_id: str
    outcome: Literal["settled", "returned"]
    reason: Literal["visit_recorded", "no_recorded_visit", "visit_already_paid"]
    visited_on: date | None


def settle_claims(
    claims: Iterable[TravelClaim],
    visits: Mapping[str, date],
    paid_visits: frozenset[str] = frozenset(),
) -> tuple[ClaimDecision, ...]:
    """Match claims to recorded visits, in the order given: each visit is paid once."""
    paid = set(paid_visits)
    decisions = []
    for claim in claims:
        visited_on = visits.get(claim.visit_id)
        if visited_on is None:
            decision = ClaimDecision(claim.claim_id, "returned", "no_recorded_visit", None)
        elif claim.visit_id in paid:
            decision = ClaimDecision(claim.claim_id, "returned", "visit_already_paid", visited_on)
        else:
            paid.add(claim.visit_id)
            decision = ClaimDecision(claim.claim_id, "settled", "visit_recorded", visited_on)
        decisions.append(decision)
    return tuple(decisions)
