"""JSON Schemas (2020-12) of payloads and of the envelope, made from the models."""

import ast
import inspect
import json
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from contracts.catalogue import EventType, data_class_of
from contracts.envelope import Envelope, Payload

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE: Final = "envelope"
"""The name under which the envelope itself is published."""
ENVELOPE_VERSION: Final = 1

Schema = dict[str, Any]


@cache
def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """The sentence under each field of a model, as its source says it; none without a source."""
    written = model.__pydantic_generic_metadata__["origin"] or model
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(written))).body[0]
    except OSError:
        return {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found = {}
    for field, after in pairwise(statements):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = " ".join(str(after.value.value).split())
    return found


class _Described(GenerateJsonSchema):
    """Carries the sentence under a field into its schema; leaves out titles that repeat names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return bool(schema["type"] == "model")

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        body = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, text in _descriptions(model).items():
            if name in body.get("properties", {}):
                body["properties"][name]["description"] = text
        return body


def data_schema(event: EventType) -> Schema:
    """What the `data` of a type holds; `$id` is what the event's `dataschema` names."""
    body = event.payload.model_json_schema(schema_generator=_Described)
    return {
        "$schema": DIALECT,
        "$id": event.schema,
        "title": event.name,
        "description": inspect.cleandoc(event.payload.__doc__ or ""),
        "x-data-class": data_class_of(event.payload).value,
        **{key: value for key, value in body.items() if key not in ("title", "description")},
    }


def envelope_schema() -> Schema:
    """The attributes around every payload; `data` is left to the schema that `dataschema` names."""
    body = Envelope[Payload].model_json_schema(schema_generator=_Described)
    body.get("$defs", {}).pop("Payload", None)
    body["properties"]["data"] = {"type": "object"}
    body["required"] = ["specversion", *body["required"]]
    return {
        "$schema": DIALECT,
        "$id": f"urn:hamroh:schema:{ENVELOPE}:{ENVELOPE_VERSION}",
        "title": "CloudEvents 1.0 envelope of Hamroh",
        "description": inspect.cleandoc(Envelope.__doc__ or ""),
        **{key: value for key, value in body.items() if key not in ("title", "description")},
    }


def inlined(schema: Schema) -> Schema:
    """The same schema with every reference replaced by what it refers to."""
    parts = schema.get("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        here = {key: walk(value) for key, value in node.items() if key not in ("$ref", "$defs")}
        if "$ref" not in node:
            return here
        return {**walk(parts[node["$ref"].rsplit("/", 1)[-1]]), **here}

    whole: Schema = walk(schema)
    return whole


def text_of(document: Any) -> str:
    """A JSON document as it is checked in."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
