"""Comparing names: by letters as written, by keys that spellings share, by slips of the pen."""

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.matching.columns import Columns
from services.beneficiary.domain.matching.levels import Levels, Name, Simple, among
from services.beneficiary.domain.matching.similarity import FAR, distances
from services.beneficiary.domain.matching.vocabulary import Ints, Names

Flags = npt.NDArray[np.bool_]
LONG_ENOUGH_FOR_ONE_SLIP = 4
LONG_ENOUGH_FOR_TWO_SLIPS = 5
SHORTEST_SKELETON = 3
"""Consonants that a name must have for them to say anything, where both names show their vowels."""
_TWO_SLIPS = 2
_STRENGTH = np.zeros(max(Name) + 1, dtype=np.int64)
for _rank, _level in enumerate(
    (
        *(
            Name.KEPT,
            Name.DIFFERENT,
            Name.TWO_NAMES,
            Name.CLOSE,
            Name.MARKS,
            Name.INITIAL,
            Name.CONSONANTS,
        ),
        *(Name.TONE, Name.SLIP, Name.SOUND, Name.SPELLING, Name.WRITTEN),
    )
):
    _STRENGTH[_level] = _rank + 1
"""Which of two levels is the better agreement; "not known" is below all."""
_ALIKE = among(Name.SLIP, Name.CLOSE, Name.CONSONANTS, Name.MARKS, Name.TONE)


class NameComparer:
    """Compares the names of people whose name columns are rows of one table."""

    def __init__(self, table: Names) -> None:
        self._table = table

    def given_and_family(self, a: Columns, b: Columns) -> tuple[Levels, Levels, Levels]:
        """Levels of given name and family name, and whether they stand in each other's field.

        Where neither agrees in its own field but they agree crosswise, the crosswise levels count;
        the weaker of the two is taken for the given name, which tells brothers and sisters apart.
        """
        given = self._levels(a.given, b.given, a, b)
        self._two_names(given, a.given, b.given)
        family = self._levels(a.family, b.family, a, b, by_stem=True)
        order = np.full(len(given), Simple.SAME, dtype=np.uint8)
        rows = np.flatnonzero(_weak(given) & _weak(family))
        if len(rows):
            weaker, stronger = self._crosswise(a.take(rows), b.take(rows))
            crossed = ~_weak(stronger) & (weaker != Name.DIFFERENT)
            swapped = rows[crossed]
            given[swapped] = weaker[crossed]
            family[swapped] = stronger[crossed]
            order[swapped] = Simple.DIFFERENT
        family[(family == Name.DIFFERENT) & (a.keeps & b.keeps > 0)] = Name.KEPT
        return given, family, order

    def _crosswise(self, x: Columns, y: Columns) -> tuple[Levels, Levels]:
        """The weaker and the stronger level of given names against family names."""
        first = self._levels(x.given, y.family, x, y, by_stem=True)
        second = self._levels(x.family, y.given, x, y, by_stem=True)
        self._two_names(first, x.given, y.family)
        self._two_names(second, x.family, y.given)
        return _ordered(first, second)

    def middle(self, a: Columns, b: Columns) -> Levels:
        """The better of two views: the patronymic as written, and the father's name inside it."""
        written = self._levels(a.middle, b.middle, a, b)
        father = self._levels(a.father, b.father, a, b)
        father[father == Name.WRITTEN] = Name.SPELLING
        return np.where(_STRENGTH[father] > _STRENGTH[written], father, written).astype(np.uint8)

    def _two_names(self, level: Levels, x: Ints, y: Ints) -> None:
        """Two given names in use are two names, however alike: Hasan, Husan; Hà, Hạ."""
        known = self._table.known.array
        alike = _ALIKE[level]
        unwritten = (level == Name.CONSONANTS) & self._two_scripts(x, y)
        level[alike & ~unwritten & (known[x] > 0) & (known[y] > 0)] = Name.TWO_NAMES

    def _levels(self, x: Ints, y: Ints, a: Columns, b: Columns, *, by_stem: bool = False) -> Levels:
        """`by_stem` drops the endings that tell a man's family name from a woman's."""
        table = self._table
        keys = (table.stems if by_stem else table.keys).array
        same_key = keys[x] == keys[y]
        level = np.full(len(x), Name.DIFFERENT, dtype=np.uint8)
        rest = np.flatnonzero(~same_key & (x > 0) & (y > 0))
        if len(rest):
            level[rest] = self._slips(x[rest], y[rest], keys)
        self._alike(level, x, y)
        level[same_key] = Name.SPELLING
        self._marks(level, x, y, same_key & (a.marked > 0) & (b.marked > 0))
        level[table.spellings.array[x] == table.spellings.array[y]] = Name.WRITTEN
        level[(x == 0) | (y == 0)] = Name.UNKNOWN
        return level

    def _slips(self, x: Ints, y: Ints, keys: Ints) -> Levels:
        """One or two letters apart in any of the spellings that are compared."""
        table = self._table
        distance = np.full(len(x), FAR, dtype=np.int64)
        for spelling in (table.written.array, table.plains.array, table.raw_keys.array, keys):
            distance = np.minimum(distance, distances(table.texts, spelling[x], spelling[y]))
        length = table.texts.lengths.array[table.raw_keys.array]
        shortest = np.minimum(length[x], length[y])
        unknown = (table.known.array[x] & table.known.array[y]) == 0
        level = np.full(len(x), Name.DIFFERENT, dtype=np.uint8)
        two = (distance == _TWO_SLIPS) & (shortest >= LONG_ENOUGH_FOR_TWO_SLIPS)
        level[two | (distance == 1)] = Name.CLOSE
        level[(distance == 1) & ((shortest >= LONG_ENOUGH_FOR_ONE_SLIP) | unknown)] = Name.SLIP
        return level

    def _alike(self, level: Levels, x: Ints, y: Ints) -> None:
        table = self._table
        consonants = table.consonants.array
        opened, closed = table.open_sounds.array, table.closed_sounds.array
        initials, firsts = table.initials.array, table.firsts.array
        enough = np.where(self._two_scripts(x, y), SHORTEST_SKELETON - 1, SHORTEST_SKELETON)
        long_enough = table.texts.lengths.array[consonants[x]] >= enough
        same_consonants = (consonants[x] == consonants[y]) & long_enough
        level[same_consonants & (level != Name.SLIP)] = Name.CONSONANTS
        level[(opened[x] == opened[y]) | (closed[x] == closed[y])] = Name.SOUND
        alone = (initials[x] | initials[y]) > 0
        level[alone & (firsts[x] == firsts[y])] = Name.INITIAL

    def _two_scripts(self, x: Ints, y: Ints) -> Flags:
        """Whether one name is in the Arabic script, which leaves its vowels out, and one is not."""
        arabic = self._table.arabic.array
        return np.asarray(arabic[x] != arabic[y])

    def _marks(self, level: Levels, x: Ints, y: Ints, both_marked: Flags) -> None:
        """The same letters where both people's names are written with marks."""
        letters, toned = self._table.letters.array, self._table.toned.array
        only_tone = (letters[x] == letters[y]) & (toned[x] > 0) & (toned[y] > 0)
        level[both_marked] = Name.MARKS
        level[both_marked & only_tone] = Name.TONE


def _weak(level: Levels) -> Flags:
    return np.asarray(_STRENGTH[level] <= _STRENGTH[Name.CLOSE])


def _ordered(first: Levels, second: Levels) -> tuple[Levels, Levels]:
    swap = _STRENGTH[first] > _STRENGTH[second]
    return np.where(swap, second, first), np.where(swap, first, second)
