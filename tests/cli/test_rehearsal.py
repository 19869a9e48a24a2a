"""Waiting for the workers between two stops of business time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.cli.rehearsal import QUIET_LOOKS, TickError, until_quiet

AT_REST = {
    "service": "benefits",
    "rehearsal": True,
    "business_time": "2026-09-15T02:00:00+00:00",
    "next_due_at": None,
    "lag": {},
    "outbox": 0,
    "inbound": 0,
}


@asynccontextmanager
async def worker(deaf_to: int) -> AsyncIterator[tuple[str, list[int]]]:
    """A worker's status address that hangs up on so many first calls, and the calls it got."""
    calls = [0]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        calls[0] += 1
        if calls[0] > deaf_to:
            body = json.dumps(AT_REST).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/status", calls


async def test_a_worker_that_dies_under_way_is_waited_for() -> None:
    # given a worker that hangs up, as one does that dies, and a successor that is at rest
    async with worker(deaf_to=2) as (url, calls), httpx.AsyncClient() as client:
        # when the next stop waits for everybody
        found = await until_quiet(client, [url], None, timeout_s=30)

    # then it goes on with what the successor says, seen at rest as often as anybody
    assert found == [AT_REST]
    assert calls[0] == 2 + QUIET_LOOKS


async def test_a_worker_that_never_answers_again_ends_the_waiting() -> None:
    async with worker(deaf_to=10**6) as (url, _), httpx.AsyncClient() as client:
        with pytest.raises(TickError, match=r"does not answer .* did not come to rest"):
            await until_quiet(client, [url], None, timeout_s=0.5)
