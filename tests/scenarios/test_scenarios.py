"""Each scenario in order and under one other schedule: they must end the same way."""

from pathlib import Path

import pytest

from tests.scenarios.player import play
from tests.scenarios.report import complaints
from tests.scenarios.scenario import every
from tests.scenarios.schedules import Schedule

pytestmark = [pytest.mark.slow, pytest.mark.local]
SCENARIOS = every()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_alike_whatever_happens_to_it(name: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[name]
    # given the scenario played in order
    in_order = play(scenario, Schedule.IN_ORDER, tmp_path / "platform", print)
    # when it is played under another schedule
    beside = play(scenario, scenario.beside, tmp_path / "platform", print)
    # then both are as expected, to the last row
    assert complaints([in_order, beside]) == []
    assert beside.schedule is not Schedule.KILLED or len(beside.kills) == 6
    assert beside.schedule is not Schedule.TWICE or beside.repeated > 0
