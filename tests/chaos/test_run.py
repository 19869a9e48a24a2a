"""Six seeded faults on the whole platform; `make chaos` plays sixty."""

import logging
from pathlib import Path

import pytest

from tests.chaos.__main__ import strike
from tests.chaos.report import bound, coverage, document, last_line
from tests.chaos.run import Size

SEED = 5
REGIONS = ("VN-01", "VN-04", "VN-07", "VN-29")


def test_six_faults_lose_and_double_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiokafka")

    # when six faults strike while four regions send claims and are paid
    outcome = strike(tmp_path, SEED, Size(events=800, faults=6, regions=REGIONS))

    # then nothing is lost, nothing stands twice, nothing is without cause, and money adds up
    assert outcome.findings.sentences() == []
    assert outcome.quiet_after_s is not None
    # and the faults really hit: facts went out during them, and something was asked again
    covered = coverage(outcome.observation.facts, outcome.strikes)
    assert covered["beneficiary.person.registered"]
    assert any(entry.attempts > 1 for entry in outcome.history.entries)
    assert len(outcome.observation.persons) > 300
    # and the report says what was done and what it proves
    line = last_line(SEED, outcome, {"no guard": True})
    assert line == (
        "chaos faults=6 events=800 lost=0 duplicated=0 uncaused=0 imbalance=0 planted=1/1 seed=5"
    )
    assert bound(6) in document(SEED, outcome, {"no guard": True})
