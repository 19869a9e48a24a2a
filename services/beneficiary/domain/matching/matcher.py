"""Judging pairs of people: the one door that intake and files use."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from services.beneficiary.domain.matching import blocks
from services.beneficiary.domain.matching.columns import Encoder
from services.beneficiary.domain.matching.comparisons import Comparer
from services.beneficiary.domain.matching.judgement import Judgement, Reason, outcome_of
from services.beneficiary.domain.matching.levels import FIELDS, Levels
from services.beneficiary.domain.matching.limits import limit_of
from services.beneficiary.domain.matching.model import Model
from services.beneficiary.domain.matching.person import Person
from services.beneficiary.domain.matching.profile import PlaceNow, profile
from services.beneficiary.domain.matching.reasons import FIELD_WORDS, WORDS


@dataclass(frozen=True, slots=True)
class Signature:
    """By what a registered person is found again without being opened."""

    keys: tuple[str, ...]
    number_parts: tuple[str, ...]
    """Of a sound national number; of two people with numbers who share none, neither is the other.
    """


class Matcher:
    """A model and a place history, ready to judge."""

    def __init__(self, model: Model, place_now: PlaceNow) -> None:
        self.model = model
        self.place_now = place_now

    def keys(self, person: Person) -> tuple[str, ...]:
        """The block keys of one person (see `blocks`): look up who shares one, then judge."""
        return blocks.keys(profile(person, self.place_now), self.model.blocks)

    def signature(self, person: Person) -> Signature:
        """The block keys of one person, and the number by which a candidate can be ruled out."""
        written = profile(person, self.place_now)
        return Signature(blocks.keys(written, self.model.blocks), blocks.number_parts(written))

    def judge(self, pairs: Sequence[tuple[Person, Person]]) -> list[Judgement]:
        """One judgement a pair, in order; a batch costs far less than the pairs one by one."""
        if not pairs:  # most newcomers meet nobody, and empty columns cost as much as short ones
            return []
        encoder = Encoder()
        first = encoder.encode(profile(a, self.place_now) for a, _ in pairs)
        second = encoder.encode(profile(b, self.place_now) for _, b in pairs)
        levels = Comparer(encoder).levels(first, second)
        scores = self.model.score(levels).tolist()
        return [self.explain(levels[i], score) for i, score in enumerate(scores)]

    def compare(self, a: Person, b: Person) -> Judgement:
        """The judgement of one pair; symmetric."""
        return self.judge([(a, b)])[0]

    def explain(self, levels: Levels, score: float, decisive: str = "") -> Judgement:
        """The judgement of one row of levels that has this score; `decisive` may say why."""
        reasons, missing = [], []
        for i, (field, scale) in enumerate(FIELDS.items()):
            level = scale(int(levels[i]))
            if level in WORDS[field]:
                weight = self.model.weights.fields[field][level.name] / math.log(2)
                reasons.append(Reason(field, level.name.lower(), WORDS[field][level], weight))
            elif not level:
                missing.append(FIELD_WORDS[field])
        reasons.sort(key=lambda reason: -abs(reason.weight))
        settled = decisive or limit_of(levels, score, self.model.limits)
        return Judgement(score, outcome_of(score), tuple(reasons), tuple(missing), settled)
