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


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take it; `reason` is a code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Taken or not, nobody knows, or it could not be tried just now; `reason` is a code."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoWay:
    """There is no phone to send to: somebody must go there. `reason` is a code."""

    reason: str


Answer = Taken | Refused | Unclear | NoWay


@dataclass(frozen=True, slots=True)
class Delivered:
    """The message is done."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The message will not arrive this way: the in-person route is next."""

    channel: Channel
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt is due after a while."""

    reason: str
    wait_s: float


Verdict = Delivered | Failed | Again


def message_id(notice_id: UUID) -> UUID:
    """The id of the message that tells a notice: one notice, one message, for ever."""
    return derived_id(str(notice_id), "message", str(notice_id))


def verdict(answer: Answer, attempt: int, most_attempts: int) -> Verdict:
    """What follows from the answer to an attempt, counted from 1."""
    match answer:
        case Taken():
            return Delivered()
        case Refused(reason):
            return Delivered() if reason == TAKEN_BEFORE else Failed("sms", reason, attempt)
        case NoWay(reason):
            return Failed("in_person", reason, attempt - 1)
        case Unclear(reason):
            if attempt >= most_attempts:
                return Failed("sms", reason, attempt)
            return Again(reason, wait_s(attempt))
        case _:
            assert_never(answer)


def wait_s(attempt: int) -> float:
    """How long to wait after the n-th attempt: doubling from two seconds to an hour."""
    return float(min(FIRST_WAIT_S * 2 ** min(attempt - 1, 20), LONGEST_WAIT_S))
