"""Facts of the platform itself: answers to claims, dead letters, the rehearsal clock."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints

from contracts.envelope import EventId, Fact
from contracts.values import C0, C1, Code, Count, ShortText, Text

FieldPath = Annotated[str, StringConstraints(max_length=200)]
"""Where the fault lies, e.g. `data.identifiers.0.value`; never what stood there."""


class EventAccepted(Fact):
    """The answer to a claim: it took effect."""

    type_name: ClassVar[str] = "platform.event.accepted"

    claim_id: Annotated[EventId, C1]
    claim_source: Annotated[ShortText, C1]
    person_id: Annotated[UUID | None, C1] = None


class EventRejected(Fact):
    """The answer to a claim: it had no effect, for this reason, in this field."""

    type_name: ClassVar[str] = "platform.event.rejected"

    claim_id: Annotated[EventId | None, C1] = None
    """None where the bytes held no readable id; `position` tells which record it was."""
    claim_source: Annotated[ShortText, C1]
    code: Annotated[Code, C1]
    path: Annotated[FieldPath, C1]
    digest: Annotated[ShortText, C1]
    """SHA-256 of the bytes as received, hexadecimal."""
    position: Annotated[Text, C1]
    """`<topic>/<partition>:<offset>`, or `http:<row>`."""


class RecordDeadLettered(Fact):
    """A record could not be handled; its bytes are kept sealed by the service that read it."""

    type_name: ClassVar[str] = "platform.record.dead-lettered"

    dead_letter_id: Annotated[UUID, C0]
    topic: Annotated[ShortText, C0]
    partition: Annotated[int, C0]
    offset: Annotated[int, C0]
    reason: Annotated[Code, C0]
    path: Annotated[FieldPath, C0]
    digest: Annotated[ShortText, C0]
    attempts: Annotated[Count, C0]


class ClockAdvanced(Fact):
    """Rehearsal only: business time moved forward."""

    type_name: ClassVar[str] = "platform.clock.advanced"

    clock: Annotated[Code, C0]
    business_time: Annotated[AwareDatetime, C0]
