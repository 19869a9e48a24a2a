from uuid import uuid4

import pytest

from services.notifications.api import create
from services.notifications.handlers import on_notice_issued
from tests.apis import asking
from tests.databases import Schema
from tests.events import NOW
from tests.notifications.facts import known, notice

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def payee(schema: Schema) -> str:
    """Somebody with two messages of VN-61 and one of VN-62."""
    async with schema.database(NOW) as database, database.transaction() as tx:
        person = await known(tx, uuid4(), "ar")
        regions = ("VN-61", "VN-61", "VN-62")
        await on_notice_issued(tx, [notice(person, region) for region in regions])
    return str(person)


async def test_a_case_worker_sees_what_became_of_messages_but_no_words_and_no_number(
    schema: Schema, payee: str
) -> None:
    async with asking(create(), schema, role="case_worker", regions=("VN-61",)) as client:
        page = (await client.get("/messages", params={"recipient_id": payee})).json()
    assert [message["state"] for message in page["messages"]] == ["queued", "queued"]
    assert page["messages"][0].keys() == {
        "message_id",
        "recipient_id",
        "template",
        "language",
        "channel",
        "state",
        "attempts",
        "reason",
        "queued_at",
    }


async def test_messages_come_in_pages(schema: Schema, payee: str) -> None:
    asked = {"recipient_id": payee, "limit": "2"}
    async with asking(create(), schema, role="operator", regions=("VN-61", "VN-62")) as client:
        first = (await client.get("/messages", params=asked)).json()
        rest = (await client.get("/messages", params={**asked, "after": first["next"]})).json()
    assert (len(first["messages"]), len(rest["messages"]), rest["next"]) == (2, 1, None)


async def test_a_question_without_a_recipient_and_other_roles_are_refused(
    schema: Schema, payee: str
) -> None:
    async with asking(create(), schema, role="operator", regions=("VN-61",)) as client:
        assert (await client.get("/messages")).status_code == 422
    async with asking(create(), schema, role="ministry", regions=("VN-61",)) as client:
        answer = await client.get("/messages", params={"recipient_id": payee})
    assert (answer.status_code, answer.json()["code"]) == (403, "role.missing")
