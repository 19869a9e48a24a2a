"""Whether an intake goes on: what it has in hand, and since when each partition stands still."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

Place = tuple[str, int]
"""A topic and one of its partitions."""


class Progress:
    """What an intake is told of itself. Partitions stand by a clock that is still during a batch.

    So neither a long batch makes a partition stand, nor does it hide one that all others pass.
    """

    def __init__(self, topics: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._topics = topics
        self._clock = clock
        self.in_hand = frozenset[str]()
        """The topics of the batch that is being applied."""
        self._worked_s = 0.0
        self._standing: dict[tuple[Place, int], float] = {}
        self._began = clock()
        self.start()

    def start(self) -> None:
        """A consumer begins: from now on it is to take something."""
        self._applied_at = self._clock()
        self._moved_s = self._started_s = self._free_s

    @contextmanager
    def batch(self, topics: Iterable[str]) -> Iterator[None]:
        """A batch of these topics is in hand."""
        self._began, self.in_hand = self._clock(), frozenset(topics)
        try:
            yield
        finally:
            self._worked_s += self._clock() - self._began
            self.in_hand = frozenset()

    def applied(self) -> None:
        """A batch took effect."""
        self._applied_at = self._clock()

    def lag(self, at: Mapping[Place, int], ends: Mapping[Place, int]) -> dict[str, int]:
        """Topic → records not yet taken, and one more if any is in hand; notes who stands."""
        now_s, lag = self._free_s, Counter(dict.fromkeys(self._topics, 0))
        lag.update(self.in_hand)
        for (topic, partition), position in at.items():
            lag[topic] += max(0, ends[topic, partition] - position)
        waiting = [(place, position) for place, position in at.items() if ends[place] > position]
        self._standing = {where: self._standing.get(where, now_s) for where in waiting}
        self._moved_s = min(self._standing.values(), default=now_s)
        if not any(lag.values()):
            self._applied_at = self._clock()
        return lag

    @property
    def stalled_s(self) -> float:
        """How long records have waited: any, and none was applied, or those of a partition."""
        return max(self._clock() - self._applied_at, self._free_s - self._moved_s)

    @property
    def stuck_s(self) -> float:
        """How long this consumer has taken nothing of a partition whose records wait."""
        return self._free_s - max(self._moved_s, self._started_s)

    @property
    def _free_s(self) -> float:
        return (self._began if self.in_hand else self._clock()) - self._worked_s
