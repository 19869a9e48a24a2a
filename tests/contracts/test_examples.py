"""Every type has one golden example, and what stands around it is true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat

from contracts.catalogue import BY_NAME, DATA_CLASS, EVENTS, EventType, key_of
from contracts.codec import Head, Undecodable, decode, decode_claim, encode, encode_fact
from contracts.values import household_id, person_id, region_source, worker_id
from deploy.contracts.published import example_of
from deploy.contracts.schemas import data_schema, envelope_schema, inlined

EXAMPLES = Path("contracts/examples")
every_type = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)


def raw_of(event: EventType) -> bytes:
    return json.dumps(example_of(event), ensure_ascii=False).encode()


def test_there_is_one_example_per_type_and_version_and_no_other() -> None:
    wanted = {f"{event.name}.{event.payload.version}.json" for event in EVENTS}
    assert {path.name for path in EXAMPLES.iterdir()} == wanted


@every_type
def test_an_example_is_read_and_written_without_loss(event: EventType) -> None:
    # Given the bytes of an example
    raw = raw_of(event)
    # When the codec reads them and writes them again
    envelope = decode_claim(raw) if event.is_claim else decode(raw)
    assert not isinstance(envelope, Undecodable), envelope
    # Then the document is the same
    assert json.loads(encode(envelope)) == json.loads(raw)
    assert envelope.dataclass == DATA_CLASS[event.payload]


@every_type
def test_an_example_names_its_aggregate_as_subject(event: EventType) -> None:
    example = example_of(event)
    payload = event.payload.model_validate_json(json.dumps(example["data"]))
    assert example["subject"] == key_of(payload)


@every_type
def test_a_fact_is_written_the_quick_way_as_the_long_way(event: EventType) -> None:
    if event.is_claim:
        return
    # Given a fact as an envelope
    envelope = decode(raw_of(event))
    assert not isinstance(envelope, Undecodable)
    assert envelope.causationid
    assert envelope.correlationid
    assert envelope.sequence
    assert envelope.subject
    # When the outbox writes it from its head and payload
    head = Head(
        id=envelope.id,
        source=envelope.source,
        subject=envelope.subject,
        time=envelope.time,
        causation=envelope.causationid,
        correlation=envelope.correlationid,
        region=envelope.regioncode,
        traceparent=envelope.traceparent,
        sequence=envelope.sequence,
    )
    # Then a reader finds the same event
    assert decode(encode_fact(head, envelope.data)) == envelope


@every_type
def test_the_cloudevents_sdk_reads_an_example(event: EventType) -> None:
    # Given a record as Kafka carries it: everything in the value
    example = example_of(event)
    header = {"content-type": b"application/cloudevents+json"}
    message = KafkaMessage(headers=header, key=None, value=raw_of(event))
    # When the SDK of the CloudEvents project reads it
    read = from_structured_event(message, JSONFormat())
    # Then it finds a valid event of version 1.0 with our attributes
    assert read.get_specversion() == "1.0"
    assert read.get_id() == example["id"]
    assert read.get_source() == example["source"]
    assert read.get_type() == event.name
    assert read.get_dataschema() == event.schema
    assert read.get_subject() == example["subject"]
    assert read.get_data() == example["data"]
    assert read.get_extension("dataclass") == example["dataclass"]
    # And what it writes, our codec reads as the same event
    decode_any = decode_claim if event.is_claim else decode
    assert decode_any(JSONFormat().write(read)) == decode_any(raw_of(event))


def test_ids_in_the_examples_are_those_that_a_region_derives() -> None:
    # Given the claim of a child and what the registry made of it
    claim = example_of(BY_NAME["regional.beneficiary.person.registered"])
    fact = example_of(BY_NAME["beneficiary.person.registered"])
    # Then the region could have derived both ids itself
    source = region_source(claim["regioncode"])
    assert claim["source"] == source
    assert UUID(fact["data"]["person_id"]) == person_id(source, claim["data"]["record_id"])
    assert UUID(fact["data"]["household_id"]) == household_id(source, claim["data"]["form_id"])
    # And the same holds for a worker
    worker = example_of(BY_NAME["regional.workforce.worker.deployed"])
    started = example_of(BY_NAME["workforce.deployment.started"])
    derived = worker_id(worker["source"], worker["data"]["record_id"])
    assert UUID(started["data"]["worker_id"]) == derived


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object anywhere in a schema."""
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(part)


@every_type
def test_every_field_has_a_data_class(event: EventType) -> None:
    objects = [node for node in _nodes(inlined(data_schema(event))) if "properties" in node]
    assert objects
    for node in objects:
        bare = [name for name, field in node["properties"].items() if "x-data-class" not in field]
        assert bare == []


@pytest.mark.parametrize("event", [e for e in EVENTS if e.is_claim], ids=lambda event: event.name)
def test_no_text_of_a_claim_is_unbounded_or_takes_control_characters(event: EventType) -> None:
    # The codec itself fixes `type` and `dataschema` to one value each.
    attributes = envelope_schema()["properties"]
    free = [schema for name, schema in attributes.items() if name not in ("type", "dataschema")]
    for text in [*_nodes(inlined(data_schema(event))), *_nodes(free)]:
        if text.get("type") != "string":
            continue
        closed = text.keys() & {"enum", "const", "format"}
        assert closed or "pattern" in text, text
        assert closed or "maxLength" in text or text["pattern"].endswith("}$"), text
