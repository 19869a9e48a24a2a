"""The registry's tables: a key that many share tells nothing; each region sees its own."""

import hashlib
import hmac
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.beneficiary import store
from services.beneficiary.handlers import on_registered
from services.beneficiary.store import BLOCK_LIMIT, PersonRow
from services.runtime.database import Connection
from services.runtime.migrate import migrate, migrations_of
from services.runtime.sealing import PersonKeys
from services.runtime.settings import Settings
from tests.beneficiary.conftest import KEY
from tests.beneficiary.forms import form
from tests.databases import Schema, migrated
from tests.events import NOW, claim

pytestmark = pytest.mark.stack

ROWS_READ = """
select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint
from pg_stat_xact_user_tables where schemaname = current_schema()
"""
ROWS_OF_A_MEMBER = 4
"""The shared key, the number, then the person and the key that opens the claim."""


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


async def crowd(connection: Connection, key: int, numbers: range) -> None:
    """People who share a matching key."""
    rows = [row(number) for number in numbers]
    opening = [("", None, None, None)] * len(rows)
    await store.save_persons(connection, rows, opening, [], [(key, one.id) for one in rows])


def wanted(*keys: int) -> list[tuple[int, None, None, None]]:
    """Keys of somebody without a number."""
    return [(key, None, None, None) for key in keys]


async def test_a_key_is_telling_until_more_than_its_limit_share_it(schema: Schema) -> None:
    rare, nobodys = 1, 2
    async with schema.transaction(NOW) as tx:
        await crowd(tx.connection, rare, range(1, BLOCK_LIMIT + 1))
        found = await store.find_similar(tx.connection, wanted(rare, nobodys))
        assert len(found) == BLOCK_LIMIT
        await crowd(tx.connection, rare, range(BLOCK_LIMIT + 1, BLOCK_LIMIT + 2))
        assert await store.find_similar(tx.connection, wanted(rare)) == []


async def test_who_looks_for_a_few_does_not_read_everybody(schema: Schema) -> None:
    many, met, strangers = 10_000, 50, 3000
    async with schema.transaction(NOW) as tx:
        rows = [row(number) for number in range(1, many + 1)]
        opening = [("", None, None, None)] * many
        keys = [(number, rows[number].id) for number in range(many)]
        await store.save_persons(tx.connection, rows, opening, [], keys)
        before = await tx.connection.fetchval(ROWS_READ)
        known, unknown = keys[:met], range(many, many + strangers)
        found = await store.find_similar(
            tx.connection, wanted(*(key for key, _ in known), *unknown)
        )
        read = await tx.connection.fetchval(ROWS_READ) - before
    assert {(one["key"], one["id"]) for one in found} == set(known)
    assert read == met * ROWS_OF_A_MEMBER


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


async def test_whose_digests_were_kept_whole_is_still_found() -> None:
    who, keys = row(1), PersonKeys.from_settings(Settings(key_encryption_key=KEY))
    whole = [
        hmac.digest(keys.blinding, text, hashlib.sha256) for text in (b"key", b"1", b"2", b"3")
    ]
    parts = [digest[:8] for digest in whole[1:]]
    fields = PersonRow.__slots__
    async with migrated("beneficiary", until="0004") as old:
        database = await asyncpg.connect(old.url)
        await database.execute("set search_path = beneficiary")
        person = [tuple(getattr(who, name) for name in fields)]
        await database.copy_records_to_table("persons", records=person, columns=fields)
        opening = [(who.id, who.region, 1, "", parts)]
        await database.copy_records_to_table("person_keys", records=opening)
        await database.copy_records_to_table("match_keys", records=[(whole[0], who.id)])

        await migrate(database, "beneficiary", migrations_of("beneficiary"))
        await database.close()

        worker = await old.connect("worker")
        found = []
        for number in ("123", "456"):
            first, second, third = (keys.blind(part) for part in number)
            shared = [(keys.blind("key"), first, second, third)]
            found.append(await store.find_similar(worker, shared))
        await worker.close()
    assert [[one["id"] for one in rows] for rows in found] == [[who.id], []]
