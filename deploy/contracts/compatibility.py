"""Whether a contract still keeps what was published under the same major version.

Two directions. *Backward*: whatever was written under the published version, the new model reads;
always demanded. *Forward*: whatever is written now, a reader of the published version reads;
demanded of facts and of the envelope, whose readers are upgraded one after the other, not of
claims, whose one reader is the platform itself. A value set is shown to contain another by
`jsonschema_rs`; what cannot be shown counts as a breach.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from deploy.contracts.published import Contract
from deploy.contracts.schemas import Schema, inlined


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise that the contract no longer keeps."""

    contract: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.contract}: {self.where}: {self.what}"


def breaches(old: Contract, new: Contract) -> Iterator[Breach]:
    """What `new` breaks of `old`, the same type and major version as published once."""
    forward = old.kind != "claim"
    before, now = inlined(old.schema), inlined(new.schema)
    named = [
        *_catalogue(old, new),
        *_object(before, now, "data" if old.channel else "envelope", forward=forward),
    ]
    found = named or [*_whole(before, now, forward=forward), *_examples(old, new, forward=forward)]
    return (Breach(old.stem, where, what) for where, what in found)


Finding = tuple[str, str]


def _catalogue(old: Contract, new: Contract) -> Iterator[Finding]:
    """Where it travels, under which key, for whom and for how long."""
    if new.kind != old.kind:
        yield "kind", f"was a {old.kind}, is a {new.kind}"
    if new.key != old.key:
        yield "key", f"was {old.key}, is {new.key}: the order per key is lost"
    was, now = old.channel, new.channel
    for part in ("address", "partitions", "compacted"):
        if was.get(part) != now.get(part):
            yield f"topic {part}", f"was {was.get(part)}, is {now.get(part)}"
    lost = set(was.get("readers", ())) - set(now.get("readers", ()))
    if lost:
        yield "topic readers", f"{', '.join(sorted(lost))} may no longer read it"
    if _days(now) < _days(was):
        yield "topic retention", "is shorter than published"


def _days(channel: dict[str, Any]) -> float:
    days = channel.get("retention_days")
    return float("inf") if days is None else float(days)


def _object(old: Schema, new: Schema, path: str, *, forward: bool) -> Iterator[Finding]:
    """Field by field, so that a breach is named where it stands."""
    was, now = old["properties"], new["properties"]
    for name in sorted(was.keys() - now.keys()):
        yield f"{path}.{name}", "was removed or renamed"
    needed_before, needed_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(needed_now - needed_before):
        yield f"{path}.{name}", "is required now: what was published lacks it"
    for name in sorted((needed_before - needed_now) & now.keys() if forward else ()):
        yield f"{path}.{name}", "is optional now: readers of the published version require it"
    for name in (name for name in was if name in now):
        absent = name not in needed_before | needed_now
        if absent and was[name].get("default") != now[name].get("default"):
            yield f"{path}.{name}", "its absence means something else: the default changed"
        yield from _field(was[name], now[name], f"{path}.{name}", forward=forward)


def _field(old: Schema, new: Schema, path: str, *, forward: bool) -> Iterator[Finding]:
    if new.get("x-data-class", "C9") < old.get("x-data-class", "C0"):
        yield path, f"is less protected: {old['x-data-class']} became {new['x-data-class']}"
    if "properties" in old and "properties" in new:
        yield from _object(old, new, path, forward=forward)
        return
    if "items" in old and "items" in new:
        yield from _field(old["items"], new["items"], f"{path}[]", forward=forward)
        old, new = {**old, "items": True}, {**new, "items": True}
    if not _reads(new, old):
        yield path, "a value that was allowed cannot be shown to be allowed still"
    if forward and not _reads(old, new):
        yield path, "a value allowed now cannot be shown to suit readers of the published version"


def _whole(old: Schema, new: Schema, *, forward: bool) -> Iterator[Finding]:
    """The same question about the document at once, for what no single field shows."""
    if not _reads(new, old) or (forward and not _reads(old, new)):
        yield "whole document", "cannot be shown to keep what was published"


def _reads(reader: Schema, writer: Schema) -> bool:
    """Whether a reader accepts everything that a writer who knows only its own fields writes."""
    theirs = jsonschema_rs.canonicalize(_closed(writer), validate_formats=True)
    ours = jsonschema_rs.canonicalize(reader, validate_formats=True)
    return bool(ours.covers(theirs) == jsonschema_rs.canonical.Containment.YES)


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: _closed(value) for key, value in node.items()}
    is_object = isinstance(node.get("properties"), dict) and node.get("type") == "object"
    return {**inner, "additionalProperties": False} if is_object else inner


def _examples(old: Contract, new: Contract, *, forward: bool) -> Iterator[Finding]:
    """Today's golden example under the published schema; the gate reads the published one."""
    if forward and not _valid(old, new.example):
        yield "example", "the example does not satisfy the published schema"


def _valid(contract: Contract, example: dict[str, Any]) -> bool:
    instance = example["data"] if contract.channel else example
    return jsonschema_rs.is_valid(contract.schema, instance, validate_formats=True)


Reader = Callable[[Contract], str | None]
"""Reads a published example with today's code: None if it can, else the code of the refusal."""


def gate(once: tuple[Contract, ...], now: tuple[Contract, ...], read: Reader) -> tuple[Breach, ...]:
    """Every breach of anything ever published."""
    today = {contract.stem: contract for contract in now}
    found: list[Breach] = []
    for old in once:
        new = today.get(old.stem)
        if new is not None:
            found.extend(breaches(old, new))
        refusal = read(old)
        if refusal is not None:
            what = "is not read any more" if new else "is gone, and nothing lifts it"
            found.append(Breach(old.stem, "published example", f"{what} ({refusal})"))
    return tuple(dict.fromkeys(found))
