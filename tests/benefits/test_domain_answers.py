from collections.abc import Sequence
from datetime import date
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.benefits.domain.answers import (
    Answer,
    Booked,
    Payment,
    Refused,
    SentBack,
    State,
    apply,
)
from services.benefits.domain.ledger import (
    SIDES,
    Account,
    Posting,
    Transfer,
    balances_of,
    position,
)
from tests.benefits.stories import uid

PAYMENT = Payment(uid("payment"), 750_000, "VND")
DAY = date(2026, 9, 16)


def booked(sequence: int, amount: int = 750_000, currency: str = "VND") -> Booked:
    return Booked(sequence, amount, currency, DAY)


def sent_back(sequence: int, reason: str = "AC04") -> SentBack:
    return SentBack(sequence, 750_000, "VND", reason)


def delivered(answers: Sequence[Answer]) -> tuple[Payment, list[Posting], list[str]]:
    payment, postings, differences = PAYMENT, [], []
    for answer in answers:
        step = apply(payment, answer)
        payment = step.payment
        postings += [step.posting] if step.posting else []
        differences += [step.difference] if step.difference else []
    return payment, postings, differences


def test_a_booked_payment_is_settled() -> None:
    payment, postings, _ = delivered([booked(3)])
    assert (payment.state, payment.booked_sequence, payment.booked_on) == (State.SETTLED, 3, DAY)
    assert postings == [Posting.SETTLED]


def test_a_refused_payment_is_returned_and_nothing_was_booked() -> None:
    payment, postings, _ = delivered([Refused(3, "AC01")])
    assert (payment.state, payment.reason) == (State.RETURNED, "AC01")
    assert postings == [Posting.REJECTED]


def test_money_that_comes_back_is_returned_after_it_was_settled() -> None:
    payment, postings, _ = delivered([booked(3), sent_back(5)])
    assert (payment.state, payment.returned_sequence) == (State.RETURNED, 5)
    assert postings == [Posting.SETTLED, Posting.RETURNED]


def test_a_late_booking_of_a_returned_payment_changes_nothing() -> None:
    payment, postings, differences = delivered([sent_back(5), booked(3), booked(3)])
    assert payment.state is State.RETURNED
    assert postings == [Posting.REJECTED]
    assert differences == []


def test_a_booking_after_the_return_is_shown_to_a_person() -> None:
    payment, _, differences = delivered([sent_back(5), booked(9)])
    assert payment.state is State.RETURNED
    assert differences == ["settled_after_return"]


def test_two_bookings_of_one_payment_are_shown_to_a_person() -> None:
    payment, postings, differences = delivered([booked(3), booked(9)])
    assert (payment.booked_sequence, postings) == (3, [Posting.SETTLED])
    assert differences == ["settled_twice"]


def test_another_amount_or_currency_books_nothing() -> None:
    for answer in (booked(3, amount=1), booked(3, currency="UAH")):
        payment, postings, differences = delivered([answer])
        assert (payment, postings) == (PAYMENT, [])
        assert differences == ["amount_differs"]


def test_an_answer_about_what_was_never_ordered_books_nothing() -> None:
    unordered = Payment(uid("payment"), 750_000, "VND", ordered=False)
    step = apply(unordered, booked(3))
    assert (step.payment, step.posting, step.difference) == (unordered, None, "not_ordered")


answers = st.lists(
    st.one_of(
        st.integers(1, 30).map(booked),
        st.builds(sent_back, st.integers(1, 30), st.sampled_from(["AC04", "MD07"])),
        st.builds(Refused, st.integers(1, 30), st.sampled_from(["AC01", "AM04"])),
    ),
    max_size=8,
    unique_by=lambda answer: answer.sequence,
)


@given(answers, st.integers(0, 2**32))
def test_any_order_with_repetitions_ends_like_ordered_delivery(
    given_answers: list[Answer], seed: int
) -> None:
    ordered = sorted(given_answers, key=lambda answer: answer.sequence)
    shuffled = [*ordered, *(a for a in ordered if a.sequence % 3)]
    Random(seed).shuffle(shuffled)
    straight, posted, _ = delivered(ordered)
    late, posted_late, _ = delivered(shuffled)
    assert late.state == straight.state
    assert late == straight
    assert ledger(posted) == ledger(posted_late)


@given(answers)
def test_each_posting_happens_at_most_once_and_nothing_is_created_or_lost(
    given_answers: list[Answer],
) -> None:
    _, postings, _ = delivered(given_answers)
    assert len(postings) == len(set(postings))
    where = position(ledger(postings))
    assert where.balanced
    assert where.entitled_minor == 750_000
    assert {where.pending_minor, where.paid_minor, where.returned_minor} == {0, 750_000}


def ledger(postings: list[Posting]) -> dict[str, int]:
    transfers = [Transfer(PAYMENT.payment_id, p, 750_000) for p in (Posting.ORDERED, *postings)]
    return balances_of(transfers)


def test_balances_of_all_accounts_sum_to_zero() -> None:
    for posting in SIDES:
        assert sum(balances_of([Transfer(uid("p"), posting, 5)]).values()) == 0


def test_a_hole_in_the_books_shows() -> None:
    assert not position({Account.BUDGET: -5, Account.PAYABLE: 4}).balanced
