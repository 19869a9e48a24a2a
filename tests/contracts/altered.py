"""Copies of published contracts with one thing changed, judged by the real gate."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, cast

from pydantic import create_model
from pydantic.fields import FieldInfo

from contracts.catalogue import BY_NAME, EventType
from contracts.codec import concrete
from contracts.envelope import Claim, Fact, Payload
from deploy.contracts.compatibility import Breach, gate
from deploy.contracts.published import Contract, contract_of, current, example_of, published

Change = Callable[[dict[str, Any]], dict[str, Any]]


def with_fields(name: str, **changes: Any) -> EventType:
    """The type with fields replaced, added, or taken away (`None`)."""
    event = BY_NAME[name]
    fields: dict[str, Any] = {
        field: (_annotation(info), info.default if not info.is_required() else ...)
        for field, info in event.payload.model_fields.items()
    }
    for field, change in changes.items():
        if change is None:
            del fields[field]
        else:
            fields[field] = change if isinstance(change, tuple) else (change, ...)
    base = Claim if event.is_claim else Fact
    named = type("Named", (base,), {"type_name": name, "version": event.payload.version})
    made: object = create_model(event.payload.__name__, __base__=named, **fields)
    return replace(event, payload=cast("type[Payload]", made))


def _annotation(info: FieldInfo) -> Any:
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


def as_contract(event: EventType, change: Change = lambda data: data) -> Contract:
    """The altered type with its golden example, changed to suit if need be."""
    example = example_of(BY_NAME[event.name])
    return contract_of(event, {**example, "data": change(dict(example["data"]))})


def judged(
    *now: Contract, events: tuple[EventType, ...] = (), gone: str = ""
) -> tuple[Breach, ...]:
    """What the gate says if these contracts stood in place of today's, one perhaps gone."""
    new = {contract.stem: contract for contract in now}
    rest = [old for old in current() if old.stem not in new and old.name != gone]
    readers = {event.name: event for event in (*BY_NAME.values(), *events) if event.name != gone}
    return gate(published(), (*rest, *now), lambda old: _read(old, readers))


def _read(old: Contract, readers: Mapping[str, EventType]) -> str | None:
    name = old.example["type"]
    if name not in readers:
        return "event.unknown_type"
    adapter = concrete(readers[name])
    try:
        adapter.model_validate_json(json.dumps(old.example))
    except ValueError:
        return "field.invalid"
    return None
