"""Migrations: numbered `.sql` files, forward only, each in one transaction, per service schema.

First `services/runtime/sql/NNNN_*.sql`, then `services/<service>/migrations/NNNN_*.sql`. Names in
them are unqualified: the runner stands in the service's schema, as `hamroh_owner`. What was applied
is kept in `<schema>.migrations` with a checksum; a file that changed, went away or came in between
is refused. Two runners wait for each other, a blocked one gives up instead of blocking the service.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from contracts.catalogue import SERVICES
from services.runtime.database import Connection
from services.runtime.settings import Settings

ROOT: Final = Path(__file__).parent.parent
FILE_NAME: Final = re.compile(r"[0-9]{4}_[a-z0-9_]+\.sql")

ENTER: Final = """
select set_config('role', 'hamroh_owner', false),
       set_config('search_path', quote_ident($1) || ', extensions', false)
"""
LIMITS: Final = {
    "lock_timeout": "10s",
    "statement_timeout": "10min",
    "idle_in_transaction_session_timeout": "60s",
}
"""A migration that cannot get its lock fails, instead of queueing everybody behind itself."""
LOCK: Final = "select pg_advisory_lock(hashtext('hamroh.migrate'), hashtext(current_schema()))"
CREATE_TABLE: Final = """
create table if not exists migrations (
    family text not null,
    file text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (family, file)
)
"""
APPLIED: Final = "select family, file, checksum from migrations"
HAS_TABLE: Final = "select to_regclass('migrations') is not null"
RECORD: Final = "insert into migrations (family, file, checksum) values ($1, $2, $3)"


class MigrationError(Exception):
    """The files do not continue what was applied; the message names the file and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Migration:
    """One file. `family` is `runtime` or the service: each is numbered by itself."""

    family: str
    file: str
    sql: str

    @property
    def name(self) -> tuple[str, str]:
        """What it is known by: (family, file)."""
        return self.family, self.file

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(service: str, root: Path = ROOT) -> list[Migration]:
    """The files of the mechanism, then the service's, in order; a `MigrationError` if misnamed."""
    folders = (("runtime", root / "runtime" / "sql"), (service, root / service / "migrations"))
    found = [
        Migration(family, path.name, path.read_text(encoding="utf-8"))
        for family, folder in folders
        for path in sorted(folder.glob("*.sql"))
    ]
    numbers = [(migration.family, migration.file[:4]) for migration in found]
    for migration, number in zip(found, numbers, strict=True):
        if not FILE_NAME.fullmatch(migration.file) or numbers.count(number) > 1:
            raise MigrationError(f"{migration.file}: a name is NNNN_words.sql, each number once")
    return found


def pending(files: Sequence[Migration], applied: Mapping[tuple[str, str], str]) -> list[Migration]:
    """What is to apply; a `MigrationError` if the files do not continue what was applied."""
    known = {migration.name for migration in files}
    for family, file in applied.keys() - known:
        raise MigrationError(f"{family}/{file} was applied and is gone: put it back")
    last = {family: max(f for g, f in applied if g == family) for family, _ in applied}
    due = []
    for migration in files:
        label = "/".join(migration.name)
        if migration.name not in applied:
            if migration.file < last.get(migration.family, ""):
                raise MigrationError(f"{label} comes before what was applied: give it a new number")
            due.append(migration)
        elif applied[migration.name] != migration.checksum:
            raise MigrationError(f"{label} changed after it was applied: undo it, add a new file")
    return due


async def migrate(
    connection: Connection, schema: str, files: Sequence[Migration], *, dry_run: bool = False
) -> list[str]:
    """Applies what is pending and returns its names, `family/file`; `dry_run` only names it."""
    await connection.fetch(ENTER, schema)
    if not dry_run:
        await connection.execute(LOCK)
        await connection.execute(CREATE_TABLE)
    rows = await connection.fetch(APPLIED) if await connection.fetchval(HAS_TABLE) else []
    due = pending(files, {(row["family"], row["file"]): row["checksum"] for row in rows})
    for migration in due if not dry_run else ():
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(RECORD, *migration.name, migration.checksum)
    return ["/".join(migration.name) for migration in due]


async def _migrate_service(url: str, service: str, *, dry_run: bool) -> list[str]:
    connection = await asyncpg.connect(url, timeout=30, server_settings=LIMITS)
    try:
        return await migrate(connection, service, migrations_of(service), dry_run=dry_run)
    finally:
        await connection.close()


def migrate_all(
    settings: Settings, services: Sequence[str] = SERVICES, *, dry_run: bool = False
) -> dict[str, list[str]]:
    """Brings every service's schema up to date; service → what was (or would be) applied."""
    settings.require("database_admin_url")
    url = settings.database_admin_url.get_secret_value() if settings.database_admin_url else ""

    async def one_by_one() -> dict[str, list[str]]:
        return {name: await _migrate_service(url, name, dry_run=dry_run) for name in services}

    return asyncio.run(one_by_one())
