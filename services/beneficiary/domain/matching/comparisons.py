"""Comparing people field by field, many pairs at once: columns of people in, levels out."""

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.identifiers import Kind
from services.beneficiary.domain.matching.columns import Columns, Encoder
from services.beneficiary.domain.matching.dates import born
from services.beneficiary.domain.matching.levels import Home, Levels, Number, Phone, Simple
from services.beneficiary.domain.matching.name_levels import NameComparer
from services.beneficiary.domain.matching.similarity import distances, likeness
from services.beneficiary.domain.matching.vocabulary import Ints

SAME_STREET = 0.75
"""Share of equal letters from which two streets are one, spelled differently."""
NEIGHBOURING_DIGITS = 3
"""Digits in which the numbers of twins differ at most: two of the serial, the control digit."""
SLIP_DIGITS = 2
"""Digits that may differ where one number breaks its rule and so contains a slip."""


class Comparer:
    """Compares people of one encoder."""

    def __init__(self, encoder: Encoder) -> None:
        self._texts = encoder.texts
        self._names = NameComparer(encoder.names)
        self._no_rule = encoder.texts.number(Kind.OTHER)

    def levels(self, a: Columns, b: Columns) -> Levels:
        """One row a pair a[i], b[i], one column a field in the order of `FIELDS`.

        Symmetric: levels(a, b) equals levels(b, a).
        """
        given, family, order = self._names.given_and_family(a, b)
        columns = (
            given,
            family,
            self._names.middle(a, b),
            _simple(a.sex, b.sex),
            born(a, b),
            self._number(a, b),
            self._phone(a.phone, b.phone),
            self._home(a, b),
            _simple(a.household, b.household),
            order,
        )
        return np.column_stack(columns)

    def _number(self, a: Columns, b: Columns) -> Levels:
        """Two numbers that keep their rule and differ are two people; a slip breaks the rule."""
        level = np.full(len(a), Number.DIFFERENT, dtype=np.uint8)
        known = (a.number > 0) & (b.number > 0)
        rows = np.flatnonzero(known & (a.number != b.number))
        distance = distances(self._texts, a.number[rows], b.number[rows])
        both = (a.number_sound[rows] & b.number_sound[rows]) > 0
        level[rows[both]] = Number.BOTH_SOUND
        level[rows[both & (distance <= NEIGHBOURING_DIGITS)]] = Number.NEIGHBOURS
        slip = (distance == 1) | (~both & (distance <= SLIP_DIGITS))
        level[rows[slip]] = Number.SLIP
        two_kinds = a.number_kind != b.number_kind
        ruleless = (a.number_kind == self._no_rule) & (level != Number.SLIP)
        level[two_kinds | ruleless] = Number.NO_RULE
        trusted = (a.number_sound > 0) | (a.number_kind == self._no_rule)
        level[a.number == b.number] = Number.SLIP
        level[(a.number == b.number) & trusted] = Number.SAME
        level[~known] = Number.UNKNOWN
        return level

    def _phone(self, x: Ints, y: Ints) -> Levels:
        level = np.full(len(x), Phone.DIFFERENT, dtype=np.uint8)
        rows = np.flatnonzero((x > 0) & (y > 0) & (x != y))
        level[rows[distances(self._texts, x[rows], y[rows]) == 1]] = Phone.SLIP
        level[x == y] = Phone.SAME
        level[(x == 0) | (y == 0)] = Phone.UNKNOWN
        return level

    def _home(self, a: Columns, b: Columns) -> Levels:
        written = (a.street > 0) & (b.street > 0)
        street = self._same_street(a.street, b.street, written)
        house = street & (a.house == b.house)
        level = _region(a, b)
        level[house] = Home.ADDRESS_ONLY
        place = (a.place == b.place) & (a.place > 0)
        level[place] = Home.SAME_PLACE
        level[place & ~written] = Home.PLACE_ONLY
        level[place & street] = Home.STREET
        level[place & house] = Home.SAME
        return level

    def _same_street(self, x: Ints, y: Ints, written: npt.NDArray[np.bool_]) -> np.ndarray:
        same = np.zeros(len(x), dtype=np.bool_)
        rows = np.flatnonzero(written)
        same[rows] = likeness(self._texts, x[rows], y[rows]) >= SAME_STREET
        return same


def _region(a: Columns, b: Columns) -> Levels:
    same = a.region == b.region
    level = np.where(same, Home.SAME_REGION, Home.OTHER_REGION).astype(np.uint8)
    level[same & ((a.place == 0) | (b.place == 0))] = Home.UNKNOWN
    level[(a.region == 0) | (b.region == 0)] = Home.UNKNOWN
    return level


def _simple(x: Ints, y: Ints) -> Levels:
    level = np.where(x == y, Simple.SAME, Simple.DIFFERENT).astype(np.uint8)
    level[(x == 0) | (y == 0)] = Simple.UNKNOWN
    return level
