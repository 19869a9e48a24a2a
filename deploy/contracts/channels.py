"""Channels: the topics of the catalogue, those of regions and services as one template each."""

from dataclasses import dataclass, replace
from typing import Final

from contracts.catalogue import (
    EVENTS,
    SERVICES,
    TOPICS,
    EventType,
    Topic,
    regional_topics,
)

REGION: Final = "{region}"
SERVICE: Final = "{service}"
_DEAD_LETTERS: Final = f"{SERVICE}.dead-letter.v1"


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic or a template of topics, with the types that travel on it."""

    topic: Topic
    events: tuple[EventType, ...]

    @property
    def address(self) -> str:
        """The topic's name, `{region}` or `{service}` standing for what varies."""
        return self.topic.name


def _address(event: EventType) -> str:
    return event.topic.replace("<", "{").replace(">", "}")


def _templates() -> tuple[Topic, ...]:
    own = tuple(topic for topic in TOPICS if not topic.name.endswith(".dead-letter.v1"))
    one = next(topic for topic in TOPICS if topic.name == f"{SERVICES[0]}.dead-letter.v1")
    dead_letters = replace(one, name=_DEAD_LETTERS, owner=SERVICE)
    return (*regional_topics(REGION), *own, dead_letters)


def channels() -> tuple[Channel, ...]:
    """Every channel in the order a newcomer reads them: regions, services, dead letters."""
    return tuple(
        Channel(topic, tuple(event for event in EVENTS if _address(event) == topic.name))
        for topic in _templates()
    )


def channel_of(event: EventType) -> Channel:
    """Where a type travels."""
    return next(channel for channel in channels() if channel.address == _address(event))
