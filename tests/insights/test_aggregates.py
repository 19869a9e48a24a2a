"""Folds of events: each thing counts in one place, whatever it went through."""

from hypothesis import given
from hypothesis import strategies as st

from services.insights.aggregates import (
    DECIDED,
    OUTCOME_MEASURE,
    PAID,
    RETURNED,
    WAITING,
    Delta,
    Spot,
    State,
    folded,
    moved,
)

HERE = Spot("VN-07", "VN-07-00694", 2)
THERE = Spot("VN-07", "VN-07-00700", 1)


def said(state: str, amount_minor: int = 0) -> State:
    return State(state, "2026-09", HERE, amount_minor)


def test_a_deferred_application_waits_until_it_is_approved() -> None:
    # given a decision that was deferred, and later approved
    first = moved(None, said("deferred"), OUTCOME_MEASURE)
    then = moved(said("deferred"), said("approved"), OUTCOME_MEASURE)

    # when both are folded
    cells = {delta.measure: delta.count for delta in folded([*first, *then])}

    # then nobody waits and one is decided
    assert cells == {DECIDED: 1}
    assert folded(first) == [Delta(WAITING, "2026-09", HERE, 1)]


def test_a_payment_that_comes_back_after_it_was_booked_leaves_the_paid() -> None:
    measures = {"settled": PAID, "returned": RETURNED}
    deltas = moved(None, said("settled", 500_000), measures)
    deltas += moved(said("settled", 500_000), said("returned", 500_000), measures)
    assert folded(deltas) == [Delta(RETURNED, "2026-09", HERE, 1, 500_000)]


def test_a_refusal_counts_nowhere() -> None:
    assert moved(None, said("refused"), OUTCOME_MEASURE) == []


deltas = st.lists(
    st.builds(
        Delta,
        st.sampled_from([PAID, RETURNED]),
        st.sampled_from(["2026-08", "2026-09"]),
        st.sampled_from([HERE, THERE]),
        st.integers(-3, 3),
        st.integers(-1000, 1000),
    ),
    max_size=30,
)


@given(deltas, st.randoms(use_true_random=False))
def test_folding_gives_one_row_a_cell_in_any_order(all_deltas: list[Delta], random: object) -> None:
    shuffled = list(all_deltas)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    cells = folded(shuffled)
    assert cells == folded(all_deltas)
    places = [(cell.measure, cell.month, cell.spot) for cell in cells]
    assert len(places) == len(set(places))
    assert sum(cell.count for cell in cells) == sum(delta.count for delta in all_deltas)
