from hypothesis import given
from hypothesis import strategies as st

from contracts.benefits import EntitlementAdjusted
from services.benefits.domain.entitlements import (
    Entitlement,
    Held,
    Running,
    Waiting,
    amount_at,
    caught_up,
    entitlement_id,
    replanned,
    spliced,
    started,
)
from tests.benefits.stories import TODAY, term, uid

MONTHS = [f"{2026 + n // 12}-{n % 12 + 1:02d}" for n in range(36)]


def entitlement(*terms: tuple[str, int], running: bool = True) -> Entitlement:
    return Entitlement(
        id=entitlement_id(uid("mai"), "VN-SA", "allowance"),
        person_id=uid("mai"),
        programme="VN-SA",
        component="allowance",
        currency="VND",
        phase=Running(uid("mai")) if running else Waiting(),
        terms=tuple(term(month, amount) for month, amount in terms),
        announced=terms[:1] if running else (),
    )


def test_before_its_first_term_nothing_is_due() -> None:
    assert entitlement(("2026-09", 5)).amount_at("2026-08") == 0


def test_what_never_was_due_cannot_start() -> None:
    waiting = entitlement(("2026-09", 0), running=False)
    assert started(waiting, uid("mai")) == (waiting, [])


def test_what_has_not_started_is_replanned_in_silence() -> None:
    waiting = entitlement(("2026-09", 750_000), running=False)
    later, told = replanned(waiting, [term("2026-09", 0)], "2026-09")
    assert told == []
    assert later.amount_at("2026-09") == 0
    assert caught_up(waiting, "2026-09") == (waiting, [])


def test_the_same_plan_in_other_words_changes_nothing() -> None:
    known = entitlement(("2026-09", 750_000))
    later, told = replanned(known, [term("2026-11", 750_000)], "2026-11")
    assert (later, told) == (known, [])


def test_another_group_with_the_same_amount_is_kept_and_not_told() -> None:
    known = entitlement(("2026-09", 750_000))
    later, told = replanned(known, [term("2026-11", 750_000, "A5a")], "2026-11")
    assert told == []
    assert [one.group for one in later.terms] == ["A6", "A5a"]


def test_a_new_standard_is_told_as_such_and_another_group_as_new_facts() -> None:
    known = entitlement(("2026-09", 750_000))
    raised, (law,) = replanned(
        known, [term("2026-09", 750_000), term("2026-10", 900_000, standard=600_000)], "2026-09"
    )
    _, (other,) = replanned(raised, [term("2026-11", 1_200_000, "A1", 600_000)], "2026-11")
    reasons = [one.reason for one in (law, other) if isinstance(one, EntitlementAdjusted)]
    assert reasons == ["standard_changed", "facts_changed"]


def test_a_hold_says_until_when() -> None:
    assert Held(TODAY).until == TODAY


def test_an_announced_end_that_was_taken_back_is_corrected_in_its_month() -> None:
    known = entitlement(("2026-01", 1))
    known, (ending,) = replanned(known, [term("2026-01", 1), term("2026-03", 0)], "2026-01")
    known, (other,) = replanned(known, [term("2026-02", 2)], "2026-02")
    known, (back,) = caught_up(known, "2026-03")
    told = [(one.from_month, one.new_amount_minor) for one in (ending, other, back)]  # type: ignore[attr-defined]
    assert told == [("2026-03", 0), ("2026-02", 2), ("2026-03", 2)]


plans = st.lists(
    st.tuples(st.sampled_from(MONTHS), st.sampled_from([0, 1, 2, 3])), unique_by=lambda t: t[0]
).map(sorted)


@given(plans, plans, st.sampled_from(MONTHS))
def test_a_new_plan_never_rewrites_the_past_and_rules_the_future(
    old: list[tuple[str, int]], new: list[tuple[str, int]], month: str
) -> None:
    plan = [term(m, amount) for m, amount in new if m >= month]
    plan = (
        [term(month, 0), *[one for one in plan if one.from_month != month]]
        if not (plan and plan[0].from_month == month)
        else plan
    )
    known = spliced((), [term(m, amount) for m, amount in old], "0000-00")
    joined = spliced(known, plan, month)
    for each in MONTHS:
        wanted = amount_at(known, each) if each < month else amount_at(plan, each)
        assert amount_at(joined, each) == wanted
    assert [one.from_month for one in joined] == sorted({one.from_month for one in joined})


@given(st.lists(st.tuples(plans, st.integers(0, 35)), max_size=6))
def test_followers_of_the_announcements_always_know_the_amount_of_the_month(
    steps: list[tuple[list[tuple[str, int]], int]],
) -> None:
    known = entitlement(("2026-01", 2))
    heard = {"2026-01": 2}
    for plan, place in sorted(steps, key=lambda step: step[1]):
        month = MONTHS[place]
        terms = [term(month, 1), *[term(m, amount) for m, amount in plan if m > month]]
        known, told = replanned(known, terms, month)
        known, more = caught_up(known, month)
        for fact in (*told, *more):
            heard[fact.from_month] = fact.new_amount_minor  # type: ignore[attr-defined]
        last = max(start for start in heard if start <= month)
        assert heard[last] == known.amount_at(month)
