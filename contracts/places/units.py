"""An administrative unit during the time in which it had one code and one set of borders."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The levels of the three countries, from the whole to the part."""

    REGION = "region"
    DISTRICT = "district"
    COMMUNITY = "community"
    SETTLEMENT = "settlement"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. In force from `valid_from` up to but not including `valid_until`.

    None means: as far back, or ahead, as the source knows. `names` holds a name for each BCP 47
    language of the source; `parent` is a code that is in force at the same time, or empty.
    """

    country: str
    code: str
    level: Level
    parent: str
    names: Mapping[str, str]
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None

    def in_force(self, on: dt.date) -> bool:
        """Whether the unit exists on a day."""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_until is None or on < self.valid_until)
