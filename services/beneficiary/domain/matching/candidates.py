"""Pairs worth comparing: people who share a block of at most `CAP` people.

Memory and time grow with the number of people, never with its square: a block of n people gives at
most n * (CAP - 1) / 2 pairs, and a larger block gives none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.matching.blocks import CAP, block_columns
from services.beneficiary.domain.matching.columns import Columns, Encoder
from services.beneficiary.domain.matching.vocabulary import Ints

Hashes = npt.NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)


@dataclass(frozen=True)
class Pairs:
    """Pairs by position: `first[i]` with `second[i]`; `skipped` blocks held more than `CAP`."""

    first: Ints
    second: Ints
    skipped: int

    def __len__(self) -> int:
        return len(self.first)


def among(people: Columns, encoder: Encoder, blocks: Sequence[str]) -> Pairs:
    """All pairs of one list that share a block; each pair once, `first` before `second`."""
    skipped, packed = 0, [np.zeros(0, dtype=np.int64)]
    for parts in block_columns(people, encoder, blocks).values():
        rows, keys = _keyed(parts)
        order = np.argsort(keys, kind="stable")
        starts, sizes = _groups(keys[order])
        skipped += int((sizes > CAP).sum())
        members = rows[order]
        packed += [
            _combinations(members, starts[sizes == size], size, len(people))
            for size in range(2, CAP + 1)
        ]
    unique = np.unique(np.concatenate(packed))
    return Pairs(unique // max(len(people), 1), unique % max(len(people), 1), skipped)


class Index:
    """The blocks of people already known, ready for newcomers."""

    def __init__(self, known: Columns, encoder: Encoder, blocks: Sequence[str]) -> None:
        self._size = len(known)
        self._blocks: dict[str, tuple[Ints, Hashes]] = {}
        for block, parts in block_columns(known, encoder, blocks).items():
            rows, keys = _keyed(parts)
            order = np.argsort(keys, kind="stable")
            self._blocks[block] = (rows[order], keys[order])

    def search(self, newcomers: Columns, encoder: Encoder) -> Pairs:
        """Pairs of newcomer (`first`) and known person (`second`) that share a block."""
        skipped, packed = 0, [np.zeros(0, dtype=np.int64)]
        columns = block_columns(newcomers, encoder, tuple(self._blocks))
        for block, parts in columns.items():
            rows, keys = _keyed(parts)
            members, known = self._blocks[block]
            low = np.searchsorted(known, keys, side="left")
            sizes = np.searchsorted(known, keys, side="right") - low
            skipped += int((sizes > CAP).sum())
            sizes[sizes > CAP] = 0
            found = members[np.repeat(low, sizes) + _counting(sizes)]
            packed.append(np.repeat(rows, sizes) * self._size + found)
        unique = np.unique(np.concatenate(packed))
        return Pairs(unique // max(self._size, 1), unique % max(self._size, 1), skipped)


def _keyed(parts: tuple[Ints, ...]) -> tuple[Ints, Hashes]:
    """The people who have every part of a block, and one number for their parts together.

    Two blocks with the same number cost a useless comparison and nothing else.
    """
    known = np.ones(len(parts[0]), dtype=np.bool_)
    for part in parts:
        known &= part > 0
    rows = np.flatnonzero(known)
    keys = np.zeros(len(rows), dtype=np.uint64)
    for part in parts:
        keys = (keys ^ part[rows].astype(np.uint64)) * _MIX + _GOLDEN
        keys ^= keys >> _SHIFT
    return rows, keys


def _groups(keys: Hashes) -> tuple[Ints, Ints]:
    """Start and size of each run of equal values in sorted keys."""
    if not len(keys):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    starts = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1])
    return starts, np.diff(np.concatenate([starts, [len(keys)]]))


def _combinations(members: Ints, starts: Ints, size: int, width: int) -> Ints:
    """Every pair inside every group of one size, packed as first * width + second."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    groups = members[starts[:, None] + np.arange(size)]
    left, right = np.triu_indices(size, 1)
    a, b = groups[:, left].ravel(), groups[:, right].ravel()
    packed: Ints = np.minimum(a, b) * width + np.maximum(a, b)
    return packed


def _counting(sizes: Ints) -> Ints:
    """0, 1, ... size-1 for each size, one after the other."""
    ends = np.cumsum(sizes)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - sizes, sizes)
