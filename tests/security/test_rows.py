"""An api process sees the rows of its caller's regions, and nothing without a caller.

Every table that has regions is filled with one row for each trap; the constraints of the tables are
taken away first, so that a row needs nothing but its region, and a new table needs nothing here.
"""

from collections.abc import AsyncIterator, Sequence
from functools import cache

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.catalogue import SERVICES
from contracts.values import REGION_CODE, descends
from deploy.instance import Instance
from services.runtime.database import Connection
from tests.security.houses import House, built

pytestmark = pytest.mark.stack
every_service = pytest.mark.parametrize("service", SERVICES)

ROWS = (
    "VN-07", "VN-07-00694", "VN-07-00694-1", "VN-070", "VN-0", "VN-01", "VN", "vn-07", "VN-07 ",
    "VN-07%", "VN-0_", "VN-07-%", "%", "", ",", "VN-07,VN-01", "UA-26", "UA-26-UA26040270000069363",
    "VN-ABCDEFGHIJKLMNOPQRST",
)  # fmt: skip
HOLDS_NO_PERSON = {
    "*.business_clock",
    "*.outbox",
    "*.sequences",
    "benefits.activated_packs",
    "insights.cube",
    "insights.cycles",
    "insights.indicators",
}
"""What an api reaches in every region alike: numbers, law, and what it only adds to."""

CONSTRAINTS = """
select conrelid::regclass::text as table, quote_ident(conname) as name
from pg_catalog.pg_constraint
where connamespace::regnamespace::text = any($1::text[]) and contype <> 'n'
order by contype = 'f' desc
"""
REQUIRED = """
select attrelid::regclass::text as table, quote_ident(attname) as name
from pg_catalog.pg_attribute join pg_catalog.pg_class c on c.oid = attrelid
where relnamespace::regnamespace::text = any($1::text[]) and relkind = 'r'
  and attnum > 0 and attnotnull and attidentity = '' and not attisdropped
"""
GUARDED = """
select schemaname || '.' || tablename as name, qual = 'true' as open from pg_catalog.pg_policies
where policyname = 'api_region' and schemaname = any($1::text[]) order by 1
"""
UPDATABLE = """
select column_name from information_schema.column_privileges
where table_schema || '.' || table_name = $1 and privilege_type = 'UPDATE'
order by column_name <> 'region'
"""
ANYTHING = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
MOVE = """
select set_config('hamroh.regions', 'VN-07', true); update pairs set region = 'VN-01'
"""
ENTER = "select set_config('hamroh.regions', $1, true)"


async def guarded(admin: Connection, services: Sequence[str], *, open_to_all: bool) -> list[str]:
    rows = await admin.fetch(GUARDED, services)
    return [row["name"] for row in rows if row["open"] is open_to_all]


@pytest.fixture(scope="module")
async def filled(instance: Instance) -> AsyncIterator[House]:
    """Every table with regions holds one row of each."""
    async with built(instance) as house, house.login() as admin:
        for row in await admin.fetch(CONSTRAINTS, [*SERVICES]):
            await admin.execute(f"alter table {row['table']} drop constraint {row['name']} cascade")
        for row in await admin.fetch(REQUIRED, [*SERVICES]):
            await admin.execute(f"alter table {row['table']} alter {row['name']} drop not null")
        for table in await guarded(admin, SERVICES, open_to_all=False):
            await admin.executemany(
                f"insert into {table} (region) values ($1)", [(region,) for region in (*ROWS, None)]
            )
        yield house


@pytest.fixture(scope="module")
async def apis(filled: House) -> AsyncIterator[dict[str, Connection]]:
    """A connection of each service's api."""
    found: dict[str, Connection] = {}
    for service in SERVICES:
        found[service] = await asyncpg.connect(filled.url(f"{service}_api"))
    yield found
    for connection in found.values():
        await connection.close()


async def tables_of(connection: Connection, service: str) -> list[str]:
    tables = await guarded(connection, [service], open_to_all=False)
    assert tables
    return tables


async def seen(connection: Connection, service: str, regions: str | None) -> set[tuple[str, str]]:
    """(table, region) of every row in every table with regions."""
    tables = await tables_of(connection, service)
    sql = " union all ".join(f"select '{table}', region from {table}" for table in tables)
    async with connection.transaction():
        if regions is not None:
            await connection.execute(ENTER, regions)
        rows = [(row[0], row[1]) for row in await connection.fetch(sql)]
    assert len(rows) == len(set(rows))
    return set(rows)


@cache
def is_region(code: str) -> bool:
    try:
        return REGION_CODE.validate_python(code) == code
    except ValidationError:
        return False


def expected(tables: Sequence[str], regions: str) -> set[tuple[str, str]]:
    """What the language says who descends from whom."""
    own = [code for code in regions.split(",") if is_region(code)]
    return {
        (table, row) for table in tables for row in ROWS if any(descends(row, code) for code in own)
    }


class TestReading:
    @every_service
    async def test_without_a_caller_there_is_no_row(
        self, apis: dict[str, Connection], service: str
    ) -> None:
        assert await seen(apis[service], service, None) == set()

    @every_service
    async def test_a_region_sees_itself_and_below_and_no_neighbour(
        self, apis: dict[str, Connection], service: str
    ) -> None:
        found = await seen(apis[service], service, "VN-07")
        assert {region for _, region in found} == {"VN-07", "VN-07-00694", "VN-07-00694-1"} | {
            "VN-07-%"
        }
        assert {table for table, _ in found} == {*await tables_of(apis[service], service)}

    @every_service
    async def test_what_the_language_calls_a_region_is_one_here(
        self, apis: dict[str, Connection], service: str
    ) -> None:
        for region in filter(is_region, ROWS):
            found = await seen(apis[service], service, region)
            assert region in {row for _, row in found}, region

    @every_service
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(
        regions=st.lists(
            st.sampled_from(ROWS)
            | st.text("VN-07%_ ,\\'*.?\n", max_size=9)
            | st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9
            ),
            max_size=4,
        ).map(",".join)
    )
    async def test_whatever_the_context_holds_the_answer_is_that_of_the_language(
        self, apis: dict[str, Connection], service: str, regions: str
    ) -> None:
        tables = await tables_of(apis[service], service)
        assert await seen(apis[service], service, regions) == expected(tables, regions)

    @every_service
    async def test_with_the_transaction_the_caller_is_forgotten(
        self, apis: dict[str, Connection], service: str
    ) -> None:
        for ending in ("commit", "rollback"):
            await apis[service].execute("begin")
            await apis[service].execute(ENTER, "VN-07")
            await apis[service].execute(ending)
            left = await apis[service].fetchval("select current_setting('hamroh.regions', true)")
            assert not left
            assert await seen(apis[service], service, None) == set()

    async def test_a_table_for_all_regions_holds_no_person(self, filled: House) -> None:
        async with filled.login() as admin:
            found = set(await guarded(admin, SERVICES, open_to_all=True))
        runtime = {name for name in found if f"*.{name.split('.')[1]}" in HOLDS_NO_PERSON}
        assert {f"*.{name.split('.')[1]}" for name in runtime} | (
            found - runtime
        ) == HOLDS_NO_PERSON


class TestWriting:
    @every_service
    async def test_nothing_is_written_outside_ones_regions(
        self, apis: dict[str, Connection], service: str
    ) -> None:
        api, tried = apis[service], 0
        for table in await tables_of(api, service):
            own = {pair for pair in await seen(api, service, "VN-07") if pair[0] == table}
            if await api.fetchval("select has_table_privilege($1, 'insert')", table):
                await self.adds(api, table, "VN-07-00001", allowed=True)
                for foreign in ("VN-01", "VN-070", "VN-07%", "", None):
                    await self.adds(api, table, foreign, allowed=False)
                tried += 1
            for (column,) in (await api.fetch(UPDATABLE, table))[:1]:
                assert await self.changes(api, table, column) == f"UPDATE {len(own)}"
                tried += 1
        assert tried, f"{service} has at least its inbound table"

    async def adds(self, api: Connection, table: str, region: str | None, *, allowed: bool) -> None:
        transaction = api.transaction()
        await transaction.start()
        try:
            await api.execute(ENTER, "VN-07")
            await api.execute(f"insert into {table} (region) values ($1)", region)
        except asyncpg.InsufficientPrivilegeError:
            assert not allowed, (table, region)
        else:
            assert allowed, (table, region)
        finally:
            await transaction.rollback()

    async def changes(self, api: Connection, table: str, column: str) -> str:
        """How many rows an update without any condition reaches."""
        async with api.transaction():
            await api.execute(ENTER, "VN-07")
            return await api.execute(f"update {table} set {column} = {column}")

    async def test_a_pair_cannot_be_moved_to_another_region(
        self, apis: dict[str, Connection]
    ) -> None:
        own = await seen(apis["beneficiary"], "beneficiary", "VN-07")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await apis["beneficiary"].execute(MOVE)
        assert await seen(apis["beneficiary"], "beneficiary", "VN-07") == own
