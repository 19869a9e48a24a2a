"""A registry with many people in it, written by COPY in the very form the service writes.

Everybody is drawn like the newcomers, in the same wards: their birthdays, names, homes and numbers
share matching keys as often as they would in one province of that many people.
"""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, cast

import asyncpg

from contracts.codec import Event, Undecodable, decode_claim
from contracts.envelope import Envelope
from deploy.local.stack import Stack
from services.beneficiary import handlers, store
from services.beneficiary.handlers import Newcomer
from services.runtime.database import Transaction
from services.runtime.sealing import PersonKeys
from services.runtime.settings import Settings
from tests.load.newcomers import BUSINESS_TIME, claims

CHUNK = 20_000
PROCESSES = 2
SCHEMA = "beneficiary"
TABLES = ("persons", "person_keys", "person_statuses", "match_keys")
COUNT = "select count(*) from beneficiary.persons"


async def grow(stack: Stack, people: int) -> None:
    """Fills the registry up to so many people; afterwards its tables are vacuumed and analysed."""
    url, environment = stack.plan.server.url(), stack.instance.environment(SCHEMA, "worker")
    database = await asyncpg.connect(url)
    have = await database.fetchval(COUNT)
    key, loop = environment["HAMROH_KEY_ENCRYPTION_KEY"], asyncio.get_running_loop()
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        chunks = [
            loop.run_in_executor(pool, load, url, key, f"p{start}", min(CHUNK, people - start))
            for start in range(have, people, CHUNK)
        ]
        await asyncio.gather(*chunks)
    for table in TABLES:
        await database.execute(f"vacuum (analyze) {SCHEMA}.{table}")
    await database.execute("checkpoint")
    await database.close()


def load(url: str, key: str, seed: str, count: int) -> None:
    """Writes some invented people."""
    asyncio.run(_load(url, Settings(key_encryption_key=key), seed, count))  # type: ignore[arg-type]


async def _load(url: str, settings: Settings, seed: str, count: int) -> None:
    keys = PersonKeys.from_settings(settings)
    connection = await asyncpg.connect(url)
    tx = Transaction(connection, BUSINESS_TIME, settings)
    people = claims(seed, count, newcomers=False)
    newcomers = [_newcomer(keys, decode_claim(raw)) for _, _, raw in people]
    fields = store.PersonRow.__slots__
    rows = (handlers._row(tx, one) for one in newcomers)
    written: dict[str, list[tuple[Any, ...]]] = {
        "persons": [tuple(getattr(row, name) for name in fields) for row in rows],
        "person_keys": [],
        "person_statuses": [],
        "match_keys": [],
    }
    for one in newcomers:
        parts = [keys.blind(part) for part in one.candidate.number_parts]
        opening = one.person_id, one.region, one.key.version, one.key.wrapped, parts or None
        written["person_keys"].append(opening)
        written["person_statuses"] += [
            (one.person_id, one.region, status.code, status.level, status.valid_from)
            for status in one.claim.data.statuses
        ]
        written["match_keys"] += [(keys.blind(key), one.person_id) for key in one.candidate.keys]
    async with connection.transaction():
        for table, records in written.items():
            names = fields if table == "persons" else None
            await connection.copy_records_to_table(
                table, records=records, columns=names, schema_name=SCHEMA
            )
    await connection.close()


def _newcomer(keys: PersonKeys, claim: Event | Undecodable) -> Newcomer:
    if not isinstance(claim, Envelope):
        raise TypeError("an invented claim can be read")
    form = handlers.Form.of(cast("handlers.Claim", claim))
    return handlers._newcomer(keys, form, handlers._candidate(form), ())
