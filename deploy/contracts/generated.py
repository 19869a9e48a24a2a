"""The generated files that are checked in: what they should hold, and which differ."""

from pathlib import Path
from typing import Final

from contracts.catalogue import EVENTS
from deploy.contracts import asyncapi, tables
from deploy.contracts.published import ROOT
from deploy.contracts.schemas import (
    ENVELOPE,
    ENVELOPE_VERSION,
    data_schema,
    envelope_schema,
    text_of,
)

SCHEMAS: Final = "schemas"


def files() -> dict[str, str]:
    """Path below `contracts/` → text, for every generated file."""
    schemas = {
        f"{SCHEMAS}/{event.name}.{event.payload.version}.json": text_of(data_schema(event))
        for event in EVENTS
    }
    envelope = {f"{SCHEMAS}/{ENVELOPE}.{ENVELOPE_VERSION}.json": text_of(envelope_schema())}
    return {**envelope, **schemas, "asyncapi.yaml": asyncapi.text(), "README.md": tables.text()}


def differing(root: Path = ROOT) -> list[str]:
    """Generated files that are missing, stale, or made from nothing any more."""
    wanted = files()
    there = {f"{SCHEMAS}/{path.name}" for path in (root / SCHEMAS).glob("*")}
    return sorted(name for name in wanted.keys() | there if _read(root / name) != wanted.get(name))


def write(root: Path = ROOT) -> list[str]:
    """Brings the generated files up to date; the names of those that changed."""
    changed = differing(root)
    wanted = files()
    (root / SCHEMAS).mkdir(exist_ok=True)
    for name in changed:
        if name in wanted:
            (root / name).write_text(wanted[name], encoding="utf-8")
        else:
            (root / name).unlink()
    return changed


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
