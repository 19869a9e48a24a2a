"""How two people agree in each field: one level per field, chosen from a short list.

A level is a small whole number; 0 is always "not known of one of the two". The order inside a field
says nothing: what a level is worth is learned (see `training`).
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.beneficiary.domain.matching.columns import Columns, Encoder
from services.beneficiary.domain.matching.vocabulary import Ints, Names

Flags = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.uint8]


class Name(IntEnum):
    """Agreement of two names."""

    UNKNOWN = 0
    DIFFERENT = 1
    CLOSE = 2
    INITIAL = 3
    SLIP = 4
    SOUND = 5
    MARKS = 6
    SPELLING = 7
    WRITTEN = 8
    CONSONANTS = 9
    TWO_NAMES = 10


class Born(IntEnum):
    """Agreement of two birth dates."""

    UNKNOWN = 0
    DIFFERENT = 1
    GENERATION = 2
    NEAR = 3
    YEAR = 4
    ONE_DIGIT = 5
    FIRST_OF_JANUARY = 6
    SWAPPED = 7
    NUMBER = 8
    SAME = 9
    TWO_PARTS = 10
    YEAR_SLIP = 11


class Number(IntEnum):
    """Agreement of two national identifiers."""

    UNKNOWN = 0
    DIFFERENT = 1
    BOTH_SOUND = 2
    NEIGHBOURS = 3
    OTHER_KIND = 4
    SLIP = 5
    SAME = 6


class Phone(IntEnum):
    """Agreement of two telephone numbers."""

    UNKNOWN = 0
    DIFFERENT = 1
    SLIP = 2
    SAME = 3


class Place(IntEnum):
    """Agreement of two places, old codes brought to the present."""

    UNKNOWN = 0
    OTHER_REGION = 1
    SAME_REGION = 2
    SAME = 3


class Address(IntEnum):
    """Agreement of two addresses inside a place."""

    UNKNOWN = 0
    DIFFERENT = 1
    STREET = 2
    SAME = 3


class Simple(IntEnum):
    """Agreement of two codes."""

    UNKNOWN = 0
    DIFFERENT = 1
    SAME = 2


FIELDS: dict[str, type[IntEnum]] = {
    "given": Name,
    "family": Name,
    "middle": Name,
    "sex": Simple,
    "born": Born,
    "number": Number,
    "phone": Phone,
    "place": Place,
    "address": Address,
    "household": Simple,
    "order": Simple,
}


class Comparer:
    """Compares people of one encoder, many pairs at once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def levels(self, a: Columns, b: Columns) -> Levels:
        """One row a pair (a[i], b[i]), one column a field in the order of `FIELDS`.

        Symmetric: levels(a, b) equals levels(b, a).
        """
        given, family, order = self._names(a, b)
        columns = (
            given,
            family,
            self._middle(a, b),
            _simple(a.sex, b.sex),
            _born(a, b),
            self._number(a, b),
            self._phone(a.phone, b.phone),
            _place(a, b),
            self._address(a, b),
            _simple(a.household, b.household),
            order,
        )
        return np.column_stack(columns)

    def _names(self, a: Columns, b: Columns) -> tuple[Levels, Levels, Levels]:
        given = self._given(a, b)
        family = self._name(a.family, b.family, a, b, by_stem=True)
        order = np.full(len(given), Simple.SAME, dtype=np.uint8)
        rows = np.flatnonzero(_weak(given) & _weak(family))
        if len(rows):
            x, y = a.take(rows), b.take(rows)
            first = self._name(x.given, y.family, x, y, by_stem=True)
            second = self._name(x.family, y.given, x, y, by_stem=True)
            fits = ~(_weak(first) & _weak(second)) & (np.minimum(first, second) != Name.DIFFERENT)
            swapped = rows[fits]
            given[swapped] = np.minimum(first, second)[fits]
            family[swapped] = np.maximum(first, second)[fits]
            order[swapped] = Simple.DIFFERENT
        return given, family, order

    def _given(self, a: Columns, b: Columns) -> Levels:
        level = self._name(a.given, b.given, a, b)
        known = self._encoder.names.known.array
        alike = np.isin(level, (Name.SLIP, Name.CLOSE, Name.CONSONANTS, Name.MARKS))
        level[alike & (known[a.given] > 0) & (known[b.given] > 0)] = Name.TWO_NAMES
        return level

    def _middle(self, a: Columns, b: Columns) -> Levels:
        level = self._name(a.middle, b.middle, a, b)
        level[(a.father == b.father) & (a.father > 0) & (level < Name.SPELLING)] = Name.SPELLING
        return level

    def _name(self, x: Ints, y: Ints, a: Columns, b: Columns, *, by_stem: bool = False) -> Levels:
        table = self._encoder.names
        level = np.full(len(x), Name.DIFFERENT, dtype=np.uint8)
        keys = (table.stems if by_stem else table.keys).array
        same_key = keys[x] == keys[y]
        rest = np.flatnonzero(~same_key & (x > 0) & (y > 0))
        level[rest] = _similarity(table, x[rest], y[rest], by_stem)
        self._raise_by_keys(level, x, y)
        level[same_key] = Name.SPELLING
        level[same_key & (a.marked > 0) & (b.marked > 0)] = Name.MARKS
        level[x == y] = Name.WRITTEN
        level[(x == 0) | (y == 0)] = Name.UNKNOWN
        return level

    def _raise_by_keys(self, level: Levels, x: Ints, y: Ints) -> None:
        table = self._encoder.names
        consonants = table.consonants.array
        opened, closed = table.open_sounds.array, table.closed_sounds.array
        initials, firsts = table.initials.array, table.firsts.array
        same_consonants = (consonants[x] == consonants[y]) & (consonants[x] > 0)
        level[same_consonants & (level != Name.SLIP)] = Name.CONSONANTS
        level[(opened[x] == opened[y]) | (closed[x] == closed[y])] = Name.SOUND
        alone = (initials[x] | initials[y]) > 0
        level[alone & (firsts[x] == firsts[y])] = Name.INITIAL

    def _number(self, a: Columns, b: Columns) -> Levels:
        level = np.full(len(a), Number.DIFFERENT, dtype=np.uint8)
        known = (a.number > 0) & (b.number > 0)
        comparable = known & (a.number_kind == b.number_kind) & (a.number != b.number)
        rows = np.flatnonzero(comparable)
        distance = _distances(self._encoder.texts.texts, a.number[rows], b.number[rows])
        both = (a.number_sound[rows] & b.number_sound[rows]) > 0
        level[rows[both]] = Number.BOTH_SOUND
        level[rows[both & (distance <= 3)]] = Number.NEIGHBOURS
        level[rows[distance == 1]] = Number.SLIP
        level[rows[(distance <= 2) & ~both]] = Number.SLIP
        level[known & (a.number_kind != b.number_kind)] = Number.OTHER_KIND
        level[a.number == b.number] = Number.SAME
        level[~known] = Number.UNKNOWN
        return level

    def _phone(self, x: Ints, y: Ints) -> Levels:
        level = np.full(len(x), Phone.DIFFERENT, dtype=np.uint8)
        rows = np.flatnonzero((x > 0) & (y > 0) & (x != y))
        distance = _distances(self._encoder.texts.texts, x[rows], y[rows])
        level[rows[distance == 1]] = Phone.SLIP
        level[x == y] = Phone.SAME
        level[(x == 0) | (y == 0)] = Phone.UNKNOWN
        return level

    def _address(self, a: Columns, b: Columns) -> Levels:
        level = np.full(len(a), Address.DIFFERENT, dtype=np.uint8)
        x, y = a.street, b.street
        rows = np.flatnonzero((x > 0) & (y > 0))
        alike = np.zeros(len(a), dtype=np.bool_)
        alike[rows] = _ratio(self._encoder.texts.texts, x[rows], y[rows]) >= 0.75
        level[alike] = Address.STREET
        level[alike & (a.house == b.house)] = Address.SAME
        level[(x == 0) | (y == 0)] = Address.UNKNOWN
        return level


def _weak(level: Levels) -> Flags:
    return np.isin(level, (Name.UNKNOWN, Name.DIFFERENT, Name.CLOSE, Name.TWO_NAMES))


def _similarity(table: Names, x: Ints, y: Ints, by_stem: bool) -> Levels:
    texts = table.texts
    distance = np.full(len(x), 9, dtype=np.int64)
    for keys in (table.written, table.plains, table.raw_keys, table.stems if by_stem else None):
        if keys is not None:
            distance = np.minimum(distance, _distances(texts.texts, keys.array[x], keys.array[y]))
    length = texts.lengths.array[table.raw_keys.array]
    shortest = np.minimum(length[x], length[y])
    known = table.known.array
    level = np.full(len(x), Name.DIFFERENT, dtype=np.uint8)
    level[(distance == 2) & (shortest >= 5)] = Name.CLOSE
    level[(distance == 1)] = Name.CLOSE
    level[(distance == 1) & ((shortest >= 4) | ((known[x] & known[y]) == 0))] = Name.SLIP
    return level


def _pairs(x: Ints, y: Ints) -> tuple[Ints, Ints, Ints]:
    low, high = np.minimum(x, y), np.maximum(x, y)
    width = int(high.max()) + 1 if len(high) else 1
    unique, inverse = np.unique(low * width + high, return_inverse=True)
    return unique // width, unique % width, inverse


def _distances(texts: list[str], x: Ints, y: Ints) -> Ints:
    low, high, inverse = _pairs(x, y)
    found = process.cpdist(
        [texts[i] for i in low.tolist()],
        [texts[i] for i in high.tolist()],
        scorer=OSA.distance,
        score_cutoff=3,
        dtype=np.int32,
    )
    return found.astype(np.int64)[inverse]


def _ratio(texts: list[str], x: Ints, y: Ints) -> npt.NDArray[np.float64]:
    low, high, inverse = _pairs(x, y)
    found = process.cpdist(
        [texts[i] for i in low.tolist()],
        [texts[i] for i in high.tolist()],
        scorer=OSA.normalized_similarity,
        dtype=np.float64,
    )
    return found[inverse]


def _simple(x: Ints, y: Ints) -> Levels:
    level = np.where(x == y, Simple.SAME, Simple.DIFFERENT).astype(np.uint8)
    level[(x == 0) | (y == 0)] = Simple.UNKNOWN
    return level


def _place(a: Columns, b: Columns) -> Levels:
    level = np.where(a.region == b.region, Place.SAME_REGION, Place.OTHER_REGION).astype(np.uint8)
    level[(a.region == 0) | (b.region == 0)] = Place.UNKNOWN
    level[(a.place == b.place) & (a.place > 0)] = Place.SAME
    return level


def _born(a: Columns, b: Columns) -> Levels:
    x = np.where(a.born > 0, a.born, a.number_born)
    y = np.where(b.born > 0, b.born, b.number_born)
    year_x, year_y = _year(x, a.number_year), _year(y, b.number_year)
    level = _born_by_year(year_x, year_y)
    dated = (x > 0) & (y > 0)
    (_, mx, dx), (_, my, dy) = _parts(x), _parts(y)
    same_year = (year_x == year_y) & dated
    same_month, same_day = mx == my, dx == dy
    level[same_year & (same_month ^ same_day)] = Born.TWO_PARTS
    apart = np.abs(year_x - year_y)
    level[dated & same_month & same_day & np.isin(apart, (1, 10, 100))] = Born.YEAR_SLIP
    level[(_digits_apart(x, y) == 1) & same_year] = Born.ONE_DIGIT
    first = ((mx == 1) & (dx == 1)) | ((my == 1) & (dy == 1))
    level[same_year & first] = Born.FIRST_OF_JANUARY
    level[same_year & (mx == dy) & (dx == my)] = Born.SWAPPED
    by_number = (a.number_born == y) | (b.number_born == x)
    level[by_number & dated] = Born.NUMBER
    level[(x == y) & dated] = Born.SAME
    return level


def _born_by_year(year_x: Ints, year_y: Ints) -> Levels:
    apart = np.abs(year_x - year_y)
    level = np.full(len(apart), Born.DIFFERENT, dtype=np.uint8)
    level[apart >= 13] = Born.GENERATION
    level[apart <= 2] = Born.NEAR
    level[apart == 0] = Born.YEAR
    level[(year_x == 0) | (year_y == 0)] = Born.UNKNOWN
    return level


def _year(born: Ints, number_year: Ints) -> Ints:
    return np.where(born > 0, _parts(born)[0], number_year)


def _parts(ordinals: Ints) -> tuple[Ints, Ints, Ints]:
    days = (ordinals - 719163).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    months = days.astype("datetime64[M]")
    year = years.astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (days - months).astype(np.int64) + 1
    return year, month, day


def _digits_apart(x: Ints, y: Ints) -> Ints:
    (yx, mx, dx), (yy, my, dy) = _parts(x), _parts(y)
    a, b = yx * 10000 + mx * 100 + dx, yy * 10000 + my * 100 + dy
    apart = np.zeros(len(a), dtype=np.int64)
    for place in range(8):
        apart += (a // 10**place) % 10 != (b // 10**place) % 10
    return apart
