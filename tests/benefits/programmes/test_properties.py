from datetime import date, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.benefits.programmes import Fact, MonthlyEntitlement, Refused, entitle, load_pack
from services.benefits.programmes.differences import differences
from tests.benefits.programmes.builders import months_of

VN = load_pack("VN-SA")
MONTHS = (*months_of(2024), *months_of(2025))
FLAGS = ("without_nurture", "poor_household", "hiv", "pension", "in_education", "single_no_support")
DAY = timedelta(days=1)

days = st.dates(date(2023, 1, 1), date(2025, 12, 31))


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """A person's facts with record dates; every statement is known on its own day."""
    births = st.dates(date(1940, 1, 1), date(2022, 12, 31))
    facts = [Fact("birth_date", draw(births).isoformat())]
    facts.append(Fact("decision", "all", draw(st.dates(date(2020, 1, 1), date(2024, 6, 1)))))
    for name in draw(st.lists(st.sampled_from(FLAGS), max_size=5, unique=True)):
        record = draw(st.dates(date(2024, 1, 1), date(2025, 6, 1)))
        for _ in range(draw(st.integers(1, 3))):
            first = draw(days)
            last = draw(st.none() | st.dates(first, first + 700 * DAY))
            value = draw(st.sampled_from(("yes", "yes", "no")))
            facts.append(Fact(name, value, first, last, record))
            record += draw(st.integers(1, 60)) * DAY
    return facts


def judged(facts: list[Fact], known_at: date | None = None) -> tuple[MonthlyEntitlement, ...]:
    found = entitle(VN, facts, MONTHS, known_at)
    assert not isinstance(found, Refused), found
    return found


def totals(rows: tuple[MonthlyEntitlement, ...]) -> dict[str, int]:
    found = dict.fromkeys(MONTHS, 0)
    for row in rows:
        found[row.month] += row.amount_minor
    return found


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_facts_does_not_matter(facts: list[Fact], random: Random) -> None:
    shuffled = facts[:]
    random.shuffle(shuffled)
    assert judged(shuffled) == judged(facts)


@given(
    histories(), st.sampled_from(FLAGS), st.sampled_from(("yes", "no")), days, st.integers(1, 90)
)
@settings(max_examples=150, deadline=None)
def test_a_fact_recorded_and_taken_back_leaves_no_difference(
    facts: list[Fact], name: str, value: str, first: date, later: int
) -> None:
    # given a statement about days of which others were made before, from another first day
    facts = [fact for fact in facts if (fact.name, fact.valid_from) != (name, first)]
    recorded = date(2026, 1, 1)
    stated = Fact(name, value, first, None, recorded)
    taken_back = Fact(name, "none", first, None, recorded + later * DAY)
    # when it is taken back, everything is as it was; until then it held
    assert judged([*facts, stated, taken_back]) == judged(facts)
    assert judged([*facts, stated, taken_back], recorded) == judged([*facts, stated], recorded)


@given(histories(), days)
@settings(max_examples=150, deadline=None)
def test_what_is_known_later_changes_nothing_seen_earlier(facts: list[Fact], seen: date) -> None:
    known = [fact for fact in facts if fact.known_since is None or fact.known_since <= seen]
    assert judged(facts, seen) == judged(known)
    assert judged(facts, date(2027, 1, 1)) == judged(facts)


@given(histories(), st.lists(st.dates(date(2024, 1, 1), date(2026, 1, 1)), max_size=6))
@settings(max_examples=150, deadline=None)
def test_month_sums_equal_the_sum_of_differences_over_any_split(
    facts: list[Fact], splits: list[date]
) -> None:
    sums = dict.fromkeys(MONTHS, 0)
    before: tuple[MonthlyEntitlement, ...] = ()
    for known_at in [*sorted(splits), date(2027, 1, 1)]:
        after = judged(facts, known_at)
        for entry in differences(before, after, "2024-12"):
            sums[entry.month] += entry.difference_minor
        before = after
    assert sums == totals(judged(facts))


@given(histories(), st.sampled_from(FLAGS[:3]), days)
@settings(max_examples=100, deadline=None)
def test_one_more_fact_that_speaks_for_a_person_never_takes_anything(
    facts: list[Fact], name: str, first: date
) -> None:
    facts = [fact for fact in facts if fact.name != name]
    before, after = totals(judged(facts)), totals(judged([*facts, Fact(name, "yes", first)]))
    assert all(after[month] >= before[month] for month in MONTHS)


@given(histories())
@settings(max_examples=100, deadline=None)
def test_every_amount_is_the_standard_times_the_coefficient(facts: list[Fact]) -> None:
    for row in judged(facts):
        whole, _, part = row.coefficient.partition(".")
        coefficient = int(whole + part.ljust(4, "0"))
        assert row.amount_minor * 10_000 == row.standard_minor * coefficient
