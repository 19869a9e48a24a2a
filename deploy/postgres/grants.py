"""What every role may do in the database, one right a line: `python -m deploy.postgres.grants`.

`grants.txt` is written from a database that was just migrated, and a test compares every database
with it: a right that nobody meant to give shows as a line in a review. Rights of an owner over
what it owns are left out, functions of extensions too (they hold no row, and their schema is closed
to everybody else).
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

import asyncpg

from deploy.local.stack import Stack
from deploy.local.state import Options
from services.runtime.database import Connection

FILE: Final = Path(__file__).with_name("grants.txt")
GRANTS: Final = """
with ours as (
    select oid, nspname as schema, nspowner as owner, nspacl as acl from pg_catalog.pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
), things (kind, name, owner, acl) as (
    select 'database', 'this', datdba, coalesce(datacl, acldefault('d', datdba))
    from pg_catalog.pg_database where datname = current_database()
    union all
    select 'schema', schema, owner, coalesce(acl, acldefault('n', owner)) from ours
    union all
    select case relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end,
           schema || '.' || relname, relowner,
           coalesce(relacl, acldefault((case relkind when 'S' then 's' else 'r' end)::"char",
                                       relowner))
    from pg_catalog.pg_class join ours on ours.oid = relnamespace
    where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select 'column', schema || '.' || relname || '.' || attname, relowner, attacl
    from pg_catalog.pg_attribute
    join pg_catalog.pg_class c on c.oid = attrelid
    join ours on ours.oid = relnamespace
    where not attisdropped
    union all
    select 'function',
           schema || '.' || proname || '(' || replace(oidvectortypes(proargtypes), ' ', '') || ')',
           proowner, coalesce(proacl, acldefault('f', proowner))
    from pg_catalog.pg_proc p join ours on ours.oid = pronamespace
    where not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                        and d.deptype = 'e')
    union all
    select 'default', coalesce(schema || '.', '') || case defaclobjtype when 'f' then 'functions'
           when 'r' then 'tables' when 'S' then 'sequences' when 'T' then 'types'
           when 'n' then 'schemas' else 'large objects' end,
           defaclrole, defaclacl
    from pg_catalog.pg_default_acl left join ours on ours.oid = defaclnamespace
)
select case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end as grantee,
       kind, name, lower(a.privilege_type) || case when a.is_grantable then '*' else '' end as right
from things cross join lateral aclexplode(acl) as a
where a.grantee <> owner
"""


async def grants(connection: Connection) -> str:
    """Every right in a database as sorted lines: role, kind of thing, its name, right."""
    rows = await connection.fetch(GRANTS)
    return "".join(f"{line}\n" for line in sorted(" ".join(row) for row in rows))


async def _read(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return await grants(connection)
    finally:
        await connection.close()


def main() -> None:
    """Writes the file from a database made for it alone."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        stack.up(Options(only=("migrate",)))
        try:
            text = asyncio.run(_read(stack.instance.database_url()))
        finally:
            stack.down()
            stack.reset()
    changed = not FILE.exists() or FILE.read_text(encoding="utf-8") != text
    FILE.write_text(text, encoding="utf-8")
    sys.stdout.write("grants.txt was written\n" if changed else "grants.txt is as it should be\n")


if __name__ == "__main__":
    main()
