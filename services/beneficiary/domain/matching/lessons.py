"""What the weights are learned from: candidate pairs with known answers, and coincidences.

An open set has 5,000 people, a registry has millions, and with it grow the pairs that share a block
by chance alone: the same birth date and first name, the same names in one ward. Random pairs of
different people stand in for them; each is given the agreement that would have brought it into a
block, and keeps what it has in every other field.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.matching.candidates import Pairs
from services.beneficiary.domain.matching.judgement import SAME_AT
from services.beneficiary.domain.matching.levels import (
    FIELDS,
    Born,
    Home,
    Levels,
    Name,
    Simple,
)
from services.beneficiary.domain.matching.model import Weights
from services.beneficiary.domain.matching.register import Register
from services.beneficiary.domain.matching.training import fit
from services.beneficiary.domain.matching.vocabulary import Ints

COINCIDENCES_PER_PERSON = 0.5
"""For each block: about what a registry of a million with wards of 10,000 people would meet."""
WANTED_PRECISION = 0.992
"""Share of pairs called the same person that must be one, on people the fit has not seen."""
LOWEST_CUT = 0.05
FOLDS = 5

_CHANCE: dict[str, dict[str, int]] = {
    "born-given": {"given": Name.WRITTEN, "sex": Simple.SAME, "born": Born.SAME},
    "born-family": {"family": Name.WRITTEN, "born": Born.SAME},
    "born-place": {"born": Born.SAME, "home": Home.SAME_PLACE},
    "names-place": {
        "given": Name.WRITTEN,
        "family": Name.WRITTEN,
        "sex": Simple.SAME,
        "home": Home.SAME_PLACE,
    },
}


@dataclass(frozen=True)
class Lesson:
    """Pairs of one set: levels, the right answer, and the fold of each pair.

    A pair whose two people are in different folds has fold -1 and is only ever learned from when no
    fold is held out.
    """

    levels: Levels
    same: npt.NDArray[np.bool_]
    folds: Ints
    chance: Levels


def lesson(
    register: Register, entities: Sequence[int], rng: np.random.Generator, per_person: float
) -> Lesson:
    """The lesson of one labelled set; `entities[i]` says who the person at position i is.

    `per_person` coincidences are added for each block and person.
    """
    truth = np.array(entities, dtype=np.int64)
    judged = register.duplicates()
    first, second = judged.pairs.first, judged.pairs.second
    folds = rng.permutation(int(truth.max()) + 1)[truth] % FOLDS
    return Lesson(
        judged.levels,
        truth[first] == truth[second],
        np.where(folds[first] == folds[second], folds[first], -1),
        _coincidences(register, truth, rng, int(len(register) * per_person)),
    )


def learn(lessons: Sequence[Lesson]) -> Weights:
    """The weights of all lessons, its bias moved so that 0.9 means `WANTED_PRECISION`."""
    cut = _cut(lessons)
    fitted = _fitted(lessons, held_out=None)
    shift = np.log(SAME_AT / (1 - SAME_AT)) - np.log(cut / (1 - cut))
    return Weights(fitted.bias + float(shift), fitted.fields)


def held_out_scores(lessons: Sequence[Lesson]) -> list[npt.NDArray[np.float64]]:
    """For each lesson, the score of each pair by a model that saw neither person; else NaN."""
    found = [np.full(len(one.same), np.nan) for one in lessons]
    for fold in range(FOLDS):
        weights = _fitted(lessons, held_out=fold)
        for one, scores in zip(lessons, found, strict=True):
            scores[one.folds == fold] = weights.score(one.levels[one.folds == fold])
    return found


def _cut(lessons: Sequence[Lesson]) -> float:
    """The lowest probability from which the held-out pairs reach the wanted precision."""
    scores = np.concatenate(held_out_scores(lessons))
    same = np.concatenate([one.same for one in lessons])
    seen = ~np.isnan(scores)
    order = np.argsort(-scores[seen], kind="stable")
    ranked, right = scores[seen][order], same[seen][order]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    good = np.flatnonzero(precision >= WANTED_PRECISION)
    return float(np.clip(ranked[good[-1]] if len(good) else SAME_AT, LOWEST_CUT, SAME_AT))


def _fitted(lessons: Sequence[Lesson], held_out: int | None) -> Weights:
    levels, same = [], []
    for one in lessons:
        kept = np.ones(len(one.same), dtype=np.bool_)
        if held_out is not None:
            kept = (one.folds != held_out) & (one.folds >= 0)
        levels += [one.levels[kept], one.chance]
        same += [one.same[kept], np.zeros(len(one.chance), dtype=np.bool_)]
    return fit(np.vstack(levels), np.concatenate(same))


def _coincidences(register: Register, truth: Ints, rng: np.random.Generator, size: int) -> Levels:
    found = []
    for agreement in _CHANCE.values():
        first, second = rng.integers(0, len(register), (2, size))
        others = truth[first] != truth[second]
        levels = register.judge(Pairs(first[others], second[others], 0)).levels
        for field, level in agreement.items():
            levels[:, list(FIELDS).index(field)] = level
        found.append(levels)
    return np.vstack(found)
