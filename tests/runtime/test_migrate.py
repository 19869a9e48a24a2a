import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.runtime.database import Connection
from services.runtime.migrate import (
    Migration,
    MigrationError,
    migrate,
    migrations_of,
    pending,
)
from tests.runtime.conftest import as_role

RUNTIME = migrations_of("runtime")
FIRST = Migration("casework", "0001_first.sql", "create table cases (id uuid primary key)")
SECOND = Migration("casework", "0002_second.sql", "alter table cases add note text")
TABLES = """
select c.relname, c.relrowsecurity and c.relforcerowsecurity as guarded,
       pg_get_userbyid(c.relowner) as owner
from pg_class c where c.relnamespace = $1::regnamespace and c.relkind = 'r'
"""


def applied(*migrations: Migration) -> dict[tuple[str, str], str]:
    return {migration.name: migration.checksum for migration in migrations}


class TestPending:
    def test_what_was_applied_is_not_due_again(self) -> None:
        assert pending([FIRST, SECOND], applied(FIRST)) == [SECOND]

    def test_a_changed_file_is_refused(self) -> None:
        changed = Migration(*FIRST.name, "create table cases (id text primary key)")
        with pytest.raises(MigrationError, match=r"casework/0001_first.sql changed"):
            pending([changed], applied(FIRST))

    def test_a_file_that_went_away_is_refused(self) -> None:
        with pytest.raises(MigrationError, match="is gone"):
            pending([SECOND], applied(FIRST, SECOND))

    def test_a_file_put_in_between_is_refused(self) -> None:
        with pytest.raises(MigrationError, match="give it a new number"):
            pending([FIRST, SECOND], applied(SECOND))

    def test_the_mechanism_may_grow_after_the_service(self) -> None:
        newer = Migration("runtime", "0003_more.sql", "select 1")
        assert pending([newer, FIRST], applied(FIRST)) == [newer]

    @pytest.mark.parametrize(
        "names", [["0001-first.sql"], ["1_first.sql"], ["0001_a.sql", "0001_b.sql"]]
    )
    def test_a_misnamed_file_is_refused(self, tmp_path: Path, names: list[str]) -> None:
        folder = tmp_path / "casework" / "migrations"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text("select 1")
        with pytest.raises(MigrationError, match="each number once"):
            migrations_of("casework", tmp_path)


@pytest.fixture
async def admin(empty_database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(empty_database)
    yield connection
    await connection.close()


@pytest.mark.stack
class TestMigrate:
    async def test_a_dry_run_names_and_touches_nothing(self, admin: Connection) -> None:
        names = await migrate(admin, "workforce", RUNTIME, dry_run=True)
        assert names[0] == "runtime/0001_runtime.sql"
        assert await admin.fetch(TABLES, "workforce") == []

    async def test_a_service_gets_its_tables_once_all_guarded(self, admin: Connection) -> None:
        assert await migrate(admin, "casework", [*RUNTIME, FIRST]) != []
        assert await migrate(admin, "casework", [*RUNTIME, FIRST]) == []
        tables = {row["relname"]: row for row in await admin.fetch(TABLES, "casework")}
        assert {"inbox", "outbox", "timers", "cases"} <= tables.keys()
        assert {row["owner"] for row in tables.values()} == {"hamroh_owner"}
        unguarded = {name for name, row in tables.items() if not row["guarded"]}
        assert unguarded == {"migrations", "cases"}

    async def test_a_failing_migration_leaves_nothing(self, admin: Connection) -> None:
        bad = Migration("benefits", "0001_bad.sql", "create table half (id int); select 1 / 0")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(admin, "benefits", [*RUNTIME, bad])
        assert "half" not in {row["relname"] for row in await admin.fetch(TABLES, "benefits")}
        assert await migrate(admin, "benefits", RUNTIME) == []

    async def test_two_runners_apply_once(self, empty_database: str) -> None:
        one, two = await asyncpg.connect(empty_database), await asyncpg.connect(empty_database)
        done = await asyncio.gather(*(self._run_and_close(connection) for connection in (one, two)))
        assert sorted(map(len, done)) == [0, len(RUNTIME)]

    async def _run_and_close(self, connection: Connection) -> list[str]:
        try:
            return await migrate(connection, "insights", RUNTIME)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def registry(empty_database: str) -> str:
    connection = await asyncpg.connect(empty_database)
    cases = Migration(
        "beneficiary",
        "0001_people.sql",
        """
        create table people (id integer primary key, region text);
        insert into people values (1, 'VN-07'), (2, 'VN-07-00694'), (3, 'VN-08'), (4, 'VN-070'),
                                  (5, null);
        select protect('people', region => 'region', api => 'select, insert, update');
        """,
    )
    await migrate(connection, "beneficiary", [*RUNTIME, cases])
    await connection.close()
    return empty_database


@pytest.fixture
async def api(registry: str) -> AsyncIterator[Connection]:
    connection = await as_role(registry, "beneficiary_api", "beneficiary")
    yield connection
    await connection.close()


@pytest.fixture
async def worker(registry: str) -> AsyncIterator[Connection]:
    connection = await as_role(registry, "beneficiary_worker", "beneficiary")
    yield connection
    await connection.close()


async def seen(connection: Connection, regions: str | None) -> set[int]:
    async with connection.transaction():
        if regions is not None:
            await connection.execute("select set_config('hamroh.regions', $1, true)", regions)
        return {row[0] for row in await connection.fetch("select id from people")}


@pytest.mark.stack
class TestAccess:
    @pytest.mark.parametrize(
        ("regions", "people"),
        [
            (None, set()),
            ("", set()),
            ("VN-07", {1, 2}),
            ("VN-07-00694", {2}),
            ("VN-07,VN-08", {1, 2, 3}),
            ("VN-09", set()),
            ("%", set()),
            ("VN-0_", set()),
            ("VN", set()),
            ("vn-07", set()),
        ],
    )
    async def test_an_api_sees_its_regions_and_below(
        self, api: Connection, regions: str | None, people: set[int]
    ) -> None:
        assert await seen(api, regions) == people

    async def test_the_context_ends_with_the_transaction(self, api: Connection) -> None:
        assert await seen(api, "VN-07") == {1, 2}
        assert await seen(api, None) == set()

    async def test_an_api_cannot_write_into_another_region(self, api: Connection) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute("""
                select set_config('hamroh.regions', 'VN-07', true);
                update people set region = 'VN-08' where id = 1
            """)

    async def test_a_worker_sees_all(self, worker: Connection) -> None:
        assert await seen(worker, None) == {1, 2, 3, 4, 5}

    async def test_the_owner_itself_sees_nothing(self, registry: str) -> None:
        owner = await as_role(registry, "hamroh_owner", "beneficiary")
        assert await seen(owner, "VN-07") == set()
        await owner.close()

    @pytest.mark.parametrize(
        "statement",
        [
            "select raw from inbound",
            "select event from outbox",
            "delete from outbox",
            "select * from dead_letters",
            "select * from waiting",
            "insert into inbox values ('s', 'i', 'd', 'VN-07', 'accepted')",
            "delete from people",
            "select * from migrations",
            "select protect('people')",
            "create table mine (id int)",
            "alter table people disable row level security",
            "set role beneficiary_worker",
            "select * from benefits.outbox",
        ],
    )
    async def test_an_api_may_not(self, registry: str, statement: str) -> None:
        api = await asyncpg.connect(registry)
        await api.execute(
            "set search_path = beneficiary; set session authorization beneficiary_api"
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(statement)
        await api.close()

    async def test_a_worker_cannot_rewrite_the_audit(self, worker: Connection) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.execute("update dead_letter_audit set actor = 'nobody'")

    async def test_an_odd_privilege_is_refused(self, registry: str) -> None:
        owner = await as_role(registry, "hamroh_owner", "beneficiary")
        with pytest.raises(asyncpg.RaiseError, match="not a list of privileges"):
            await owner.execute("select protect('people', worker => 'all')")
        await owner.close()
