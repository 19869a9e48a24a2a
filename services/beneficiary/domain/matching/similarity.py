"""How far apart two texts are, for many pairs of numbered texts at once."""

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.beneficiary.domain.matching.vocabulary import Ints, Texts

FAR = 4
"""A distance that stands for every distance of four letters and more."""
WORTH_SORTING = 32
"""From so many pairs on it is cheaper to find repeated ones than to compare them again."""


def distances(texts: Texts, x: Ints, y: Ints) -> Ints:
    """Letters to insert, drop, replace or swap between texts x[i] and y[i]; at most `FAR`."""
    low, high, inverse = _unique(x, y)
    found = process.cpdist(
        texts.take(low), texts.take(high), scorer=OSA.distance, score_cutoff=FAR - 1, dtype=np.int32
    )
    return found.astype(np.int64)[inverse]


def likeness(texts: Texts, x: Ints, y: Ints) -> npt.NDArray[np.float64]:
    """1 for equal texts x[i] and y[i], 0 for texts with nothing in common."""
    low, high, inverse = _unique(x, y)
    found = process.cpdist(
        texts.take(low), texts.take(high), scorer=OSA.normalized_similarity, dtype=np.float64
    )
    return np.asarray(found[inverse], dtype=np.float64)


def _unique(x: Ints, y: Ints) -> tuple[Ints, Ints, Ints]:
    """Each unordered pair once, and where it stands: names repeat, and comparing them is dear."""
    if len(x) < WORTH_SORTING:
        return x, y, np.arange(len(x))
    low, high = np.minimum(x, y), np.maximum(x, y)
    width = int(high.max()) + 1 if len(high) else 1
    unique, inverse = np.unique(low * width + high, return_inverse=True)
    return unique // width, unique % width, inverse
