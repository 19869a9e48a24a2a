"""Facts of notifications: what became of a message. No text, no phone."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from contracts.envelope import Fact
from contracts.values import C1, Code, Count, LanguageTag

Channel = Literal["sms", "email", "voice", "in_person"]


class MessageDelivered(Fact):
    """A provider took a message for delivery to its recipient."""

    type_name: ClassVar[str] = "notifications.message.delivered"

    message_id: Annotated[UUID, C1]
    recipient_id: Annotated[UUID, C1]
    template: Annotated[Code, C1]
    language: Annotated[LanguageTag, C1]
    channel: Annotated[Channel, C1]


class MessageFailed(Fact):
    """A message could not be delivered: the in-person route is next.

    `channel` is the last one tried, or `in_person` where there was none. `reason` is the provider's
    own code (`number_not_in_service`, `smtp.550`) or ours: `phone.missing`, `contact.away`,
    `contact.unreadable`, `person.forgotten`: the key has ended, and nobody goes there either.
    """

    type_name: ClassVar[str] = "notifications.message.failed"

    message_id: Annotated[UUID, C1]
    recipient_id: Annotated[UUID, C1]
    channel: Annotated[Channel, C1]
    reason: Annotated[Code, C1]
    attempts: Annotated[Count, C1]
