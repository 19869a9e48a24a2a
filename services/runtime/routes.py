"""What a service declares: which handler takes which event, and what a handler may answer.

A handler is four verbs - load, decide, save, return - over a whole wave of events. It never calls
outside and never makes an envelope: it returns outcomes.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.catalogue import claims_pattern
from contracts.codec import Event
from contracts.envelope import Envelope, Payload
from contracts.values import REGION_PREFIX, derived_id
from services.runtime.database import Transaction


class Cause(NamedTuple):
    """Why a fact exists: the event or timer it follows from. Ids of facts are derived from it."""

    seed: str
    """What ids are derived from: unique over all sources."""
    id: str
    correlation: str
    region: str | None
    traceparent: str | None = None

    @classmethod
    def of(cls, event: Event) -> "Cause":
        """The cause that an event is."""
        return cls(
            seed_of(event.source, event.id),
            event.id,
            event.correlationid or event.id,
            region_of(event),
            None if event.source.startswith(REGION_PREFIX) else event.traceparent,
        )

    @classmethod
    def of_timer(cls, name: str, due_at: datetime, subject: str, region: str | None) -> "Cause":
        """The cause that a timer is: the same timer always gives the same ids."""
        timer = str(derived_id(due_at.isoformat(), f"timer.{name}", subject))
        return cls(timer, timer, timer, region)


class Decided(NamedTuple):
    """A fact to publish, and why."""

    cause: Cause
    payload: Payload
    region: str | None = None
    """The region it is about, if not the cause's."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A claim took effect."""

    claim: Event
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A claim had no effect: a code, and the path of the field that is to blame."""

    claim: Event
    code: str
    path: str


@dataclass(frozen=True, slots=True)
class Waits:
    """An event cannot be handled before its cause is here, e.g. `contact:<person id>`."""

    event: Event
    cause: str


@dataclass(frozen=True, slots=True)
class Releases:
    """What waited for this cause can be handled now."""

    cause: str


def seed_of(source: str, event_id: str) -> str:
    """What ids are derived from that follow from an event."""
    return f"{source}\x1f{event_id}"


def region_of(event: Event) -> str | None:
    """The region an event is about; for a claim the region that made it, which its topic proves."""
    if event.source.startswith(REGION_PREFIX):
        return event.source.removeprefix(REGION_PREFIX).upper()
    return event.regioncode


Outcome = Decided | Accepted | Rejected | Waits | Releases
Handler = Callable[[Transaction, Sequence[Envelope[Any]]], Awaitable[Sequence[Outcome]]]


Forget = Callable[[Transaction, Sequence[str]], Awaitable[Sequence[Outcome]]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic (or, for claims, a pattern of topics) and who handles what arrives on it."""

    topic: str
    group: str
    handlers: Mapping[type[Payload], Handler]
    is_pattern: bool = False
    forget: Forget | None = None
    """On a compacted topic: drops what is held under keys that ended."""
    parts: tuple["Subscription", ...] = ()
    """Subscriptions whose records are applied together, in common transactions."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Its topics by name; none where they are given by a pattern."""
        return () if self.is_pattern else tuple(part.topic for part in self.parts or (self,))

    @property
    def pattern(self) -> str:
        """A regular expression that its topics match and no others."""
        return self.topic if self.is_pattern else f"^({'|'.join(map(re.escape, self.topics))})$"


def on(
    service: str,
    topic: str,
    handlers: Mapping[type[Payload], Handler],
    *,
    forget: Forget | None = None,
) -> Subscription:
    """Facts of another service: types without a handler are passed over, in order."""
    return Subscription(topic, f"{service}.facts", handlers, forget=forget)


def together(service: str, parts: Sequence[Subscription]) -> Subscription:
    """The facts of several topics as one consumer applies them, in common transactions."""
    handlers = {payload: handler for part in parts for payload, handler in part.handlers.items()}
    topics = "+".join(part.topic for part in parts)
    return Subscription(topics, f"{service}.facts", handlers, parts=tuple(parts))


def on_claims(owner: str, handlers: Mapping[type[Payload], Handler]) -> Subscription:
    """Claims of every region for this owner; each is answered exactly once."""
    return Subscription(claims_pattern(owner), f"{owner}.regional", handlers, is_pattern=True)


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose business instant has come."""

    name: str
    subject: str
    due_at: datetime
    data: dict[str, Any]


TimerHandler = Callable[[Transaction, Sequence[DueTimer]], Awaitable[Sequence[Outcome]]]


@dataclass(frozen=True, slots=True)
class Job:
    """Continuous work with the outside, by one leader: claim, then call, then record.

    `claim` runs in its own transaction and returns None when there is nothing to do; `call` runs
    outside any transaction and may happen twice for one claim, so it carries an idempotency key;
    `record` stores the answer in a second transaction.
    """

    name: str
    every_s: float
    claim: Callable[[Transaction], Awaitable[Any | None]]
    call: Callable[[Any], Awaitable[Any]]
    record: Callable[[Transaction, Any, Any], Awaitable[Sequence[Outcome]]]
