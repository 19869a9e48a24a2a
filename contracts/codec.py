"""Bytes to envelopes and back: the only serialiser.

`decode` is for facts of our own services; `decode_claim` is for bytes from outside and refuses
besides what JSON parsers let through: duplicate keys, NaN, U+0000, depth. Neither ever raises for
bad bytes: what cannot be read comes back as `Undecodable` with a code and a field path, never a
value.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple, NoReturn, Union, cast

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from contracts.catalogue import BY_NAME, BY_PAYLOAD, DATA_CLASS, EVENTS, EventType
from contracts.envelope import Envelope, Payload

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 32

Event = Envelope[Payload]
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: Final[Mapping[str, tuple[str, Upcaster]]] = {}
"""An older `dataschema` → the next one and how its `data` is lifted to it."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why bytes are no event of ours; `event_id` and `source` are given where readable."""

    code: str
    path: str
    event_id: str | None = None
    source: str | None = None


def digest(raw: bytes) -> str:
    """SHA-256 of bytes, hexadecimal: names a record without showing it."""
    return hashlib.sha256(raw).hexdigest()


def encode(envelope: Event) -> bytes:
    """The bytes of an event; absent attributes are left out."""
    return envelope.__pydantic_serializer__.to_json(envelope, exclude_none=True)


class Head(NamedTuple):
    """What a fact's envelope says besides its payload. We make every part: none needs escaping."""

    id: str
    source: str
    subject: str
    """The key of its record, which `key_of` tells."""
    time: datetime
    causation: str
    correlation: str
    region: str | None
    traceparent: str | None
    sequence: int


def encode_fact(head: Head, payload: Payload) -> bytes:
    """The bytes of a fact, the same as `encode` of its envelope, without building that object."""
    event = BY_PAYLOAD[type(payload)]
    optional = f'"regioncode":"{head.region}",' if head.region else ""
    if head.traceparent:
        optional += f'"traceparent":"{head.traceparent}",'
    text = (
        f'{{"specversion":"1.0","id":"{head.id}","source":"{head.source}","type":"{event.name}",'
        f'"time":"{head.time.isoformat()}","subject":"{head.subject}",'
        f'"datacontenttype":"application/json","dataschema":"{event.schema}",'
        f'"correlationid":"{head.correlation}","causationid":"{head.causation}",{optional}'
        f'"dataclass":"{DATA_CLASS[event.payload].value}","sequence":{head.sequence},"data":'
    )
    data = payload.__pydantic_serializer__.to_json(payload, exclude_none=True)
    return b"%b%b}" % (text.encode(), data)


def concrete(event: EventType) -> type[Event]:
    """The envelope class of one event type: `type` and `dataschema` are fixed."""
    base: Any = Envelope.__class_getitem__(event.payload)
    fields = {"type": Literal[event.name], "dataschema": Literal[event.schema]}
    name = f"{event.payload.__module__.rsplit('.', 1)[-1].title()}{event.payload.__name__}"
    return cast(
        "type[Event]", type(name, (base,), {"__annotations__": fields, "__module__": __name__})
    )


CLASSES: Final = {event.name: concrete(event) for event in EVENTS}


def _adapter(classes: list[type[Event]]) -> TypeAdapter[Event]:
    union = Union[tuple(classes)]  # type: ignore[valid-type] # noqa: UP007 - made at run time
    tagged: Any = Annotated[union, Field(discriminator="dataschema")]
    return TypeAdapter(tagged)


FACTS: Final = _adapter([CLASSES[event.name] for event in EVENTS if not event.is_claim])
CLAIMS: Final = _adapter([CLASSES[event.name] for event in EVENTS if event.is_claim])


def decode(raw: bytes | None) -> Event | Undecodable:
    """A fact of our own services; an older major version is lifted to the newest."""
    if raw is None:
        return Undecodable("event.empty", "")
    try:
        return FACTS.validate_json(raw)
    except ValidationError as error:
        return _lifted(_tree(raw), error, FACTS)


def decode_claim(raw: bytes | None) -> Event | Undecodable:
    """A claim from outside, checked for everything that a lenient parser lets through."""
    if not raw:
        return Undecodable("event.empty", "")
    if len(raw) > MAX_BYTES:
        return Undecodable("event.too_large", "")
    tree = _readable(raw)
    if isinstance(tree, Undecodable):
        return tree
    try:
        event: Event | Undecodable = CLAIMS.validate_json(raw)
    except ValidationError as error:
        event = _lifted(tree, error, CLAIMS)
    if isinstance(event, Undecodable):
        return event
    if "specversion" not in tree:
        return _named(tree, "field.missing", "specversion")
    return event if _TIME.fullmatch(tree["time"]) else _named(tree, "field.bad_time", "time")


class _RefusedError(ValueError):
    """A parser hook met something that must not pass; `code` says what."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise _RefusedError("json.duplicate_key")
    return table


def _no_constant(_: str) -> NoReturn:
    raise _RefusedError("json.not_a_number")


def _number(text: str) -> int | float:
    if len(text) > 40:  # noqa: PLR2004 - no number of ours has forty digits
        raise _RefusedError("json.number_too_long")
    number = float(text) if any(mark in text for mark in ".eE") else int(text)
    if math.isinf(number):
        raise _RefusedError("json.not_a_number")
    return number


def _readable(raw: bytes) -> dict[str, Any] | Undecodable:
    """The object that the bytes write, or what in them must not pass."""
    depth = _depth(raw)
    if depth > MAX_DEPTH:
        return Undecodable("json.too_deep", "")
    try:
        text = raw.decode()
        tree = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_number,
            parse_float=_number,
        )
    except _RefusedError as refused:
        return Undecodable(refused.code, "")
    except (ValueError, RecursionError):
        return Undecodable("json.malformed", "")
    if not isinstance(tree, dict):
        return Undecodable("event.not_an_object", "")
    if "\\u0000" in text and _holds_nul(tree):
        return _named(tree, "text.nul_character", "")
    return tree


# A string that never ends is taken to the last byte: whatever the bytes, one pass.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def _depth(raw: bytes) -> int:
    """How deep the brackets nest outside strings; cheap, before any recursive parser sees it."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return 0
    deepest = level = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", raw)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_holds_nul(item) for item in value)
    return False


def _lifted(
    tree: dict[str, Any], error: ValidationError, adapter: TypeAdapter[Event]
) -> Event | Undecodable:
    """An older major version lifted step by step to the newest, or why there is nothing to read."""
    newest = tree
    while isinstance(schema := newest.get("dataschema"), str) and schema in UPCASTERS:
        newer, lift = UPCASTERS[schema]
        try:
            data = lift(newest["data"])
        except (LookupError, TypeError, ValueError, AttributeError):
            return _named(tree, "field.invalid", "data")
        newest = {**newest, "dataschema": newer, "data": data}
    if newest is tree:
        return _fault(tree, error)
    try:
        return adapter.validate_json(json.dumps(newest))
    except ValidationError as fault:
        return _fault(tree, fault)


def _tree(raw: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TIME = re.compile(
    r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
"""RFC 3339 as CloudEvents asks, in years that every clock and database can turn into UTC."""


def _named(tree: dict[str, Any], code: str, path: str) -> Undecodable:
    """An answer that names the event it is about, if its id and source can be trusted as text."""
    event_id, source = tree.get("id"), tree.get("source")
    return Undecodable(
        code,
        path,
        event_id if isinstance(event_id, str) and _ID.fullmatch(event_id) else None,
        source if isinstance(source, str) and _ATTRIBUTE.fullmatch(source) else None,
    )


def _fault(tree: dict[str, Any], error: ValidationError) -> Undecodable:
    detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _named(tree, *_unknown(tree))
    return _named(tree, _CODES.get(detail["type"], "field.invalid"), field_path(detail))


def _unknown(tree: dict[str, Any]) -> tuple[str, str]:
    """Which part of the type is unknown: no schema named, another version, or another type."""
    schema = tree.get("dataschema")
    if not isinstance(schema, str):
        return "field.missing" if schema is None else "field.wrong_type", "dataschema"
    name = tree.get("type")
    known = isinstance(name, str) and name in BY_NAME
    if known and schema.startswith(f"urn:hamroh:schema:{name}:"):
        return "event.unknown_version", "dataschema"
    return "event.unknown_type", "type"


_CODES: Final = {
    "missing": "field.missing",
    "extra_forbidden": "field.unknown",
    "json_invalid": "json.malformed",
    "json_type": "json.malformed",
    "string_too_long": "field.too_long",
    "too_long": "field.too_long",
    "string_too_short": "field.too_short",
    "string_pattern_mismatch": "field.bad_form",
    "literal_error": "field.not_in_list",
    "enum": "field.not_in_list",
    "model_type": "field.wrong_type",
    "string_type": "field.wrong_type",
    "int_type": "field.wrong_type",
    "bool_type": "field.wrong_type",
    "tuple_type": "field.wrong_type",
    "date_type": "field.wrong_type",
    "date_form": "field.bad_date",
    "date_from_datetime_parsing": "field.bad_date",
    "date_parsing": "field.bad_date",
    "datetime_parsing": "field.bad_time",
    "datetime_from_date_parsing": "field.bad_time",
    "timezone_aware": "field.no_time_zone",
}


def field_path(detail: ErrorDetails) -> str:
    """The dotted path of a fault; a name the sender made up is shown only if it looks like one."""
    parts = [part for part in detail["loc"] if not str(part).startswith("urn:")]
    shown = [
        str(part) if isinstance(part, int) or _FIELD.fullmatch(str(part)) else "?" for part in parts
    ]
    return ".".join(shown)[:200]
