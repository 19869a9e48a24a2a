"""The AsyncAPI 3.0 document of the whole platform, made from the catalogue."""

import inspect
from typing import Any, Final

import yaml

from contracts.catalogue import CLAIM_OWNERS, MINISTRY, OPERATOR, SERVICES, EventType, Topic
from deploy.contracts.channels import REGION, SERVICE, Channel, channels
from deploy.contracts.published import example_of
from deploy.contracts.schemas import ENVELOPE, Schema, data_schema, envelope_schema, inlined

VERSION: Final = "1.0.0"
"""Of the document: the catalogue's own history is `contracts/published`."""

_INTRODUCTION: Final = """\
Everything that travels between the services of Hamroh, the regions and the ministry.

Every record's value is one CloudEvents 1.0 event in structured JSON; headers are never read. The
record's key is the field named by each message, so the events of one key stay in order. `sequence`
counts the facts of one key on one topic from 1; claims of regions carry none. Every field has a
data class in `x-data-class`: C0 anybody in government, C1 pseudonymous references, C2 identity,
contact and household, C3 special categories, C4 protected.

A region publishes *claims* on its own topics and reads the answers on its receipts topic: each
claim is accepted or rejected once, with a code and the path of the field, never its value.
Facts grow by optional fields only; readers ignore fields they do not know. A claim with a field
that its contract does not know is refused.
"""

_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    REGION: {
        "description": "The region's code in lower case, as ISO 3166-2 writes it.",
        "examples": ["vn-07", "ua-26", "uz-fa"],
    },
    SERVICE: {"description": "The service that keeps the letter.", "enum": list(SERVICES)},
}


def document() -> dict[str, Any]:
    """The document as a tree; `text` writes it."""
    every = channels()
    events = [event for channel in every for event in channel.events]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:hamroh:asyncapi",
        "info": {
            "title": "Hamroh events",
            "version": VERSION,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": name} for name in (*SERVICES, "regions", MINISTRY, OPERATOR)],
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {_plain(channel.address): _channel(channel) for channel in every},
        "operations": {
            name: body for channel in every for name, body in _operations(channel).items()
        },
        "components": {
            "securitySchemes": {
                "scram": {
                    "type": "scramSha512",
                    "description": "A user per service, per region and for the ministry; "
                    "everything that the access lists do not name is refused.",
                }
            },
            "messages": {_message_name(event): _message(event) for event in events},
            "schemas": {
                ENVELOPE: _portable(envelope_schema()),
                **{_message_name(event): _portable(data_schema(event)) for event in events},
            },
        },
    }


def text() -> str:
    """The document as it is checked in."""
    body = yaml.dump(
        document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return f"# Made from contracts/catalogue.py by `make contracts-generate`.\n{body}"


class _Plain(yaml.SafeDumper):
    """Writes every part in full: an alias is hard to read."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _line(dumper: _Plain, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _line)


def _plain(address: str) -> str:
    """The address without the braces of its parameters: fit for a reference."""
    return address.translate(str.maketrans("", "", "{}"))


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "description": "SASL over TLS; on one machine SASL without TLS, on a random free port.",
        "variables": {
            "bootstrap": {
                "default": "localhost:9092",
                "description": "Host and port of any broker.",
            }
        },
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
    }


def _message_name(event: EventType) -> str:
    return f"{event.name}.{event.payload.version}"


def _channel(channel: Channel) -> dict[str, Any]:
    topic = channel.topic
    varying = {name: body for name, body in _PARAMETERS.items() if name in topic.name}
    body: dict[str, Any] = {
        "address": topic.name,
        "title": topic.name,
        "description": _kept(topic),
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            _message_name(event): {"$ref": f"#/components/messages/{_message_name(event)}"}
            for event in channel.events
        },
    }
    if varying:
        body["parameters"] = {name.strip("{}"): value for name, value in varying.items()}
    return {**body, "bindings": {"kafka": _binding(topic)}, **_people(topic)}


def _kept(topic: Topic) -> str:
    days = topic.retention_days
    time = "for ever" if days is None else f"for {days} days"
    newest = ", of which the newest per key stays" if topic.compacted else ""
    readers = ", ".join(topic.readers)
    return (
        f"Written by {_writers(topic)}; read by {readers}. "
        f"{topic.partitions} partition(s), kept {time}{newest}."
    )


def _writers(topic: Topic) -> str:
    return topic.owner.replace("+", " and ")


def _people(topic: Topic) -> dict[str, Any]:
    return {"x-owners": topic.owner.split("+"), "x-readers": list(topic.readers)}


def _binding(topic: Topic) -> dict[str, Any]:
    settings = topic.settings
    return {
        "partitions": topic.partitions,
        "topicConfiguration": {
            "cleanup.policy": [settings["cleanup.policy"]],
            "retention.ms": int(settings["retention.ms"]),
            "max.message.bytes": int(settings["max.message.bytes"]),
        },
        "bindingVersion": "0.5.0",
    }


def _operations(channel: Channel) -> dict[str, Any]:
    """Writing and reading a channel; a reader's group tells who it is."""
    topic = channel.topic
    name = _plain(topic.name)
    reference = {"$ref": f"#/channels/{name}"}
    messages = [
        {"$ref": f"{reference['$ref']}/messages/{_message_name(event)}"} for event in channel.events
    ]
    shared = {"channel": reference, "messages": messages}
    return {
        f"write.{name}": {
            "action": "send",
            "summary": f"{_writers(topic)} write",
            **shared,
        },
        f"read.{name}": {
            "action": "receive",
            "summary": f"{', '.join(topic.readers)} read",
            "description": f"Consumer groups: {_groups(topic)}.",
            **shared,
        },
    }


def _groups(topic: Topic) -> str:
    if REGION in topic.name:
        owner = topic.readers[0]
        return f"`{owner}.regional`" if owner in CLAIM_OWNERS else f"`{owner}.*`"
    names = (f"{r}.{'facts' if r in SERVICES else topic.name}" for r in topic.readers)
    return ", ".join(f"`{name}`" for name in names)


def _message(event: EventType) -> dict[str, Any]:
    name = _message_name(event)
    envelope = f"#/components/schemas/{ENVELOPE}"
    fixed = {
        "type": {"const": event.name},
        "dataschema": {"const": event.schema},
        "data": {"$ref": f"#/components/schemas/{name}"},
    }
    return {
        "name": event.name,
        "title": name,
        "summary": inspect.cleandoc(event.payload.__doc__ or "").split("\n", maxsplit=1)[0],
        "contentType": "application/json",
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": {"allOf": [{"$ref": envelope}, {"type": "object", "properties": fixed}]},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"`data.{event.key}` as text"},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"name": name, "payload": example_of(event)}],
        "x-data-class": data_schema(event)["x-data-class"],
    }


def _portable(schema: Schema) -> Schema:
    """The schema as AsyncAPI's own dialect (draft 7) writes it: no references, tuples as lists."""

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        here = {key: walk(value) for key, value in node.items() if key not in ("$schema", "$id")}
        return {**here, "items": here.pop("prefixItems")} if "prefixItems" in here else here

    whole: Schema = walk(inlined(schema))
    return whole
