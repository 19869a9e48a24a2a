"""Hypothesis strategies for the instances of a published JSON Schema."""

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from deploy.contracts.schemas import Schema

_ALPHABET = st.characters(codec="utf-8")


def instances(schema: Schema) -> st.SearchStrategy[Any]:
    """Everything a schema allows, as far as our schemas go; `schema` holds no references."""
    if "anyOf" in schema:
        return st.one_of([instances(choice) for choice in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _BY_TYPE[schema["type"]](schema)


def _objects(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: instances(part) for name, part in schema.get("properties", {}).items()}
    needed = {name: fields.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional=fields)


def _arrays(schema: Schema) -> st.SearchStrategy[list[Any]]:
    if "prefixItems" in schema:
        return st.tuples(*map(instances, schema["prefixItems"])).map(list)
    most = min(schema.get("maxItems", 4), 4)
    return st.lists(instances(schema["items"]), min_size=schema.get("minItems", 0), max_size=most)


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    if "format" in schema:
        return _BY_FORMAT[schema["format"]]
    least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
    if "pattern" not in schema:
        return st.text(_ALPHABET, min_size=least, max_size=most)
    texts = st.from_regex(schema["pattern"], fullmatch=True, alphabet=_ALPHABET)
    return texts.filter(lambda text: least <= len(text) <= most)


_OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))

_BY_FORMAT: dict[str, st.SearchStrategy[str]] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "date-time": st.datetimes(timezones=_OFFSETS).map(lambda at: at.isoformat()),
}

_BY_TYPE: dict[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
    "object": _objects,
    "array": _arrays,
    "string": _texts,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
    "integer": lambda schema: st.integers(schema.get("minimum"), schema.get("maximum")),
    "number": lambda schema: st.floats(schema.get("minimum"), schema.get("maximum")),
}
