"""People with names like nobody else's go through the whole platform; their names stay home."""

import asyncio
import unicodedata
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from contracts.catalogue import TOPICS, receipts_topic
from deploy.demo.platform import Platform
from deploy.instance import SERVICES
from deploy.local.stack import Stack
from services.cli.importing import KINDS, Row, await_answers, publish
from services.runtime.broker import read_from_start
from tests.collector import Collector
from tests.runtime.stage import until

pytestmark = [pytest.mark.stack, pytest.mark.local]

REGION = "VN-07"
MARKERS = ("Zhyvorod", "Ґанджубейко", "Oʻktamxoʻja", "Nguyễnquỷnhạnh", "Ђурђевданка")
STREET, ACCOUNT, IDENTIFIER, PHONE = "Đường Mắtxanh", "8299000000", "00808099", "0912770"
DIALLED, EMAIL = f"+84{PHONE[1:]}", "thư.mắtxanh"


def row(nth: int, **cells: str) -> Row:
    """A marked adult of Tuyên Quang who is entitled; odd ones write decomposed.

    A fifth have no phone.
    """
    marker = MARKERS[nth % len(MARKERS)]
    name = unicodedata.normalize("NFD", marker) if nth % 2 else marker
    filled = {
        "record_id": f"M-{nth}",
        "form_id": f"MF-{nth}",
        "role": "head",
        "family_name": f"{name}a",
        "middle_name": f"{name}b",
        "given_name": f"{name}c",
        "sex": "1",
        "birth_date": "1980-05-10",
        "birth_precision": "day",
        "identifier_kind": "vn-cccd",
        "identifier": f"{IDENTIFIER[:3]}080{nth:06}",
        "phone": f"{PHONE}{nth % 1000:03}" if nth % 5 else "",
        "email": f"{EMAIL}{nth}@example.vn",
        "language": ("vi", "en", "uk")[nth % 3],
        "place_code": "00694",
        "address": f"{STREET} {nth}",
        "account": f"{ACCOUNT}{nth:03}",
        "statuses": "disability:severe:2025-03-01",
        "registered_at": "2026-09-14T08:00:00+07:00",
    }
    return {name: {**filled, **cells}[name] for name in filled}


def hostile(nth: int) -> Row:
    """A marked row with a fault in one field: what is refused must not be quoted."""
    faults = (
        {"family_name": f"{MARKERS[0]}\x07"},
        {"birth_date": MARKERS[1]},
        {"identifier": f"{MARKERS[2]}"},
        {"phone": f"{MARKERS[3]}"},
        {"email": f"{MARKERS[4]}"},
        {"statuses": f"{MARKERS[0].lower()}::2025-01-01"},
        {"language": MARKERS[1]},
        {"place_code": "99999"},
    )
    return row(1000 + nth, **faults[nth % len(faults)])


def forms() -> list[bytes]:
    """Every way a marker could stand somewhere: composed, decomposed, escaped, without marks."""
    marked = [*MARKERS, STREET, ACCOUNT, PHONE, DIALLED, EMAIL]
    composed = [unicodedata.normalize("NFC", text) for text in marked]
    decomposed = [unicodedata.normalize("NFD", text) for text in marked]
    escaped = [text.encode("ascii", "backslashreplace").decode() for text in composed]
    texts = {*composed, *decomposed, *escaped, *(text.lower() for text in composed)}
    raw = [text.encode() for text in texts]
    return raw + [one.hex().encode() for one in raw]


def found_in(raw: bytes) -> list[bytes]:
    return [form for form in forms() if form in raw]


async def topics_of(platform: Platform) -> dict[str, bytes]:
    """Every topic but the claims', whole."""
    contents: dict[str, bytes] = {}
    for topic in TOPICS:
        user = topic.readers[0] if topic.readers else topic.owner
        reader = platform.kafka_settings(user)
        records = [r async for r in read_from_start(reader, [topic.name])]
        contents[topic.name] = b"\n".join(
            record.key.encode() + b" " + (record.value or b"") for record in records
        )
    centre = platform.kafka_settings(f"region.{REGION.lower()}")
    records = [r async for r in read_from_start(centre, [receipts_topic(REGION)])]
    contents[receipts_topic(REGION)] = b"\n".join(record.value or b"" for record in records)
    return contents


async def tables_of(stack: Stack) -> dict[str, bytes]:
    """Every table of every service, row by row as text."""
    admin = await asyncpg.connect(stack.instance.database_url())
    names = await admin.fetch(
        "select schemaname, tablename from pg_tables where schemaname = any($1::text[])",
        list(SERVICES),
    )
    contents = {}
    for schema, table in names:
        rows = await admin.fetch(f'select t::text from "{schema}"."{table}" t')
        contents[f"{schema}.{table}"] = "\n".join(line[0] for line in rows).encode()
    await admin.close()
    return contents


async def taken(box: str, after: int) -> str:
    """What a box took after a number."""
    async with httpx.AsyncClient(timeout=60) as client:
        return (await client.get(f"{box}/messages", params={"after": after, "limit": 1000})).text


async def took(box: str, after: int, expected: str) -> bool:
    """Whether what is expected is among what a box took."""
    return expected in await taken(box, after)


async def told_of(collector: Collector, span: str) -> bytes:
    """Everything that a collector was told, once it was told of such a span."""
    if any(told.span.name == span for told in collector.spans()):
        return b"".join(body for bodies in collector.taken.values() for body in bodies)
    return b""


async def test_names_stand_only_where_identity_belongs(stack: Stack, collector: Collector) -> None:
    platform = Platform(stack.instance, REGION)
    region = platform.kafka_settings("region.vn-07")

    # given marked people, and marked rows that are refused
    boxes = [stack.instance.url(sink) for sink in ("sms", "smtp")]
    heard = [httpx.get(f"{box}/count", timeout=60).json()["messages"] for box in boxes]
    rows = [row(n) for n in range(30)] + [hostile(n) for n in range(24)]
    names = await publish(region, REGION, KINDS["persons"], rows, lambda _: None)
    report = await await_answers(region, REGION, names, lambda _: None, patience_s=60)
    assert (report.accepted, len(report.rejected)) == (30, 24)
    assert ("M-1004", "field.bad_form", "data.email") in report.rejected

    # when they have gone through registry, benefits and messages, and an HTTP error was made of one
    await asyncio.to_thread(platform.await_quiet, "the marked people")
    for box, before, expected in zip(boxes, heard, (DIALLED, EMAIL), strict=True):
        await until(partial(took, box, before, expected))
    await asyncio.to_thread(platform.await_quiet, "what became of the messages")
    with platform.client("beneficiary-api", "centre-vn-07") as client:
        refused = client.post(
            f"/claims?of={MARKERS[0]}",
            content=f'{{"id": "x", "data": "{MARKERS[0]}"}}'.encode(),
            headers={"content-type": "application/cloudevents+json", "traceparent": PHONE},
        )
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY

    # then the people did get their messages: the markers were really there
    sms, mail = [await taken(*one) for one in zip(boxes, heard, strict=True)]
    assert DIALLED in sms
    assert EMAIL in mail
    assert EMAIL not in sms
    # and no topic but the claims', no table, log, trace, figure or error holds any of it
    leaks: dict[str, list[bytes]] = {}
    for place, raw in {**await topics_of(platform), **await tables_of(stack)}.items():
        leaks[place] = found_in(raw)
    for log in Path(stack.folder.logs).glob("*.log"):
        if log.stem not in ("bank", "sms", "smtp"):
            leaks[log.name] = found_in(log.read_bytes())
    leaks["error"] = found_in(refused.content)
    for span in ("send text message", "send mail"):
        leaks[span] = found_in(await until(partial(told_of, collector, span)))
    assert {place: forms for place, forms in leaks.items() if forms} == {}
