"""What follows from one attempt to send a message."""

from dataclasses import dataclass
from typing import Final, assert_never
from uuid import UUID

from contracts.notifications import Channel
from contracts.values import derived_id

FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 3600.0
TAKEN_BEFORE: Final = "id_reused"
"""The provider knows the id with other words or another number: an earlier attempt was taken,
although its answer was lost, and the message was composed anew since."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider took the message."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take it; `reason` is a code."""

    channel: Channel
    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Taken or not, nobody knows, or it could not be tried just now; `reason` is a code."""

    channel: Channel
    reason: str


@dataclass(frozen=True, slots=True)
class NoWay:
    """There is nothing to send to: somebody must go there. `reason` is a code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The person's key has ended: they are told nothing any more, and nobody goes there."""


Answer = Taken | Refused | Unclear | NoWay | Forgotten


@dataclass(frozen=True, slots=True)
class Delivered:
    """The message is done."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Failed:
    """The message will not arrive: the in-person route is next, unless the person is forgotten."""

    channel: Channel
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt is due after a while."""

    channel: Channel
    reason: str
    wait_s: float


Verdict = Delivered | Failed | Again


def message_id(notice_id: UUID) -> UUID:
    """The id of the message that tells a notice: one notice, one message, for ever."""
    return derived_id(str(notice_id), "message", str(notice_id))


def ways(phone: str | None, email: str | None, tried: Channel) -> list[tuple[Channel, str]]:
    """How a person can be told, the best way first: a text message is read sooner than a mail.

    Before both comes the way that the attempt before went: it may have taken the message.
    """
    offered: tuple[tuple[Channel, str | None], ...] = ("sms", phone), ("email", email)
    open_ways = [(channel, to) for channel, to in offered if to]
    return sorted(open_ways, key=lambda way: way[0] != tried)


def goes_on(answer: Answer) -> bool:
    """Whether the next way is tried at once: what was not surely refused may have been taken."""
    return isinstance(answer, Refused) and answer.reason != TAKEN_BEFORE


def verdict(answer: Answer, tried: Channel, attempt: int, most_attempts: int) -> Verdict:
    """What follows from the answer to an attempt, counted from 1; `tried` is the way before it."""
    match answer:
        case Taken(channel):
            return Delivered(channel)
        case Refused(channel, reason):
            return Failed(channel, reason, attempt) if goes_on(answer) else Delivered(channel)
        case NoWay(reason):
            return Failed(tried, reason, attempt - 1)
        case Forgotten():
            return Failed(tried, "person.forgotten", attempt - 1)
        case Unclear(channel, reason):
            if attempt >= most_attempts:
                return Failed(channel, reason, attempt)
            return Again(channel, reason, wait_s(attempt))
        case _:
            assert_never(answer)


def wait_s(attempt: int) -> float:
    """How long to wait after the n-th attempt: doubling from two seconds to an hour."""
    return float(min(FIRST_WAIT_S * 2 ** min(attempt - 1, 20), LONGEST_WAIT_S))
