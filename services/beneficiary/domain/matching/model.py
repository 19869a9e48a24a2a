"""The trained scorer: one weight for each level of each field, added up and turned into a score.

The weights are those of Fellegi and Sunter (the logarithm of how much more often a level is seen
among records of one person than among others), fitted jointly, so that facts which come together in
a household (address, phone, family name, father) are not counted twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.matching.comparisons import FIELDS, Levels, Number

Scores = npt.NDArray[np.float64]
VETO_SCORE = 0.01
_NUMBER = list(FIELDS).index("number")
_TWO_PEOPLE = (Number.BOTH_SOUND, Number.NEIGHBOURS)


@dataclass(frozen=True)
class Model:
    """`bias` and `weights[field][level]` in natural logarithms."""

    bias: float
    weights: Mapping[str, Mapping[str, float]]

    def score(self, levels: Levels) -> Scores:
        """The probability of one person for each row of `Comparer.levels`; vetoes included."""
        total = np.full(len(levels), self.bias)
        for i, (field, scale) in enumerate(FIELDS.items()):
            table = np.zeros(max(scale) + 1)
            for level in scale:
                table[level] = self.weights[field].get(level.name, 0.0)
            total += table[levels[:, i]]
        score: Scores = 1.0 / (1.0 + np.exp(-np.clip(total, -30.0, 30.0)))
        return np.where(vetoed(levels), np.minimum(score, VETO_SCORE), score)


def vetoed(levels: Levels) -> npt.NDArray[np.bool_]:
    """Pairs that cannot be one person: both hold a sound number of one kind, and they differ."""
    return np.isin(levels[:, _NUMBER], _TWO_PEOPLE)


def load_model() -> Model:
    """The committed weights."""
    document = json.loads(files(__package__).joinpath("weights.json").read_text(encoding="utf-8"))
    return Model(document["bias"], document["weights"])
