"""A person as benefits knows them: a reference, dates and statuses; no name, no account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.benefits.domain.calendar import years_old

ADULT_YEARS: Final = 18
"""From this age on a person is paid themselves; before, the head of the household is."""

SINGLE_PARENT: Final = "single_parent"


class Review(StrEnum):
    """Whether the registry suspects that the person is known under another record."""

    NONE = "none"
    OPEN = "open"
    SAME = "same"
    """An officer decided that they are."""


class StatusEntry(NamedTuple):
    """A status that was granted or ended, and the business day on which benefits learned it."""

    code: str
    level: str | None
    state: Literal["granted", "ended"]
    effective_on: date
    known_on: date


@dataclass(frozen=True, slots=True)
class Person:
    """Whom benefits judges. `residence` is the ward; `statuses` stand in the order they came."""

    id: UUID
    region: str
    household_id: UUID
    residence: str
    birth_date: date
    registered_at: datetime
    review: Review
    statuses: tuple[StatusEntry, ...] = ()

    @property
    def raises_children_alone(self) -> bool:
        """Whether the centre ever said that the person is a single parent."""
        return any(entry.code == SINGLE_PARENT for entry in self.statuses)


def payee_of(person: Person, head_id: UUID | None, today: date) -> UUID | None:
    """Who receives the money: an adult themselves, for a child the head; None while unknown."""
    return person.id if years_old(person.birth_date, today) >= ADULT_YEARS else head_id


def with_statuses(
    known: tuple[StatusEntry, ...], more: Sequence[StatusEntry]
) -> tuple[StatusEntry, ...]:
    """Statuses with later ones added; saying the same again adds nothing."""
    said = {entry[:4] for entry in known}
    fresh = []
    for entry in more:
        if entry[:4] not in said:
            said.add(entry[:4])
            fresh.append(entry)
    return (*known, *fresh)


def duplicate_among(pair: Sequence[Person]) -> list[UUID]:
    """Whose holds end for ever when both are one person: who is held; of two the later record.

    What already runs is never stopped by this.
    """
    held = [person for person in pair if person.review is Review.OPEN]
    held.sort(key=lambda person: (person.registered_at, person.id))
    return [person.id for person in held[-1:]]
