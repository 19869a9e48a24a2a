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
WANTED_PRECISION = 0.995
"""Share of pairs called the same person that must be one, on people the fit has not seen."""
LOWEST_CUT = 0.05
"""However precise a model is, a pair must be this probable to be called one person."""
FOLDS = 5
REPETITIONS = 5
"""Times the people are divided into folds: one division alone leaves the cut to chance."""

# A shared 1 January, written where only a year is known, is a far likelier chance than another day.
_CHANCE: dict[str, dict[str, int]] = {
    "born-given": {"given": Name.WRITTEN, "sex": Simple.SAME, "born": Born.SAME},
    "january-given": {"given": Name.WRITTEN, "sex": Simple.SAME, "born": Born.BOTH_JANUARY},
    "born-family": {"family": Name.WRITTEN, "born": Born.SAME},
    "january-family": {"family": Name.WRITTEN, "born": Born.BOTH_JANUARY},
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
    """Pairs of one set: levels and the right answer; `chance` are coincidences, all of them false.

    `folds[r]` divides the places anew for each repetition r, so that households and neighbours
    stay together. A pair whose two people are in different folds has -1 there, and is neither
    learned from nor tested while a fold is held out.
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
    homes = register.places[np.unique(truth, return_index=True)[1]][truth]
    folds = [_folds(homes, rng) for _ in range(REPETITIONS)]
    return Lesson(
        judged.levels,
        truth[first] == truth[second],
        np.array([np.where(one[first] == one[second], one[first], -1) for one in folds]),
        _coincidences(register, truth, rng, int(len(register) * per_person)),
    )


def learn(lessons: Sequence[Lesson]) -> Weights:
    """The weights of all lessons, the bias moved so that 0.9 means `WANTED_PRECISION`."""
    fitted = _fitted(lessons)
    cuts = [_cut(lessons, held_out_scores(lessons, repeat)) for repeat in range(REPETITIONS)]
    shift = _log_odds(SAME_AT) - float(np.median([_log_odds(cut) for cut in cuts]))
    return Weights(fitted.bias + shift, fitted.fields)


def held_out_scores(lessons: Sequence[Lesson], repeat: int) -> list[npt.NDArray[np.float64]]:
    """For each lesson, the probability of each pair by a model that saw neither person; else NaN.

    These are probabilities among pairs that share a block, not the moved scores of `learn`.
    """
    found = [np.full(len(one.same), np.nan) for one in lessons]
    for fold in range(FOLDS):
        weights = _fitted(lessons, (repeat, fold))
        for one, scores in zip(lessons, found, strict=True):
            held_out = one.folds[repeat] == fold
            scores[held_out] = weights.score(one.levels[held_out])
    return found


def _folds(homes: Ints, rng: np.random.Generator) -> Ints:
    folds: Ints = rng.permutation(int(homes.max()) + 1)[homes] % FOLDS
    return folds


def _cut(lessons: Sequence[Lesson], held_out: Sequence[npt.NDArray[np.float64]]) -> float:
    """The lowest probability from which the held-out pairs reach the wanted precision."""
    scores = np.concatenate(held_out)
    same = np.concatenate([one.same for one in lessons])
    seen = ~np.isnan(scores)
    order = np.argsort(-scores[seen], kind="stable")
    ranked, right = scores[seen][order], same[seen][order]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    good = np.flatnonzero(precision >= WANTED_PRECISION)
    return float(np.clip(ranked[good[-1]] if len(good) else SAME_AT, LOWEST_CUT, SAME_AT))


def _log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _fitted(lessons: Sequence[Lesson], held_out: tuple[int, int] | None = None) -> Weights:
    """Weights of every lesson, or of those pairs that have nobody in one fold of one repetition."""
    levels, same = [], []
    for one in lessons:
        kept = np.ones(len(one.same), dtype=np.bool_)
        if held_out is not None:
            folds = one.folds[held_out[0]]
            kept = (folds != held_out[1]) & (folds >= 0)
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
