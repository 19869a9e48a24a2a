import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import digest
from services.runtime.database import Connection
from services.runtime.settings import Settings
from services.runtime.submission import BODY_BYTES, _parts, claims_router
from services.runtime.web import create_app
from tests.runtime.conftest import asking, bearer
from tests.runtime.stage import any_of, until

GOLDEN = next(
    Path(__file__).parents[2].glob("contracts/examples/regional.beneficiary.person.registered*")
)
ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
CENTRE = bearer("centre", "VN-07")


def claim(**changed: Any) -> dict[str, Any]:
    document = {**json.loads(GOLDEN.read_bytes()), "id": str(uuid4())}
    document |= {"source": "urn:hamroh:region:vn-07", "regioncode": "VN-07"}
    return document | changed


def text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


async def post(
    client: httpx.AsyncClient, body: str, kind: str = ONE, caller: dict[str, str] = CENTRE
) -> httpx.Response:
    return await client.post("/claims", content=body, headers={"content-type": kind, **caller})


@pytest.fixture
async def client(api_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    router = claims_router("beneficiary")
    app = create_app("beneficiary", [router], api_settings, body_bytes=BODY_BYTES)
    async with asking(app) as client:
        yield client


@pytest.fixture
async def worker(client: httpx.AsyncClient, empty_database: str) -> AsyncIterator[Connection]:
    assert client
    connection = await asyncpg.connect(empty_database)
    await connection.execute("set search_path = beneficiary; set role beneficiary_worker")
    yield connection
    await connection.close()


@pytest.mark.stack
class TestOne:
    async def test_a_claim_is_stored_as_sent_and_its_address_answers(
        self, client: httpx.AsyncClient, worker: Any
    ) -> None:
        told: list[str] = []
        await worker.add_listener("inbound", lambda *heard: told.append(heard[-1]))
        document = claim()
        body = text(document)
        answer = await post(client, body)
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/claims/urn:hamroh:region:vn-07/{document['id']}"
        row = await worker.fetchrow("select * from inbound where event_id = $1", document["id"])
        assert row["raw"] == body.encode()
        assert row["digest"] == digest(body.encode())
        assert (row["topic"], row["region"]) == ("regional.vn-07.beneficiary.v1", "VN-07")
        assert row["key"] == document["data"]["record_id"]
        await until(partial(any_of, told))
        assert told == ["beneficiary"]
        status = await client.get(answer.headers["location"], headers=CENTRE)
        assert status.json()["outcome"] == "pending"

    async def test_the_same_bytes_get_the_same_answer_and_others_are_refused(
        self, client: httpx.AsyncClient, worker: Any
    ) -> None:
        document = claim()
        first, again = [await post(client, text(document)) for _ in range(2)]
        assert (first.status_code, again.status_code) == (202, 202)
        assert first.headers["location"] == again.headers["location"]
        other = await post(client, text(document | {"subject": "changed"}))
        assert (other.status_code, other.json()["code"]) == (422, "claim.id_reused")
        count = "select count(*) from inbound where event_id = $1"
        assert await worker.fetchval(count, document["id"]) == 1

    async def test_a_claim_known_from_kafka_is_the_same_claim(
        self, client: httpx.AsyncClient, worker: Any
    ) -> None:
        document = claim()
        await self.answered(worker, document, "accepted", None, None)
        assert (await post(client, text(document))).status_code == 202

    async def test_other_bytes_of_an_answered_claim_are_refused_and_not_stored(
        self, client: httpx.AsyncClient, worker: Any
    ) -> None:
        document = claim()
        await self.answered(worker, document, "accepted", None, None)
        other = await post(client, text(document | {"subject": "changed"}))
        assert (other.status_code, other.json()["code"]) == (422, "claim.id_reused")
        # whoever is refused at the door is not answered a second time
        count = "select count(*) from inbound where event_id = $1"
        assert await worker.fetchval(count, document["id"]) == 0

    async def answered(
        self,
        worker: Any,
        document: dict[str, Any],
        outcome: str,
        code: str | None,
        path: str | None,
    ) -> None:
        await worker.execute(
            "insert into inbox (source, id, digest, region, outcome, code, path)"
            " values ($1, $2, $3, 'VN-07', $4, $5, $6)",
            document["source"],
            document["id"],
            digest(text(document).encode()),
            outcome,
            code,
            path,
        )

    async def test_the_answer_is_told_to_its_region_alone(
        self, client: httpx.AsyncClient, worker: Any
    ) -> None:
        document = claim()
        address = (await post(client, text(document))).headers["location"]
        await self.answered(worker, document, "rejected", "person.unknown", "data.record_id")
        assert (await client.get(address, headers=CENTRE)).json() == {
            "source": document["source"],
            "id": document["id"],
            "outcome": "rejected",
            "code": "person.unknown",
            "path": "data.record_id",
        }
        for stranger in (bearer("centre", "VN-08"), bearer("centre")):
            hidden = await client.get(address, headers=stranger)
            assert (hidden.status_code, hidden.json()["code"]) == (404, "claim.unknown")

    @pytest.mark.parametrize(
        ("changed", "caller", "expected"),
        [
            ({}, bearer("centre", "VN-08"), (403, "claim.wrong_source", "source")),
            ({}, bearer("centre"), (403, "claim.wrong_source", "source")),
            (
                {"source": "urn:hamroh:region:vn-99"},
                bearer("centre", "VN-99"),
                (403, "claim.wrong_source", "source"),
            ),
            (
                {"source": "urn:hamroh:service:benefits"},
                CENTRE,
                (403, "claim.wrong_source", "source"),
            ),
            ({"regioncode": "VN-08"}, CENTRE, (403, "claim.wrong_region", "regioncode")),
            ({"regioncode": None}, CENTRE, (403, "claim.wrong_region", "regioncode")),
            ({"time": "yesterday"}, CENTRE, (422, "field.bad_time", "time")),
            ({"data": {}}, CENTRE, (422, "field.missing", "data.record_id")),
            ({"dataschema": "urn:x"}, CENTRE, (422, "event.unknown_type", "type")),
        ],
    )
    async def test_what_may_not_be_claimed_is_refused_and_not_stored(
        self,
        client: httpx.AsyncClient,
        worker: Any,
        changed: dict[str, Any],
        caller: dict[str, str],
        expected: tuple[int, str, str],
    ) -> None:
        before = await worker.fetchval("select count(*) from inbound")
        answer = await post(client, text(claim(**changed)), caller=caller)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["code"], error["path"]) == expected
        assert await worker.fetchval("select count(*) from inbound") == before

    async def test_another_service_refuses_the_type(self, api_settings: Settings) -> None:
        app = create_app("workforce", [claims_router("workforce")], api_settings)
        async with asking(app) as client:
            answer = await post(client, text(claim()))
        assert (answer.status_code, answer.json()["code"]) == (422, "event.wrong_topic")

    async def test_another_role_and_another_kind_are_refused(
        self, client: httpx.AsyncClient
    ) -> None:
        officer = await post(client, text(claim()), caller=bearer("officer", "VN-07"))
        assert (officer.status_code, officer.json()["code"]) == (403, "role.missing")
        for kind in ("application/json", "text/plain"):
            plain = await post(client, text(claim()), kind)
            assert (plain.status_code, plain.json()["code"]) == (415, "body.wrong_kind")
        empty = await client.post("/claims", headers=CENTRE)
        assert empty.status_code == 415


@pytest.mark.stack
class TestMany:
    async def test_each_claim_of_a_batch_is_answered_by_itself(
        self, client: httpx.AsyncClient, worker: Any
    ) -> None:
        good, bad = claim(), claim(data={})
        again = good | {"subject": "changed"}
        batch = f"[{text(good)} ,\n{text(bad)}, {text(claim(regioncode='VN-08'))},{text(good)}]"
        answer = await post(client, batch, MANY)
        assert answer.status_code == 207
        items = answer.json()["items"]
        assert [item["status"] for item in items] == [202, 422, 403, 202]
        assert items[1]["errors"] == [{"code": "field.missing", "path": "data.record_id"}]
        raw = await worker.fetchval("select raw from inbound where event_id = $1", good["id"])
        assert raw == text(good).encode()
        reused = await post(client, f"[{text(again)}]", MANY)
        assert reused.json()["items"][0]["code"] == "claim.id_reused"

    async def test_a_hundred_are_taken_and_no_more(self, client: httpx.AsyncClient) -> None:
        full = await post(client, text([claim() for _ in range(100)]), MANY)
        assert (full.status_code, len(full.json()["items"])) == (202, 100)
        over = await post(client, text([claim() for _ in range(101)]), MANY)
        assert (over.status_code, over.json()["code"]) == (413, "batch.too_large")

    @pytest.mark.parametrize(
        "body", ["[", "{}", "[1", "[1 2]", "[1,]", "[]x", '["a"', "[" * 90_000, "", " "]
    )
    async def test_what_is_no_batch_is_refused(self, client: httpx.AsyncClient, body: str) -> None:
        answer = await post(client, body, MANY)
        assert (answer.status_code, answer.json()["code"]) == (400, "body.malformed")

    async def test_an_empty_batch_is_refused(self, client: httpx.AsyncClient) -> None:
        answer = await post(client, "[ ]", MANY)
        assert (answer.status_code, answer.json()["code"]) == (422, "batch.empty")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(JSON), st.sampled_from([None, 1]))
def test_the_parts_of_a_batch_are_the_very_texts(items: list[Any], indent: int | None) -> None:
    parts = list(_parts(json.dumps(items, indent=indent)))
    assert [json.loads(part) for part in parts] == items
