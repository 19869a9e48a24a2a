"""The trained scorer: one weight for each level of each field, added up and turned into a score.

The weights are those of Fellegi and Sunter (the logarithm of how much more often a level is seen
among records of one person than among others), fitted jointly, so that facts which come together in
a household (address, phone, family name, father) are not counted twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files

import numpy as np

from services.beneficiary.domain.matching.blocks import LIST_BLOCKS, REGISTER_BLOCKS
from services.beneficiary.domain.matching.levels import FIELDS, Levels
from services.beneficiary.domain.matching.limits import LIMITS, VETOES, Limit, Scores, limited

WEIGHTS_FILE = "weights.json"


class Kind(StrEnum):
    """What is known of the people: a register with phones and households, or a plain list."""

    REGISTER = "register"
    LIST = "list"


@dataclass(frozen=True)
class Weights:
    """`bias` and `fields[field][level]` in natural logarithms."""

    bias: float
    fields: Mapping[str, Mapping[str, float]]

    def score(self, levels: Levels, limits: Sequence[Limit] = VETOES) -> Scores:
        """A score from 0 to 1 for each row of `Comparer.levels`, within the limits."""
        total = np.full(len(levels), self.bias, dtype=np.float64)
        for i, table in enumerate(self._tables):
            total += table[levels[:, i]]
        score = 1.0 / (1.0 + np.exp(-np.clip(total, -30.0, 30.0)))
        return limited(levels, score, limits)

    @cached_property
    def _tables(self) -> list[Scores]:
        """Per field, level → weight."""
        tables = []
        for field, scale in FIELDS.items():
            table = np.zeros(max(scale) + 1)
            for level in scale:
                table[level] = self.fields[field][level.name]
            tables.append(table)
        return tables


@dataclass(frozen=True)
class Model:
    """Weights, the blocks that bring people together before them, the limits after them."""

    weights: Weights
    blocks: tuple[str, ...]
    limits: tuple[Limit, ...] = VETOES

    def score(self, levels: Levels) -> Scores:
        """A score from 0 to 1 for each row of `Comparer.levels`."""
        return self.weights.score(levels, self.limits)


BLOCKS_OF = {Kind.REGISTER: REGISTER_BLOCKS, Kind.LIST: LIST_BLOCKS}
LIMITS_OF = {Kind.REGISTER: LIMITS, Kind.LIST: VETOES}


def load_model(kind: Kind = Kind.REGISTER) -> Model:
    """The committed model for one kind of list."""
    text = files(__package__).joinpath(WEIGHTS_FILE).read_text(encoding="utf-8")
    return read_models(text)[kind]


def read_models(text: str) -> dict[Kind, Model]:
    """The models written by `write_models`."""
    return {
        Kind(name): Model(
            Weights(one["bias"], one["weights"]), BLOCKS_OF[Kind(name)], LIMITS_OF[Kind(name)]
        )
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
