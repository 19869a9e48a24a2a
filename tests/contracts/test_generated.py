"""The checked-in files are what the catalogue says, and what was published is untouched."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from contracts.catalogue import EVENTS, SERVICES, TOPICS
from deploy.contracts import generated
from deploy.contracts.channels import channels
from deploy.contracts.published import ROOT, Contract, current, publish, published, tampered
from deploy.contracts.schemas import DIALECT

ASYNCAPI = yaml.safe_load((ROOT / "asyncapi.yaml").read_text(encoding="utf-8"))
PUBLISHED = ROOT / "published"


def test_generated_files_do_not_differ_from_what_the_catalogue_says() -> None:
    assert generated.differing() == []


def test_a_stale_a_missing_and_a_leftover_file_are_named_and_mended(tmp_path: Path) -> None:
    # Given a copy of the contracts with one file edited, one lost and one left over
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    shutil.copy(ROOT / "asyncapi.yaml", tmp_path)
    shutil.copy(ROOT / "README.md", tmp_path)
    (tmp_path / "asyncapi.yaml").write_text("asyncapi: 3.0.0\n")
    (tmp_path / "schemas/envelope.1.json").unlink()
    (tmp_path / "schemas/benefits.payment.lost.1.json").write_text("{}\n")
    wrong = ["asyncapi.yaml", "schemas/benefits.payment.lost.1.json", "schemas/envelope.1.json"]
    # When the check looks, then it names the three
    assert generated.differing(tmp_path) == wrong
    # And generating mends them
    assert generated.write(tmp_path) == wrong
    assert generated.differing(tmp_path) == []


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").iterdir()), ids=lambda path: path.stem)
def test_a_schema_is_a_valid_document_of_its_dialect(path: Path) -> None:
    schema = json.loads(path.read_bytes())
    assert schema["$schema"] == DIALECT
    assert schema["$id"].removeprefix("urn:hamroh:schema:").replace(":", ".") == path.stem
    jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize("contract", current(), ids=lambda contract: contract.stem)
def test_an_example_satisfies_its_schema(contract: Contract) -> None:
    instance = contract.example["data"] if contract.channel else contract.example
    jsonschema_rs.validate(contract.schema, instance, validate_formats=True)


def test_the_document_has_every_topic_with_its_keeping_and_readers() -> None:
    for topic in (channel.topic for channel in channels()):
        entry = next(one for one in ASYNCAPI["channels"].values() if one["address"] == topic.name)
        kept = entry["bindings"]["kafka"]
        assert kept["partitions"] == topic.partitions
        configuration = kept["topicConfiguration"]
        assert configuration["retention.ms"] == int(topic.settings["retention.ms"])
        assert configuration["cleanup.policy"] == [topic.settings["cleanup.policy"]]
        assert entry["x-readers"] == list(topic.readers)
    named = {name for entry in ASYNCAPI["channels"].values() for name in [entry["address"]]}
    assert {topic.name for topic in TOPICS if "dead-letter" not in topic.name} <= named
    assert ASYNCAPI["channels"]["service.dead-letter.v1"]["parameters"]["service"]["enum"] == list(
        SERVICES
    )
    assert set(ASYNCAPI["channels"]["receipts.region.v1"]["parameters"]) == {"region"}


def test_the_document_has_every_type_with_key_example_and_data_class() -> None:
    messages = ASYNCAPI["components"]["messages"]
    assert set(messages) == {f"{event.name}.{event.payload.version}" for event in EVENTS}
    for event in EVENTS:
        message = messages[f"{event.name}.{event.payload.version}"]
        key = message["bindings"]["kafka"]["key"]["description"]
        assert key == f"`data.{event.key}` as text"
        assert message["examples"][0]["payload"]["type"] == event.name
        assert message["x-data-class"] in {"C0", "C1", "C2", "C3", "C4"}
    assert ASYNCAPI["components"]["securitySchemes"]["scram"]["type"] == "scramSha512"


def test_every_reference_in_the_document_leads_somewhere() -> None:
    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [ref for value in node.values() for ref in references(value)]
        return [ref for item in node for ref in references(item)] if isinstance(node, list) else []

    found = references(ASYNCAPI)
    assert len(found) > 100
    for reference in found:
        node = ASYNCAPI
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_published_files_are_as_they_were_published() -> None:
    assert tampered() == []
    lock = json.loads((PUBLISHED / "lock.json").read_bytes())
    assert len(lock) == len(published()) >= len(EVENTS) + 1


def test_an_altered_a_lost_and_a_slipped_in_file_are_named(tmp_path: Path) -> None:
    # Given a copy of what was published, tampered with in three ways
    folder = shutil.copytree(PUBLISHED, tmp_path / "published")
    altered = folder / "benefits.payment.settled.1.0.json"
    altered.write_text(altered.read_text().replace('"C2"', '"C1"'))
    (folder / "benefits.payment.returned.1.0.json").unlink()
    shutil.copy(altered, folder / "benefits.payment.settled.1.1.json")
    # Then each is named
    assert tampered(folder) == [
        "benefits.payment.returned.1.0.json",
        "benefits.payment.settled.1.0.json",
        "benefits.payment.settled.1.1.json",
    ]


def test_publishing_adds_a_revision_and_touches_nothing_older(tmp_path: Path) -> None:
    # Given everything published once
    contracts = current()
    assert len(publish(contracts, tmp_path)) == len(contracts)
    before = {path.name: hashlib.sha256(path.read_bytes()) for path in tmp_path.glob("*.0.json")}
    # When nothing changed, then nothing is added
    assert publish(contracts, tmp_path) == []
    # When one contract grew, then one revision is added beside the first
    grown = contracts[1]
    grown.schema["properties"]["bank"] = {"type": "string", "x-data-class": "C2"}
    assert publish(contracts, tmp_path) == [f"{grown.stem}.1.json"]
    after = {path.name: hashlib.sha256(path.read_bytes()) for path in tmp_path.glob("*.0.json")}
    assert {name: one.digest() for name, one in after.items()} == {
        name: one.digest() for name, one in before.items()
    }
    assert tampered(tmp_path) == []
    assert len(published(tmp_path)) == len(contracts) + 1


def test_the_gate_is_one_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.contracts", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"contracts: {len(current())} contracts keep what ")
