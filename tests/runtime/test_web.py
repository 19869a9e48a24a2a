import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, Field

from services.runtime import web
from services.runtime.auth import Principal, requires
from services.runtime.database import OutageError
from services.runtime.settings import Settings
from services.runtime.web import HEADERS, api_transaction, create_app
from tests.apis import stop_counting_time
from tests.runtime.conftest import asking, bearer

pytestmark = pytest.mark.stack
MARKED = "Nguyễn Thị Ánh"
FOREIGN = """
insert into inbound (topic, key, source, event_id, digest, region, raw)
values ('t', 'k', 's', 'e', $1, 'VN-08', '')
"""
Officer = Annotated[Principal, Depends(requires("officer"))]
router = APIRouter()


class Note(BaseModel):
    code: Annotated[str, Field(pattern=r"^[a-z]+$")]
    parts: list[int] = []


@router.get("/context")
async def context(request: Request, officer: Officer) -> list[str]:
    async with api_transaction(request, officer) as tx:
        row = await tx.connection.fetchrow(
            "select current_setting('hamroh.regions'), current_setting('hamroh.roles'),"
            " current_setting('hamroh.subject'), current_user"
        )
        assert row is not None
        return [*row, tx.business_now.isoformat()]


@router.post("/notes")
async def write(note: Note) -> int:
    return len(note.parts)


@router.post("/large")
async def large(request: Request) -> int:
    return len(await request.body())


@router.get("/bug")
async def bug() -> None:
    raise ValueError(MARKED)


@router.get("/outage")
async def outage() -> None:
    raise OutageError(MARKED)


@router.get("/slow")
async def slow() -> None:
    await asyncio.sleep(30)


@router.get("/sql")
async def sql(request: Request, officer: Officer, statement: str) -> None:
    async with api_transaction(request, officer) as tx:
        await tx.connection.execute(statement, MARKED)


def app(settings: Settings, **changed: Any) -> FastAPI:
    settings = settings.model_copy(update=changed)
    return create_app("beneficiary", [router], settings, body_bytes={"/large": 20_000})


@pytest.fixture
async def client(api_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(app(api_settings, body_bytes=10_000)) as client:
        yield client


async def post(
    client: httpx.AsyncClient, body: str | bytes, path: str = "/notes"
) -> httpx.Response:
    return await client.post(path, content=body, headers={"content-type": "application/json"})


def code(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["type"] == f"urn:hamroh:problem:{document['code']}"
    return response.status_code, document["code"]


class TestProblems:
    async def test_what_is_not_there(self, client: httpx.AsyncClient) -> None:
        assert code(await client.get("/nothing")) == (404, "path.unknown")
        refused = await client.delete("/notes")
        assert code(refused) == (405, "method.not_allowed")
        assert refused.headers["allow"] == "POST"

    async def test_a_field_is_named_and_its_value_is_not(self, client: httpx.AsyncClient) -> None:
        response = await post(client, json.dumps({"code": MARKED, "parts": [1, MARKED]}))
        assert code(response) == (422, "request.invalid")
        paths = {error["path"] for error in response.json()["errors"]}
        assert paths == {"body.code", "body.parts.1"}
        assert "Nguy" not in response.text

    async def test_a_bug_tells_nothing_and_is_logged_by_place(
        self, api_settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with asking(app(api_settings)) as client:
            response = await client.get("/bug")
        assert code(response) == (500, "service.fault")
        logged = capsys.readouterr().out
        assert "Nguy" not in response.text + logged
        assert json.loads(logged)["error"] == "builtins.ValueError"

    async def test_an_outage_asks_to_come_again(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/outage")
        assert code(response) == (503, "service.away")
        assert int(response.headers["retry-after"]) > 0

    async def test_a_slow_request_is_ended(self, api_settings: Settings) -> None:
        async with asking(app(api_settings, request_timeout_s=0.05)) as client:
            assert code(await client.get("/slow")) == (503, "service.away")

    @pytest.mark.parametrize(
        ("statement", "expected"),
        [
            ("select $1::integer", (422, "body.unprocessable")),
            ("select $1::text, e'\\x00'", (422, "body.unprocessable")),
            ("select $1::text from dead_letters", (403, "region.forbidden")),
            (FOREIGN, (403, "region.forbidden")),
            ("selec $1::text", (500, "service.fault")),
        ],
    )
    async def test_what_the_database_refuses(
        self, client: httpx.AsyncClient, statement: str, expected: tuple[int, str]
    ) -> None:
        response = await client.get(
            "/sql", params={"statement": statement}, headers=bearer("officer", "VN-07")
        )
        assert code(response) == expected
        assert "Nguy" not in response.text


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ('{"code": "a", "code": "b"}', (400, "body.malformed")),
            ('{"code": NaN}', (400, "body.malformed")),
            ("{", (400, "body.malformed")),
            ("[" * 9000, (400, "body.malformed")),
            ('{"code":"a","parts":' + "[" * 33 + "]" * 33 + "}", (400, "body.too_deep")),
            (b"\xff\xfe", (400, "body.malformed")),
            ("x" * 10_001, (413, "body.too_large")),
        ],
    )
    async def test_a_hostile_body_is_refused(
        self, client: httpx.AsyncClient, body: str | bytes, expected: tuple[int, str]
    ) -> None:
        assert code(await post(client, body)) == expected

    async def test_a_body_without_end_is_cut(self, client: httpx.AsyncClient) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1000
                yield b" " * 1000

        response = await client.post(
            "/notes", content=endless(), headers={"content-type": "application/json"}
        )
        assert code(response) == (413, "body.too_large")
        assert sent < 20_000

    async def test_a_sender_who_does_not_stop_is_cut_off(self, api_settings: Settings) -> None:
        config = uvicorn.Config(app(api_settings), port=0, log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        async with asyncio.timeout(60):
            while not server.started:
                await asyncio.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST /notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(60):
                while not writer.is_closing():
                    writer.write(b"2710\r\n" + b" " * 10_000 + b"\r\n")
                    await writer.drain()
        with contextlib.suppress(ConnectionError):
            assert b"413" in await reader.readline()
        server.should_exit = True
        await serving

    async def test_one_path_may_take_more(self, client: httpx.AsyncClient) -> None:
        body = json.dumps(["x" * 15_000])
        assert (await post(client, body, "/large")).json() == len(body)
        assert code(await post(client, body)) == (413, "body.too_large")

    @pytest.mark.parametrize(
        "headers",
        [
            {"content-type": "text/plain"},
            {"content-type": "application/x-www-form-urlencoded"},
            {"content-type": "application/json", "content-encoding": "gzip"},
            {},
        ],
    )
    async def test_another_kind_is_refused(
        self, client: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        response = await client.post("/notes", content=b'{"code":"a"}', headers=headers)
        assert code(response) == (415, "body.wrong_kind")

    async def test_a_proper_body_arrives(self, client: httpx.AsyncClient) -> None:
        assert (await post(client, '{"code":"a","parts":[1,2]}')).json() == 2


class TestCallers:
    async def test_a_transaction_knows_who_asks(self, client: httpx.AsyncClient) -> None:
        caller = bearer("officer", "VN-07", "VN-08", subject="officer-7")
        answer = (await client.get("/context", headers=caller)).json()
        assert answer[:4] == ["VN-07,VN-08", "officer", "officer-7", "beneficiary_api"]

    async def test_a_rehearsal_moves_business_time(
        self, api_settings: Settings, empty_database: str
    ) -> None:
        admin = await asyncpg.connect(empty_database)
        await admin.execute("insert into beneficiary.business_clock values (true, '2027-03-01Z')")
        moved = {}
        for rehearsal in (True, False):
            async with asking(app(api_settings, rehearsal=rehearsal)) as client:
                answer = await client.get("/context", headers=bearer("officer", "VN-07"))
                moved[rehearsal] = answer.json()[4].startswith("2027-03-01T00:00")
        await admin.execute("delete from beneficiary.business_clock")
        await admin.close()
        assert moved == {True: True, False: False}

    async def test_nobody_and_the_wrong_role_are_refused(self, client: httpx.AsyncClient) -> None:
        nobody = await client.get("/context")
        assert code(nobody) == (401, "token.missing")
        assert nobody.headers["www-authenticate"] == 'Bearer realm="hamroh"'
        stranger = await client.get("/context", headers={"authorization": "Bearer a.b.c"})
        assert code(stranger) == (401, "token.malformed")
        assert "invalid_token" in stranger.headers["www-authenticate"]
        centre = await client.get("/context", headers=bearer("centre", "VN-07"))
        assert code(centre) == (403, "role.missing")

    async def test_one_subject_too_often_does_not_stop_another(
        self, api_settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stop_counting_time(monkeypatch)
        async with asking(app(api_settings, requests_per_minute=3)) as client:
            eager = bearer("officer", "VN-07", subject="eager")
            for _ in range(3):
                assert (await client.get("/context", headers=eager)).status_code == 200
            stopped = await client.get("/context", headers=eager)
            assert code(stopped) == (429, "requests.too_many")
            assert 1 <= int(stopped.headers["retry-after"]) <= 120
            calm = bearer("officer", "VN-07", subject="calm")
            assert (await client.get("/context", headers=calm)).status_code == 200

    async def test_bad_tokens_are_counted_by_address(
        self, api_settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stop_counting_time(monkeypatch)
        async with asking(app(api_settings, requests_per_minute=3)) as client:
            stranger = {"authorization": "Bearer a.b.c"}
            answers = [(await client.get("/context", headers=stranger)).status_code for _ in "1234"]
        assert answers == [401, 401, 401, 429]


class TestSurroundings:
    async def test_every_answer_carries_the_headers(self, client: httpx.AsyncClient) -> None:
        for path in ("/health/live", "/nothing", "/bug", "/openapi.json"):
            response = await client.get(path)
            assert {name: response.headers[name] for name in HEADERS} == HEADERS

    async def test_readiness_asks_the_database(
        self, api_settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web, "READY_TIMEOUT_S", 60.0)
        started = app(api_settings)
        async with asking(started) as client:
            assert (await client.get("/health/ready")).json() == {"status": "ready"}
            await started.state.database.pool.close()
            assert code(await client.get("/health/ready")) == (503, "service.away")
            assert (await client.get("/health/live")).status_code == 200

    async def test_the_description_tells_of_problems_and_loads_nothing_from_outside(
        self, client: httpx.AsyncClient
    ) -> None:
        described = (await client.get("/openapi.json")).json()
        answers = described["paths"]["/notes"]["post"]["responses"]
        assert "application/problem+json" in answers["default"]["content"]
        assert "/health/live" not in described["paths"]
        for page in ("/docs", "/redoc"):
            assert (await client.get(page)).status_code == 404

    async def test_libraries_do_not_quote(self, capsys: pytest.CaptureFixture[str]) -> None:
        logging.getLogger("some.library").error("%s", MARKED)
        assert "Nguy" not in capsys.readouterr().out
