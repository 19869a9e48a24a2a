"""A list of people in memory: judged among themselves, or asked whether newcomers are in it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from services.beneficiary.domain.matching import candidates
from services.beneficiary.domain.matching.blocks import CAP
from services.beneficiary.domain.matching.candidates import Index, Pairs
from services.beneficiary.domain.matching.columns import Columns, Encoder
from services.beneficiary.domain.matching.comparisons import Comparer
from services.beneficiary.domain.matching.levels import FIELDS, Levels
from services.beneficiary.domain.matching.limits import Scores
from services.beneficiary.domain.matching.model import Model
from services.beneficiary.domain.matching.person import Person
from services.beneficiary.domain.matching.profile import PlaceNow, profile
from services.beneficiary.domain.matching.vocabulary import Ints

CHUNK = 100_000
"""Pairs compared at a time: bounds the memory, not the answer."""

OWN_FACTS = ("number", "phone")
"""What normally belongs to a person or a household."""


@dataclass(frozen=True)
class Judged:
    """Pairs by position, their levels (one row a pair) and scores."""

    pairs: Pairs
    levels: Levels
    scores: Scores


class Register:
    """People in the order given; positions in answers count from 0."""

    def __init__(self, model: Model, place_now: PlaceNow, people: Iterable[Person]) -> None:
        self._model = model
        self._place_now = place_now
        self._encoder = Encoder()
        self._comparer = Comparer(self._encoder)
        everyone = self._columns(people)
        self._common = {field: _common(getattr(everyone, field)) for field in OWN_FACTS}
        self._people = self._without_common(everyone)
        self._index: Index | None = None

    def __len__(self) -> int:
        return len(self._people)

    @property
    def places(self) -> Ints:
        """The place of each person as a number; 0 is not known."""
        return self._people.place

    def duplicates(self, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Judged:
        """Every pair of this list that shares a block, judged. `progress` hears pairs done, all."""
        pairs = candidates.among(self._people, self._encoder, self._model.blocks)
        return self._judged(pairs, self._people, progress)

    def search(self, newcomers: Iterable[Person]) -> Judged:
        """Newcomers (`first`) against the people here (`second`)."""
        if self._index is None:
            self._index = Index(self._people, self._encoder, self._model.blocks)
        columns = self._without_common(self._columns(newcomers))
        pairs = self._index.search(columns, self._encoder)
        return self._judged(pairs, columns, lambda _done, _all: None)

    def judge(self, pairs: Pairs) -> Judged:
        """Pairs of this list chosen by the caller."""
        return self._judged(pairs, self._people, lambda _done, _all: None)

    def _columns(self, people: Iterable[Person]) -> Columns:
        return self._encoder.encode(profile(person, self._place_now) for person in people)

    def _without_common(self, people: Columns) -> Columns:
        """A number that a crowd gives is nobody's own: the office's phone, a run of nines."""
        facts = {}
        for field, common in self._common.items():
            column = getattr(people, field).copy()
            column[np.isin(column, common)] = 0
            facts[field] = column
        return replace(people, **facts)

    def _judged(self, pairs: Pairs, first: Columns, progress: Callable[[int, int], None]) -> Judged:
        levels = np.zeros((len(pairs), len(FIELDS)), dtype=np.uint8)
        for start in range(0, len(pairs), CHUNK):
            end = min(start + CHUNK, len(pairs))
            a = first.take(pairs.first[start:end])
            b = self._people.take(pairs.second[start:end])
            levels[start:end] = self._comparer.levels(a, b)
            progress(end, len(pairs))
        return Judged(pairs, levels, self._model.score(levels))


def _common(values: Ints) -> Ints:
    """The values that more than `CAP` people have."""
    found, counts = np.unique(values, return_counts=True)
    common: Ints = found[counts > CAP]
    return common
