from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.benefits.programmes import load_pack
from services.benefits.programmes.allocation import (
    AidRequest,
    TravelClaim,
    allocate,
    settle_claims,
)

AID = load_pack("UZ-MA")


def test_of_two_requests_at_once_the_limit_grants_one_and_defers_one() -> None:
    requests = [AidRequest("a", 150_000_000), AidRequest("b", 150_000_000)]
    first, second = allocate(AID, 200_000_000, requests)
    assert (first.outcome, first.left_minor) == ("granted", 50_000_000)
    assert (second.outcome, second.reason) == ("deferred", "limit_exhausted")


def test_the_third_deferral_in_a_row_refuses() -> None:
    outcomes = [allocate(AID, 0, [AidRequest("a", 1, before)])[0].outcome for before in (0, 1, 2)]
    assert outcomes == ["deferred", "deferred", "refused"]


def test_a_pack_without_deferrals_refuses_at_once() -> None:
    (found,) = allocate(load_pack("VN-SA"), 0, [AidRequest("a", 1)])
    assert found.outcome == "refused"


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**8), max_size=30))
def test_what_is_granted_never_exceeds_the_limit(limit: int, amounts: list[int]) -> None:
    requests = [AidRequest(str(number), amount) for number, amount in enumerate(amounts)]
    decisions = allocate(AID, limit, requests)
    granted = sum(
        request.amount_minor
        for request, decision in zip(requests, decisions, strict=True)
        if decision.outcome == "granted"
    )
    assert granted <= limit
    assert not decisions or decisions[-1].left_minor == limit - granted


def test_a_visit_is_paid_once_and_a_claim_without_one_is_returned() -> None:
    visits = {"v1": date(2024, 10, 20), "v2": date(2024, 10, 21)}
    claims = [
        TravelClaim("phone", "v1", 12_000),
        TravelClaim("web", "v1", 12_000),
        TravelClaim("lost", "v9", 5_000),
        TravelClaim("paid", "v2", 5_000),
    ]
    found = settle_claims(claims, visits, frozenset({"v2"}))
    assert [(decision.outcome, decision.reason) for decision in found] == [
        ("settled", "visit_recorded"),
        ("returned", "visit_already_paid"),
        ("returned", "no_recorded_visit"),
        ("returned", "visit_already_paid"),
    ]
    assert found[0].visited_on == date(2024, 10, 20)
