"""Fitting the weights: a logistic model whose levels keep their order.

Fellegi and Sunter's weights assume that fields agree independently of each other. In a household
they do not: brothers share family name, father, phone and address at once. Fitted jointly, what
comes together is counted once. Two restraints keep the fit honest on other people than those it
saw: a better agreement never weighs less than a worse one of its field (`ORDER`), and what is not
known weighs nothing, however often clerks leave it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.matching.levels import (
    FIELDS,
    Born,
    Home,
    Levels,
    Name,
    Number,
    Phone,
    Simple,
)
from services.beneficiary.domain.matching.model import Weights

Floats = npt.NDArray[np.float64]
RIDGE = 0.1
STEPS = 3000

_NAMES_AGAINST = ((Name.CLOSE, Name.TWO_NAMES, Name.DIFFERENT),)
_NAMES_FOR = (
    (Name.CONSONANTS, Name.SLIP, Name.SOUND, Name.SPELLING, Name.WRITTEN),
    (Name.INITIAL,),
)
_NAMES = (_NAMES_AGAINST, _NAMES_FOR, (Name.MARKS, Name.TONE))
Chains = tuple[tuple[int, ...], ...]
SIDES: dict[str, tuple[Chains, Chains, tuple[int, ...]]] = {
    "given": _NAMES,
    "family": (((*_NAMES_AGAINST[0], Name.KEPT),), *_NAMES[1:]),
    "middle": _NAMES,
    "sex": (((Simple.DIFFERENT,),), ((Simple.SAME,),), ()),
    "born": (
        ((Born.NEAR, Born.DIFFERENT, Born.GENERATION),),
        (
            (Born.YEAR, Born.TWO_PARTS, Born.ONE_DIGIT, Born.SAME),
            (Born.YEAR, Born.BOTH_JANUARY),
            (Born.YEAR, Born.FIRST_OF_JANUARY),
            (Born.YEAR, Born.SWAPPED),
            (Born.NUMBER,),
        ),
        (Born.YEAR_SLIP,),
    ),
    "number": (
        ((Number.NO_RULE, Number.DIFFERENT, Number.NEIGHBOURS, Number.BOTH_SOUND),),
        ((Number.SLIP, Number.SAME),),
        (),
    ),
    "phone": (((Phone.DIFFERENT,),), ((Phone.SLIP, Phone.SAME),), ()),
    "home": (
        ((Home.SAME_PLACE, Home.SAME_REGION, Home.OTHER_REGION),),
        ((Home.STREET, Home.SAME), (Home.PLACE_ONLY,), (Home.ADDRESS_ONLY,)),
        (),
    ),
    "household": (((Simple.SAME,),), (), ()),
}
"""For each field: chains of levels that speak against, from least to most; chains that speak for,
from least to most; levels whose side is left to the data."""


def fit(levels: Levels, same: npt.NDArray[np.bool_], ridge: float = RIDGE) -> Weights:
    """The weights that explain the pairs best; `levels` as of `Comparer.levels`.

    The same pairs give the same weights: nothing here is drawn by lot.
    """
    patterns, inverse = np.unique(levels, axis=0, return_inverse=True)
    total = np.bincount(inverse.ravel(), minlength=len(patterns)).astype(np.float64)
    hits = np.bincount(inverse[same].ravel(), minlength=len(patterns)).astype(np.float64)
    parameters = _parameters()
    design = np.column_stack([np.ones(len(patterns)), *_design(patterns, parameters)])
    free = np.array([True, *(one.sign == 0 for one in parameters)])
    solution = _minimise(design, total, hits, free, ridge)
    return Weights(float(solution[0]), _weights(solution[1:], parameters))


@dataclass(frozen=True)
class _Parameter:
    """One step along a chain: what reaching `level` adds, `sign` times, to the level before it."""

    field: str
    level: int
    before: int | None
    sign: int


def _parameters() -> list[_Parameter]:
    found = []
    for field, (against, in_favour, either) in SIDES.items():
        seen: set[int] = set()
        for sign, chains in ((-1, against), (1, in_favour), (0, tuple((one,) for one in either))):
            for chain in chains:
                for before, level in zip((None, *chain), chain, strict=False):
                    if level not in seen:
                        seen.add(level)
                        found.append(_Parameter(field, level, before, sign))
    return found


def _design(patterns: Levels, parameters: Sequence[_Parameter]) -> list[Floats]:
    """One column a parameter: its sign where the pattern's level is this one or one beyond it."""
    fields = list(FIELDS)
    columns = []
    for one in parameters:
        reached = np.isin(patterns[:, fields.index(one.field)], _beyond(one, parameters))
        columns.append(reached.astype(np.float64) * (one.sign or 1))
    return columns


def _beyond(one: _Parameter, parameters: Sequence[_Parameter]) -> list[int]:
    found = [one.level]
    for other in parameters:
        if other.field == one.field and other.before in found:
            found.append(other.level)
    return found


def _minimise(
    design: Floats, total: Floats, hits: Floats, free: npt.NDArray[np.bool_], ridge: float
) -> Floats:
    """Accelerated projected gradient; every step but the free ones stays at or above 0."""
    weighted = design * total[:, None]
    steepest = 0.25 * float(np.linalg.eigvalsh(design.T @ weighted)[-1]) + ridge
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    point = ahead = np.zeros(design.shape[1])
    for step in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ ahead, -30.0, 30.0)))
        gradient = design.T @ (total * chance - hits) + penalty * ahead
        moved = ahead - gradient / steepest
        moved[~free] = np.maximum(moved[~free], 0.0)
        ahead = moved + step / (step + 3.0) * (moved - point)
        point = moved
    return point


def _weights(solution: Floats, parameters: Sequence[_Parameter]) -> dict[str, dict[str, float]]:
    weights = {
        field: dict.fromkeys((level.name for level in scale), 0.0)
        for field, scale in FIELDS.items()
    }
    for one, step in zip(parameters, solution.tolist(), strict=True):
        scale, known = FIELDS[one.field], weights[one.field]
        start = 0.0 if one.before is None else known[scale(one.before).name]
        known[scale(one.level).name] = start + step * (one.sign or 1)
    return weights
