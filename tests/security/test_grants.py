"""Who may do what in the database: exactly what the committed file says, and nothing by owning."""

import asyncpg
import pytest

from contracts.catalogue import SERVICES
from deploy.postgres.grants import FILE, grants
from tests.security.houses import LOGINS, House

pytestmark = pytest.mark.stack

LINES = [line.split(" ") for line in FILE.read_text(encoding="utf-8").splitlines()]
ROLES = """
select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
       rolinherit, rolconnlimit
from pg_catalog.pg_roles where rolname = any($1::text[])
"""
MEMBERS = """
select roleid::regrole::text, member::regrole::text from pg_catalog.pg_auth_members
where member::regrole::text = any($1::text[]) or roleid::regrole::text = any($1::text[])
"""
OWNED = """
select classid::regclass::text, objid from pg_catalog.pg_shdepend
where deptype = 'o' and refclassid = 'pg_catalog.pg_authid'::regclass
  and refobjid in (select oid from pg_catalog.pg_roles where rolname = any($1::text[]))
"""
UNGUARDED = """
select c.oid::regclass::text from pg_catalog.pg_class c
where c.relnamespace::regnamespace::text = any($1::text[]) and c.relkind in ('r', 'p', 'm', 'f')
  and not (c.relrowsecurity and c.relforcerowsecurity)
"""
POLICIES = """
select distinct policyname, permissive, cmd, roles = array[schemaname || case policyname
           when 'worker_all' then '_worker' else '_api' end]::name[] as of_its_own,
       policyname <> 'worker_all' or (qual = 'true' and with_check = 'true') as whole
from pg_catalog.pg_policies
"""
LENDING_VIEWS = """
select c.oid::regclass::text from pg_catalog.pg_class c
where c.relnamespace::regnamespace::text = any($1::text[]) and c.relkind = 'v'
  and not coalesce('security_invoker=true' = any(c.reloptions), false)
"""
LENDING_FUNCTIONS = """
select p.oid::regprocedure::text from pg_catalog.pg_proc p
where p.pronamespace::regnamespace::text = any($1::text[]) and p.prosecdef
"""
UNPINNED = """
select p.oid::regprocedure::text from pg_catalog.pg_proc p
where p.pronamespace::regnamespace::text = any($1::text[])
  and not exists (select from unnest(p.proconfig) as setting
                  where setting like 'search\\_path=' || p.pronamespace::regnamespace || '%')
"""
LEAKPROOF = """
select p.oid::regprocedure::text from pg_catalog.pg_proc p
where p.proleakproof and p.pronamespace <> 'pg_catalog'::regnamespace
"""
THINGS = (
    "create table mine (id int)",
    "create view mine as select 1",
    "create sequence mine",
    "create type mine as (id int)",
    "create function mine() returns int language sql as 'select 1'",
)
ELSEWHERE = (
    "create temporary table mine (id int)",
    "create table public.mine (id int)",
    "create schema mine",
    "select lo_create(0)",
    "select lo_creat(-1)",
    "select lo_from_bytea(0, 'a place that no policy guards')",
    "select lo_import('PG_VERSION')",
    "select pg_read_file('PG_VERSION')",
    "copy (select 1) to program 'true'",
    "set role hamroh_owner",
    "set session authorization hamroh_owner",
    "select * from pg_catalog.pg_authid",
)


async def names(house: House, question: str) -> set[str]:
    async with house.login() as admin:
        return {row[0] for row in await admin.fetch(question, [*SERVICES])}


class TestFile:
    async def test_the_database_grants_what_the_file_says(self, house: House) -> None:
        async with house.login() as admin:
            found = await grants(admin)
        assert found.splitlines() == FILE.read_text(encoding="utf-8").splitlines(), (
            "python -m deploy.postgres.grants writes the file; is every new line meant?"
        )

    def test_only_the_roles_of_processes_are_granted_anything(self) -> None:
        assert {role for role, *_ in LINES} == set(LOGINS)

    def test_nobody_reaches_into_anothers_schema(self) -> None:
        reached = {
            (role.rpartition("_")[0], name.partition(".")[0])
            for role, kind, name, _ in LINES
            if kind != "database"
        }
        foreign = {(own, schema) for own, schema in reached if own != schema}
        assert foreign == {(service, "extensions") for service in SERVICES}
        held = {right for _, kind, name, right in LINES if name == "extensions"}
        assert held == {"usage"}

    def test_nobody_creates_hands_on_empties_or_hooks(self) -> None:
        rights = {(kind, right) for _, kind, _, right in LINES}
        rows = {"select", "insert", "update", "delete"}
        assert rights <= {
            ("database", "connect"),
            ("schema", "usage"),
            ("function", "execute"),
            *(("table", right) for right in rows),
            ("view", "select"),
            ("column", "select"),
            ("column", "update"),
        }

    def test_what_must_not_change_cannot_be_changed(self) -> None:
        written = {
            (name, right)
            for _, kind, name, right in LINES
            if kind == "table" and right in ("update", "delete")
        }
        append_only = {"benefits.transfers", "benefits.approvals", "benefits.decisions"}
        append_only |= {f"{service}.dead_letter_audit" for service in SERVICES}
        assert {name for name, _ in written} & append_only == set()

    def test_an_api_rewrites_no_row_but_names_the_columns_it_decides(self) -> None:
        rewrites = {
            name.partition(".")[2]
            for role, kind, name, right in LINES
            if role.endswith("_api") and kind == "table" and right in ("update", "delete")
        }
        assert rewrites == {"sequences"}

    def test_an_api_settles_nothing_of_the_mechanism(self) -> None:
        hidden = {"positions", "waiting", "relay", "timers", "dead_letters", "dead_letter_audit"}
        reached = {
            name.split(".")[1]
            for role, _, name, _ in LINES
            if role.endswith("_api") and "." in name
        }
        assert reached & {*hidden, "match_keys", "person_keys", "keys", "contacts"} == set()


class TestRoles:
    async def test_no_role_of_a_process_is_more_than_a_login(self, house: House) -> None:
        async with house.login() as admin:
            rows = await admin.fetch(ROLES, [*LOGINS, "hamroh_owner"])
            members = await admin.fetch(MEMBERS, [*LOGINS, "hamroh_owner"])
        may = {row["rolname"]: {name for name, yes in row.items() if yes is True} for row in rows}
        assert may.pop("hamroh_owner") - {"rolinherit"} == set()
        assert may == {login: {"rolcanlogin"} for login in LOGINS}
        assert all(row["rolconnlimit"] == 40 for row in rows if row["rolcanlogin"])
        assert members == []

    async def test_no_role_of_a_process_owns_anything(self, house: House) -> None:
        async with house.login() as admin:
            assert await admin.fetch(OWNED, [*LOGINS]) == []

    @pytest.mark.parametrize("login", LOGINS)
    async def test_and_none_can_make_a_thing_of_its_own(self, house: House, login: str) -> None:
        schema = login.rpartition("_")[0]
        async with house.login(login) as connection:
            for statement in THINGS:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement.replace("mine", f"{schema}.mine", 1))
            for statement in ELSEWHERE:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)

    @pytest.mark.parametrize("login", LOGINS)
    async def test_and_none_gets_into_another_database(self, house: House, login: str) -> None:
        for name in ("postgres", "template1"):
            url = house.instance.database_url(login, name)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(url)


class TestRows:
    async def test_row_level_security_is_forced_wherever_anybody_may_look(
        self, house: House
    ) -> None:
        # What was migrated when is no row of anybody, and no process may look at it.
        unguarded = await names(house, UNGUARDED)
        assert unguarded == {f"{service}.migrations" for service in SERVICES}
        assert not any(name in unguarded for _, _, name, _ in LINES)

    async def test_there_are_two_policies_and_no_third(self, house: House) -> None:
        async with house.login() as admin:
            found = {tuple(row) for row in await admin.fetch(POLICIES)}
        assert found == {
            (name, "PERMISSIVE", "ALL", True, True) for name in ("worker_all", "api_region")
        }

    async def test_no_view_or_function_lends_the_owners_eyes(self, house: House) -> None:
        assert await names(house, LENDING_VIEWS) == set()
        assert await names(house, LENDING_FUNCTIONS) == set()

    async def test_every_function_stands_in_its_own_schema(self, house: House) -> None:
        assert await names(house, UNPINNED) == set()

    async def test_nothing_is_called_leakproof(self, house: House) -> None:
        async with house.login() as admin:
            assert await admin.fetch(LEAKPROOF) == []
