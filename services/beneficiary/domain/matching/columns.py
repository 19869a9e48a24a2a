"""Many people as columns of whole numbers, so that a million are compared without a loop."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import islice

import numpy as np

from services.beneficiary.domain.matching.person import MALE
from services.beneficiary.domain.matching.profile import Profile
from services.beneficiary.domain.matching.vocabulary import Ints, Names, Texts
from services.beneficiary.domain.names import VIETNAMESE

BATCH = 50_000
"""People turned into columns at a time."""
_SEXES = {"": 0, "M": 1, "F": 2}


@dataclass(frozen=True)
class Columns:
    """One entry a person in every column; 0 means not known.

    Names are rows of `Names`, texts are numbers of `Texts`, dates are ordinals. `marked` is 1 for
    a person of whose name any word carries Vietnamese marks, `keeps` for one whose family name
    does not change by marriage.
    """

    family: Ints
    given: Ints
    middle: Ints
    father: Ints
    marked: Ints
    keeps: Ints
    sex: Ints
    born: Ints
    number: Ints
    number_kind: Ints
    number_sound: Ints
    number_born: Ints
    number_year: Ints
    phone: Ints
    region: Ints
    place: Ints
    house: Ints
    street: Ints
    household: Ints

    def __len__(self) -> int:
        return len(self.family)

    def take(self, rows: Ints) -> "Columns":
        """The people at the given positions, in that order."""
        return Columns(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


class Encoder:
    """Turns profiles into columns; one encoder's columns can be compared with each other."""

    def __init__(self) -> None:
        self.names = Names()
        self.texts = Texts()

    def encode(self, profiles: Iterable[Profile]) -> Columns:
        """The columns of these people; read once, so that a long list need not be in memory."""
        width = len(fields(Columns))
        parts = [np.zeros((0, width), dtype=np.int64)]
        rows = iter(profiles)
        while batch := [self._row(person) for person in islice(rows, BATCH)]:
            parts.append(np.array(batch, dtype=np.int64))
        table = np.concatenate(parts)
        return Columns(*(np.ascontiguousarray(table[:, i]) for i in range(width)))

    def _row(self, person: Profile) -> tuple[int, ...]:
        name, text = self.names.number, self.texts.number
        family = name(person.family, person.tradition)
        given = name(person.given, person.tradition)
        middle = name(person.middle, person.tradition)
        marked = self.names.is_marked
        return (
            family,
            given,
            middle,
            name(person.father, person.tradition),
            int(marked(family) or marked(given) or marked(middle)),
            int(person.sex == MALE or person.tradition == VIETNAMESE),
            _SEXES[person.sex],
            person.born,
            text(person.number),
            text(person.number_kind) if person.number else 0,
            int(person.number_sound),
            person.number_born,
            person.number_year,
            text(person.phone),
            text(person.region),
            text(person.place),
            text(person.house),
            text(person.street),
            text(person.household),
        )
