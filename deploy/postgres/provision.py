"""Database, roles and schemas, and the roles' passwords: `python -m deploy.postgres.provision`.

It logs in as a superuser and may run again and again. Its settings:
`HAMROH_DATABASE_ADMIN_URL`, and `HAMROH_DATABASE_ROLES`, a JSON object of role to password.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import asyncpg

from deploy.instance import DATABASE

ROLES_FILE: Final = Path(__file__).with_name("roles.sql")
CREATE_DATABASE: Final = f"create database {DATABASE}"
FIND_DATABASE: Final = "select 1 from pg_catalog.pg_database where datname = $1"
# The server quotes: neither name nor password is ever put into SQL by us.
ALTER_ROLE: Final = "select pg_catalog.format('alter role %I password %L', $1::text, $2::text)"


def provision(url: str, passwords: Mapping[str, str]) -> None:
    """Makes what lacks on the server of this address, and gives the roles their passwords."""
    asyncio.run(_provision(url, passwords))


async def _provision(url: str, passwords: Mapping[str, str]) -> None:
    server = url.rpartition("/")[0]
    connection = await asyncpg.connect(f"{server}/postgres", ssl=False)
    try:
        if await connection.fetchval(FIND_DATABASE, DATABASE) is None:
            await connection.execute(CREATE_DATABASE)
    finally:
        await connection.close()
    connection = await asyncpg.connect(f"{server}/{DATABASE}", ssl=False)
    try:
        async with connection.transaction():
            await connection.execute(ROLES_FILE.read_text(encoding="utf-8"))
            for role, password in passwords.items():
                await connection.execute(await connection.fetchval(ALTER_ROLE, role, password))
    finally:
        await connection.close()


if __name__ == "__main__":
    provision(
        os.environ["HAMROH_DATABASE_ADMIN_URL"], json.loads(os.environ["HAMROH_DATABASE_ROLES"])
    )
