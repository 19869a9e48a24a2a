from dataclasses import replace
from hashlib import sha256
from itertools import permutations, product

import pytest

from services.benefits.domain.cycles import (
    Approved,
    Cycle,
    CycleState,
    Line,
    Refusal,
    Unchanged,
    approve,
    cancel,
    cycle_id,
    digest_of,
)
from tests.benefits.stories import uid

LINES = [
    Line(uid(f"p{n}"), uid(f"e{n}"), uid(f"x{n}"), "2026-09", "allowance", 1000 + n, "VND")
    for n in range(3)
]
DIGEST = digest_of(LINES)


def cycle(state: CycleState = CycleState.PREPARED, *approvers: str) -> Cycle:
    return Cycle(uid("cycle"), state, "linh", DIGEST, approvers)


def test_the_digest_is_over_the_documented_lines() -> None:
    line = LINES[0]
    text = f"{line.payment_id}|{line.entitlement_id}|{line.payee_id}|2026-09|allowance|1000|VND"
    assert digest_of([line]) == sha256(text.encode()).hexdigest()


def test_the_order_of_lines_does_not_matter_and_every_field_does() -> None:
    assert {digest_of(order) for order in permutations(LINES)} == {DIGEST}
    first = LINES[0]
    changed = [
        replace(first, payment_id=uid("q")),
        replace(first, entitlement_id=uid("q")),
        replace(first, payee_id=uid("q")),
        replace(first, month="2026-10"),
        replace(first, component="other"),
        replace(first, amount_minor=1001),
        replace(first, currency="UAH"),
    ]
    digests = {digest_of([line, *LINES[1:]]) for line in changed}
    assert len(digests | {DIGEST}) == len(changed) + 1


def test_two_different_officers_order_a_cycle() -> None:
    assert approve(cycle(), "hoa", DIGEST) == Approved(orders=False)
    assert approve(cycle(CycleState.PREPARED, "hoa"), "nam", DIGEST) == Approved(orders=True)


@pytest.mark.parametrize(
    ("officer", "digest", "state", "approvers", "code"),
    [
        ("linh", DIGEST, CycleState.PREPARED, (), "cycle.own_preparation"),
        ("hoa", "0" * 64, CycleState.PREPARED, (), "cycle.other_digest"),
        ("hoa", DIGEST, CycleState.PREPARED, ("hoa",), "cycle.second_officer_needed"),
        ("hoa", DIGEST, CycleState.CANCELLED, (), "cycle.cancelled"),
        ("dao", DIGEST, CycleState.ORDERED, ("hoa", "nam"), "cycle.already_ordered"),
    ],
)
def test_an_approval_that_is_none(
    officer: str, digest: str, state: CycleState, approvers: tuple[str, ...], code: str
) -> None:
    assert approve(cycle(state, *approvers), officer, digest) == Refusal(code)


@pytest.mark.parametrize("state", [CycleState.ORDERED, CycleState.CLOSED])
def test_an_officer_who_approved_may_ask_again(state: CycleState) -> None:
    assert approve(cycle(state, "hoa", "nam"), "nam", DIGEST) == Unchanged()


def test_no_sequence_of_approvals_orders_without_two_officers_besides_the_preparer() -> None:
    officers, digests = ("linh", "hoa", "nam"), (DIGEST, "0" * 64)
    for attempt in product(product(officers, digests), repeat=3):
        state = cycle()
        for officer, digest in attempt:
            answer = approve(state, officer, digest)
            if isinstance(answer, Approved):
                assert digest == state.digest
                approvers = (*state.approvers, officer)
                after = CycleState.ORDERED if answer.orders else CycleState.PREPARED
                state = Cycle(state.id, after, "linh", DIGEST, approvers)
        assert (state.state is CycleState.ORDERED) == (set(state.approvers) == {"hoa", "nam"})
        assert len(state.approvers) == len(set(state.approvers))


def test_a_cycle_is_withdrawn_only_before_it_is_ordered() -> None:
    assert cancel(cycle()) is None
    assert cancel(cycle(CycleState.CANCELLED)) == Unchanged()
    assert cancel(cycle(CycleState.ORDERED)) == Refusal("cycle.already_ordered")


def test_asking_twice_for_a_cycle_names_the_same_one() -> None:
    one = cycle_id("VN-SA", "2026-09", "VN-07", 1)
    assert one == cycle_id("VN-SA", "2026-09", "VN-07", 1)
    assert one != cycle_id("VN-SA", "2026-09", "VN-07", 2)
