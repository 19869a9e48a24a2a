"""An intake that goes on and one that does not, by what it takes of each partition."""

import pytest

from services.runtime.progress import Progress

HERE, THERE = ("a.topic.v1", 0), ("another.topic.v1", 0)


class Clock:
    """Stands until it is moved."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    """Of an intake of two topics."""
    return Progress((HERE[0], THERE[0]), clock)


def test_what_is_not_taken_is_told_by_topic_and_what_is_in_hand_counts(progress: Progress) -> None:
    ends = {HERE: 7, THERE: 3}
    assert progress.lag({HERE: 5, THERE: 3}, ends) == {HERE[0]: 2, THERE[0]: 0}
    with progress.batch([HERE[0], HERE[0]]):
        assert progress.lag(ends, ends) == {HERE[0]: 1, THERE[0]: 0}
    # and a topic of which it holds no partition is told, too
    assert progress.lag({HERE: 7}, {HERE: 7}) == {HERE[0]: 0, THERE[0]: 0}


def test_a_partition_that_stands_is_not_hidden_by_one_that_goes_on(
    progress: Progress, clock: Clock
) -> None:
    for position in range(10):
        clock.now_s += 1
        progress.lag({HERE: 5, THERE: position}, {HERE: 6, THERE: 20})
        progress.applied()
    assert progress.stuck_s == progress.stalled_s == 9
    # when another consumer begins, then it has its time, but the records wait as before
    progress.start()
    progress.lag({HERE: 5, THERE: 20}, {HERE: 6, THERE: 20})
    assert (progress.stuck_s, progress.stalled_s) == (0, 9)
    # until they are taken
    progress.lag({HERE: 6, THERE: 20}, {HERE: 6, THERE: 20})
    assert progress.stalled_s == 0


def test_a_long_batch_makes_no_partition_stand_but_stalls_what_waits(
    progress: Progress, clock: Clock
) -> None:
    at, ends = {HERE: 5, THERE: 0}, {HERE: 6, THERE: 0}
    progress.lag(at, ends)
    with progress.batch([HERE[0]]):
        clock.now_s += 40
        progress.lag(at, ends)
        assert (progress.stuck_s, progress.stalled_s) == (0, 40)
    progress.applied()
    assert (progress.stuck_s, progress.stalled_s) == (0, 0)


def test_a_broker_that_says_nothing_for_long_makes_a_consumer_stuck(
    progress: Progress, clock: Clock
) -> None:
    progress.lag({HERE: 5, THERE: 0}, {HERE: 5, THERE: 0})
    clock.now_s += 40
    assert progress.stuck_s == 40
