"""The registry's tables: a key that many share tells nothing; each region sees its own."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.beneficiary import store
from services.beneficiary.handlers import on_registered
from services.beneficiary.store import BLOCK_LIMIT, PersonRow
from services.runtime.database import Connection
from tests.beneficiary.forms import form
from tests.databases import Schema
from tests.events import NOW, claim

pytestmark = pytest.mark.stack


def row(number: int) -> PersonRow:
    told: dict[str, Any] = {
        "id": UUID(int=number),
        "region": "VN-07",
        "source": "urn:hamroh:region:vn-07",
        "record_id": f"R-{number}",
        "household_id": UUID(int=number),
        "role": "head",
        "claim_digest": "",
        "birth_date": date(1980, 5, 10),
        "birth_precision": "day",
        "sex": 1,
        "place": "00694",
        "language": "vi",
        "under_review": False,
        "key_version": 1,
        "sealed": "",
        "registered_on": date(2026, 9, 15),
    }
    return PersonRow(**told)


async def crowd(connection: Connection, key: bytes, numbers: range) -> None:
    """People who share a matching key."""
    rows = [row(number) for number in numbers]
    opening = [("", None, None, None)] * len(rows)
    await store.save_persons(connection, rows, opening, [], [(key, one.id) for one in rows])


def wanted(*keys: bytes) -> list[tuple[bytes, None, None, None]]:
    """Keys of somebody without a number."""
    return [(key, None, None, None) for key in keys]


async def test_a_key_is_telling_until_more_than_its_limit_share_it(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await crowd(tx.connection, b"rare", range(1, BLOCK_LIMIT + 1))
        found = await store.find_similar(tx.connection, wanted(b"rare", b"nobody's"))
        assert len(found) == BLOCK_LIMIT
        await crowd(tx.connection, b"rare", range(BLOCK_LIMIT + 1, BLOCK_LIMIT + 2))
        assert await store.find_similar(tx.connection, wanted(b"rare")) == []


async def test_a_region_sees_its_people_and_nobody_their_keys(schema: Schema) -> None:
    async with schema.database(NOW) as database, database.transaction() as tx:
        await on_registered(tx, [claim(form("A-1"))])
        await on_registered(tx, [claim(form("A-1", place="03388"), "VN-01")])
    sql = "select region from persons"
    assert [row[0] for row in await schema.seen_by_api(sql, ["VN-01"])] == ["VN-01"]
    assert await schema.seen_by_api(sql, []) == []
    for table in ("person_keys", "match_keys"):
        with pytest.raises(Exception, match=f"permission denied for table {table}"):
            await schema.seen_by_api(f"select * from {table}", ["VN-01"])
