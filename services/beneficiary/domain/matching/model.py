"""The trained scorer: one weight for each level of each field, added up and turned into a score.

The weights are those of Fellegi and Sunter (the logarithm of how much more often a level is seen
among records of one person than among others), fitted jointly, so that facts which come together in
a household (address, phone, family name, father) are not counted twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.matching.blocks import LIST_BLOCKS, REGISTER_BLOCKS
from services.beneficiary.domain.matching.levels import FIELDS, Levels, Number

Scores = npt.NDArray[np.float64]
VETO_SCORE = 0.01
WEIGHTS_FILE = "weights.json"
_NUMBER = list(FIELDS).index("number")
_TWO_PEOPLE = (Number.BOTH_SOUND, Number.NEIGHBOURS)


class Kind(StrEnum):
    """What is known of the people: a register with phones and households, or a plain list."""

    REGISTER = "register"
    LIST = "list"


@dataclass(frozen=True)
class Weights:
    """`bias` and `fields[field][level]` in natural logarithms."""

    bias: float
    fields: Mapping[str, Mapping[str, float]]

    def score(self, levels: Levels) -> Scores:
        """A score from 0 to 1 for each row of `Comparer.levels`; vetoes included."""
        total = np.full(len(levels), self.bias, dtype=np.float64)
        for i, (field, scale) in enumerate(FIELDS.items()):
            table = np.zeros(max(scale) + 1)
            for level in scale:
                table[level] = self.fields[field][level.name]
            total += table[levels[:, i]]
        score: Scores = 1.0 / (1.0 + np.exp(-np.clip(total, -30.0, 30.0)))
        return np.where(vetoed(levels), np.minimum(score, VETO_SCORE), score)


@dataclass(frozen=True)
class Model:
    """Weights, and the blocks that bring people together before them."""

    weights: Weights
    blocks: tuple[str, ...]


BLOCKS_OF = {Kind.REGISTER: REGISTER_BLOCKS, Kind.LIST: LIST_BLOCKS}


def vetoed(levels: Levels) -> npt.NDArray[np.bool_]:
    """Pairs that cannot be one person: both hold a sound number of one kind, and they differ."""
    return np.isin(levels[:, _NUMBER], _TWO_PEOPLE)


def load_model(kind: Kind = Kind.REGISTER) -> Model:
    """The committed model for one kind of list."""
    text = files(__package__).joinpath(WEIGHTS_FILE).read_text(encoding="utf-8")
    return read_models(text)[kind]


def read_models(text: str) -> dict[Kind, Model]:
    """The models written by `write_models`."""
    return {
        Kind(name): Model(Weights(one["bias"], one["weights"]), BLOCKS_OF[Kind(name)])
        for name, one in json.loads(text).items()
    }


def write_models(weights: Mapping[Kind, Weights]) -> str:
    """Weights as text, rounded to what they are known to; stable, so that changes can be read."""
    document = {
        kind.value: {
            "bias": round(one.bias, 3),
            "weights": {
                field: {level: round(weight, 3) + 0.0 for level, weight in levels.items()}
                for field, levels in one.fields.items()
            },
        }
        for kind, one in weights.items()
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
