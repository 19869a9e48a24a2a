"""`contracts/README.md`: every event and every topic in two tables, for people."""

import inspect
from collections.abc import Iterable
from typing import Final

from contracts.catalogue import EVENTS, EventType, Topic, data_class_of
from deploy.contracts.channels import channel_of, channels

_TEXT: Final = """\
# The published language

Made from `catalogue.py` by `make contracts-generate`; edit that and the docstrings of the models.

Every record's value is one CloudEvents 1.0 event in JSON. `examples/` holds one of each type,
`schemas/` its JSON Schema, `asyncapi.yaml` everything at once (`make docs-contracts` makes a page
of it), `published/` what may not break any more. `pip install` of this project without extras
brings the models and pydantic:

```python
from contracts.codec import decode, decode_claim, encode
```

## Events

The class is that of the most protected field: C0 nobody stands behind it, C1 pseudonymous, C2
identity and household, C3 special categories, C4 protected.

{events}

## Topics

{topics}
"""


def text() -> str:
    """The page as it is checked in."""
    return _TEXT.format(events=_events(), topics=_topics())


def _events() -> str:
    head = ("event", "what happened", "topic", "key", "class")
    return _table(head, (_event(event) for event in EVENTS))


def _event(event: EventType) -> tuple[str, ...]:
    sentence = inspect.cleandoc(event.payload.__doc__ or "").split("\n", maxsplit=1)[0]
    name = f"`{event.name}`"
    topic = f"`{channel_of(event).address}`"
    return name, sentence, topic, f"`{event.key}`", data_class_of(event.payload).value


def _topics() -> str:
    head = ("topic", "written by", "read by", "partitions", "kept")
    return _table(head, (_topic(channel.topic) for channel in channels()))


def _topic(topic: Topic) -> tuple[str, ...]:
    days = topic.retention_days
    kept = "for ever" if days is None else f"{days} days"
    newest = ", newest per key" if topic.compacted else ""
    readers = ", ".join(topic.readers)
    writers = topic.owner.replace("+", ", ")
    return f"`{topic.name}`", writers, readers, str(topic.partitions), f"{kept}{newest}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
