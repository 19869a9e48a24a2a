"""What has been published: one frozen file per type, version and revision, and their digests.

A revision is added by `publish` and never changed: `lock.json` holds the SHA-256 of each file, and
a file that is missing or differs fails the gate. Why: `docs/adr/0004-contract-compatibility.md`.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from contracts.catalogue import EVENTS, EventType
from deploy.contracts.channels import channel_of
from deploy.contracts.schemas import (
    ENVELOPE,
    ENVELOPE_VERSION,
    Schema,
    data_schema,
    envelope_schema,
    text_of,
)

ROOT: Final = Path(__file__).resolve().parents[2] / "contracts"
LOCK: Final = "lock.json"

Kind = Literal["claim", "fact", "envelope"]


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything about a version of a type that a reader or a writer relies on."""

    name: str
    version: int
    kind: Kind
    key: str
    channel: dict[str, Any]
    schema: Schema
    example: dict[str, Any]

    @property
    def stem(self) -> str:
        """`benefits.payment.settled.1`, the name of its files."""
        return f"{self.name}.{self.version}"


def example_of(event: EventType, folder: Path = ROOT / "examples") -> dict[str, Any]:
    """The golden example of a type; a `FileNotFoundError` names the file that is missing."""
    path = folder / f"{event.name}.{event.payload.version}.json"
    example: dict[str, Any] = json.loads(path.read_bytes())
    return example


def contract_of(event: EventType, example: dict[str, Any]) -> Contract:
    """The contract of a type as the models and the catalogue say it now."""
    topic = channel_of(event).topic
    channel = {
        "address": topic.name,
        "owner": topic.owner,
        "readers": sorted(topic.readers),
        "partitions": topic.partitions,
        "retention_days": topic.retention_days,
        "compacted": topic.compacted,
    }
    kind: Kind = "claim" if event.is_claim else "fact"
    schema = data_schema(event)
    return Contract(event.name, event.payload.version, kind, event.key, channel, schema, example)


def current() -> tuple[Contract, ...]:
    """The envelope and every type of the catalogue as they are now."""
    types = tuple(contract_of(event, example_of(event)) for event in EVENTS)
    envelope = Contract(
        ENVELOPE, ENVELOPE_VERSION, "envelope", "", {}, envelope_schema(), types[-1].example
    )
    return (envelope, *types)


def published(folder: Path = ROOT / "published") -> tuple[Contract, ...]:
    """Every revision ever published, oldest first for each type and version."""
    return tuple(Contract(**json.loads(path.read_bytes())) for path in _files(folder))


def tampered(folder: Path = ROOT / "published") -> list[str]:
    """Names of published files that are missing, changed or not in the lock."""
    lock: dict[str, str] = json.loads((folder / LOCK).read_bytes())
    there = {path.name: _digest(path) for path in _files(folder)}
    return sorted(name for name in lock.keys() | there.keys() if lock.get(name) != there.get(name))


def publish(contracts: Iterable[Contract], folder: Path = ROOT / "published") -> list[str]:
    """Freezes each contract that differs from its newest revision; the names of the new files."""
    folder.mkdir(exist_ok=True)
    written = []
    for contract in contracts:
        revisions = [path for path in _files(folder) if _stem(path) == contract.stem]
        text = text_of(asdict(contract))
        if revisions and revisions[-1].read_text() == text:
            continue
        path = folder / f"{contract.stem}.{len(revisions)}.json"
        path.write_text(text)
        written.append(path.name)
    (folder / LOCK).write_text(text_of({path.name: _digest(path) for path in _files(folder)}))
    return written


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("*.json") if path.name != LOCK]
    return sorted(found, key=lambda path: (_stem(path), int(path.stem.rsplit(".", 1)[1])))


def _stem(path: Path) -> str:
    """A published file's type and version, without the revision."""
    return path.stem.rsplit(".", 1)[0]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
