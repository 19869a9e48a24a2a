"""What no client library would send, over a real connection to a door that is served as it is in
production: each is refused with a code, or cut off, and the next caller is answered."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from deploy.instance import Instance
from services.beneficiary.api import create
from services.insights.api import create as create_insights
from services.runtime import web
from services.runtime.settings import Settings
from tests.apis import stop_counting_time
from tests.runtime.provider import Provider, claims
from tests.runtime.stage import until
from tests.security.doors import claim
from tests.security.houses import House, built

pytestmark = pytest.mark.stack
CENTRE = claims(roles=["centre"], regions=["VN-07"])
HEAD = (
    "POST /claims HTTP/1.1\r\nhost: door\r\nauthorization: Bearer {token}\r\n"
    "content-type: {kind}\r\n{more}\r\n"
)
ONE = "application/cloudevents+json"
MARKED = "Nguyễn-Thị-Ánh"
PATIENCE_S = 60
SHORT_S = 2.0
LIMIT = 1_048_576


@pytest.fixture(scope="module")
async def house(instance: Instance) -> AsyncIterator[House]:
    async with built(instance) as house:
        yield house


@pytest.fixture
async def port(
    house: House, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[int]:
    """The registry's door, served with the options that production serves it with."""
    settings = house.settings("beneficiary_api", Settings)
    patience_s = getattr(request, "param", settings.request_timeout_s)
    settings = settings.model_copy(update={"request_timeout_s": patience_s})
    app, options = create(settings), dict[str, Any]()
    monkeypatch.setattr(uvicorn, "run", lambda _app, **given: options.update(given))
    web.serve(app, settings)
    server = uvicorn.Server(uvicorn.Config(app, **{**options, "loop": "none", "lifespan": "on"}))
    monkeypatch.setattr(server, "install_signal_handlers", lambda: None, raising=False)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:
            await asyncio.sleep(0.01)
    app.state.verifier = Provider().verifier()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def exchange(port: int, *parts: bytes, pause_s: float = 0) -> bytes:
    """Sends bytes part by part until the door closes; everything it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = asyncio.create_task(heard(reader))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
    except ConnectionError:
        pass  # it was told to stop
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await said
    finally:
        writer.close()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end, or until the door hangs up on who is still sending."""
    said = bytearray()
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65_536):
            said += part
    return bytes(said)


def head(more: str = "", kind: str = ONE, token: str = CENTRE) -> bytes:
    return HEAD.format(token=token, kind=kind, more=more).encode()


def sized(body: bytes, kind: str = ONE, more: str = "") -> bytes:
    return head(f"content-length: {len(body)}\r\nconnection: close\r\n{more}", kind) + body


def told(raw: bytes) -> tuple[int, str]:
    """Status and code of a problem."""
    top, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in top.lower()
    assert MARKED.encode() not in raw
    return int(top.split()[1]), json.loads(body)["code"]


async def is_served(port: int) -> bool:
    """Whether the next caller is answered."""
    body = claim("beneficiary").encode()
    return (await exchange(port, sized(body))).startswith(b"HTTP/1.1 202 ")


class TestBodies:
    async def test_fifty_megabytes_are_refused_before_they_came(self, port: int) -> None:
        raw = await exchange(port, head("content-length: 50000000\r\n"), b"x" * (LIMIT + 1))
        assert told(raw) == (413, "body.too_large")
        assert await is_served(port)

    async def test_a_body_without_end_is_cut(self, port: int) -> None:
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        parts = [*[chunk] * 16, b"1\r\nx\r\n"]
        raw = await exchange(port, head("transfer-encoding: chunked\r\n"), *parts)
        assert told(raw) == (413, "body.too_large")
        assert await is_served(port)

    @pytest.mark.parametrize("port", [SHORT_S], indirect=True)
    async def test_a_body_that_drips_is_not_waited_for(self, port: int) -> None:
        dripping = [MARKED.encode()[:1]] * 30
        raw = await exchange(port, head("content-length: 1000\r\n"), *dripping, pause_s=0.1)
        assert told(raw) == (408, "body.too_slow")
        await until(lambda: is_served(port))

    async def test_a_second_request_is_not_smuggled_in_a_body(self, port: int) -> None:
        hidden = b"0\r\n\r\nGET /health/live HTTP/1.1\r\nhost: door\r\n\r\n"
        lengths = f"content-length: {len(hidden)}\r\ntransfer-encoding: chunked\r\n"
        raw = await exchange(port, head(lengths) + hidden)
        assert told(raw) == (400, "body.two_lengths")
        assert raw.count(b"HTTP/1.1 ") == 1

    @pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity"])
    async def test_a_compressed_body_is_not_opened(self, port: int, coding: str) -> None:
        bomb = gzip.compress(b"\0" * 50_000_000)
        assert len(bomb) < 60_000
        raw = await exchange(port, sized(bomb, more=f"content-encoding: {coding}\r\n"))
        assert told(raw) == (415, "body.wrong_kind")

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(20_000))),
            ("multipart/form-data; boundary=x", b'--x\r\ncontent-disposition: form-data; name="a"'),
            ("text/plain", MARKED.encode()),
            (
                "application/xml",
                b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
            ),
            ("application/json; charset=utf-7", b"+AHsAfQ-"),
            ("", b"{}"),
        ],
    )
    async def test_another_kind_is_refused(self, port: int, kind: str, body: bytes) -> None:
        status, code = told(await exchange(port, sized(body, kind)))
        assert (status, code) in ((415, "body.wrong_kind"), (400, "body.malformed"))

    async def test_a_body_that_breaks_off_has_no_effect(self, port: int, house: House) -> None:
        body = claim("beneficiary").encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(f"content-length: {len(body)}\r\n") + body[:-1])
        await writer.drain()
        writer.close()
        await reader.read()
        async with house.login() as admin:
            await admin.execute("delete from beneficiary.inbound")
            assert await is_served(port)
            assert await admin.fetchval("select count(*) from beneficiary.inbound") == 1


class TestHeads:
    @pytest.mark.parametrize(
        "raw",
        [
            head("content-length: 5\r\ncontent-length: 6\r\n") + b"hello!",
            head("content-length: -1\r\n") + b"x",
            head("transfer-encoding: xchunked\r\n") + b"5\r\nhello\r\n0\r\n\r\n",
            head("transfer-encoding: chunked\r\n") + b"f" * 30 + b"\r\nx",
            b"GET /persons HTTP/1.1\r\nhost : door\r\n\r\n",
            b"GET /persons\0 HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET /persons HTTP/1.1\r\nx-long: " + b"a" * 100_000,
        ],
        ids=["two lengths", "negative", "odd coding", "huge chunk", "odd name",
             "nul", "tls", "long header"],
    )  # fmt: skip
    async def test_what_is_no_request_is_refused_or_cut_off(self, port: int, raw: bytes) -> None:
        said = await exchange(port, raw)
        assert said.startswith(b"HTTP/1.1 400 ")
        assert said.count(b"HTTP/1.1 ") == 1
        assert await is_served(port)

    async def test_a_token_is_not_looked_for_elsewhere(self, port: int) -> None:
        for path, more in (
            (f"/persons?access_token={CENTRE}", "x: y"),
            ("/persons", f"cookie: authorization={CENTRE}"),
            ("/persons", "x-forwarded-user: root"),
        ):
            raw = f"GET {path} HTTP/1.1\r\nhost: d\r\n{more}\r\nconnection: close\r\n\r\n"
            assert told(await exchange(port, raw.encode())) == (401, "token.missing")


class TestOftenAsked:
    async def test_who_shows_no_token_is_counted_by_address(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stop_counting_time(monkeypatch)
        settings = house.settings("insights_api", Settings)
        app = create_insights(settings.model_copy(update={"requests_per_minute": 3}))
        async with app.router.lifespan_context(app):
            for path in ("/totals", "/"):
                app.state.limits = web.Limits(3)
                answers = [await self.asked(app, path, "192.0.2.1") for _ in range(4)]
                assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
                assert answers[3].json()["code"] == "requests.too_many"
                assert int(answers[3].headers["retry-after"]) > 0
                assert (await self.asked(app, path, "192.0.2.2")).status_code == 200

    async def asked(self, app: Any, path: str, address: str) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            return await client.get(path)
