"""What a schedule does to a day's events, and what a comparison of two plays says."""

import itertools
from collections import Counter

import pytest
from pydantic import ValidationError

from tests.scenarios.observation import Observation, Table
from tests.scenarios.player import Outcome, business_days
from tests.scenarios.report import complaints
from tests.scenarios.scenario import Scenario, Send, Tick, every
from tests.scenarios.schedules import Schedule, delivered, runs

DAY = list("abcdefgh")


def test_a_shuffled_day_has_the_same_events_in_another_order_and_a_seed_repeats_it() -> None:
    shuffled = delivered(DAY, Schedule.SHUFFLED, 7)
    assert shuffled != DAY
    assert sorted(shuffled) == DAY
    assert shuffled == delivered(DAY, Schedule.SHUFFLED, 7)


def test_every_event_of_a_doubled_day_comes_twice() -> None:
    assert set(Counter(delivered(DAY, Schedule.TWICE, 7)).values()) == {2}


@pytest.mark.parametrize("schedule", [Schedule.IN_ORDER, Schedule.KILLED])
def test_other_schedules_leave_the_order(schedule: Schedule) -> None:
    assert delivered(DAY, schedule, 7) == DAY


def test_a_sequence_is_cut_where_it_changes() -> None:
    assert runs("aabcc") == [(0, 2), (2, 3), (3, 5)]
    assert runs("") == []


def test_lists_between_two_other_steps_are_of_one_business_day() -> None:
    for scenario in every().values():
        days = business_days(scenario.steps)
        assert [step for day in days for step in day] == [*scenario.steps]
        assert all(len(day) == 1 or all(isinstance(step, Send) for step in day) for day in days)
        assert not any(
            isinstance(one[0], Send) and isinstance(next_[0], Send)
            for one, next_ in itertools.pairwise(days)
        )


def test_time_never_runs_backwards_in_a_scenario() -> None:
    for scenario in every().values():
        instants = [step.tick for step in scenario.steps if isinstance(step, Tick)]
        assert [scenario.business_time, *instants] == sorted([scenario.business_time, *instants])


def test_a_scenario_that_expects_nothing_is_no_scenario() -> None:
    document = next(iter(every().values())).model_dump()
    document["steps"] = document["steps"][:-1]
    with pytest.raises(ValidationError, match="the last step says what is expected"):
        Scenario.model_validate(document)


def seen(**tables: tuple[str, ...]) -> Observation:
    return Observation({name: Table(rows) for name, rows in tables.items()})


def test_a_row_too_many_in_one_schedule_is_told_with_its_table() -> None:
    plays = [
        Outcome("s", Schedule.IN_ORDER, seen=seen(payments=("1 | 750",), cases=())),
        Outcome("s", Schedule.TWICE, seen=seen(payments=("1 | 750", "2 | 750"), cases=())),
    ]
    assert complaints(plays) == [
        "s, twice against in order: payments: 2 rows against 1; for one, 2 | 750"
    ]


def test_another_amount_in_one_schedule_is_told() -> None:
    plays = [
        Outcome("s", Schedule.IN_ORDER, seen=seen(payments=("1 | 750",))),
        Outcome("s", Schedule.KILLED, seen=seen(payments=("1 | 500",))),
    ]
    assert len(complaints(plays)) == 1


def test_plays_that_ended_alike_are_not_complained_about() -> None:
    plays = [Outcome("s", how, seen=seen(payments=("1 | 750",))) for how in Schedule]
    assert complaints(plays) == []
