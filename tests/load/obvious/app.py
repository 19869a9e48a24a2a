"""What the three services of the obvious pipe have in common: broker, pool, guards, publishing."""

import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from faststream import FastStream
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512

from services.runtime.database import Connection, Pool
from tests.load.alike import Kind
from tests.load.obvious.events import Announced, Claim, Fact

CLAIMED = """
insert into inbox (source, id, digest, region, outcome, person_id, answered_at)
values ($1, $2, $3, $4, 'accepted', $5, now()) on conflict do nothing returning id
"""
MOVED = """
insert into positions as p (topic, key, sequence) values ($1, $2, $3)
on conflict (topic, key) do update set sequence = excluded.sequence
where p.sequence < excluded.sequence returning sequence
"""
NUMBERED = """
insert into sequences (topic, key, last) values ($1, $2, $3)
on conflict (topic, key) do update set last = excluded.last
"""

service, prefix = sys.argv[1:]
broker = KafkaBroker(
    os.environ["HAMROH_KAFKA_BOOTSTRAP"],
    security=SASLScram512(os.environ["HAMROH_KAFKA_USERNAME"], os.environ["HAMROH_KAFKA_PASSWORD"]),
    acks="all",
    enable_idempotence=True,
    log_level=logging.DEBUG,  # no line per message
)
app = FastStream(broker)


Handlers = Mapping[str, Callable[[Any], Awaitable[None]]]
"""Topic → what is done with a record of it."""


class Database:
    pool: Pool


database = Database()


@app.on_startup
async def connect() -> None:
    database.pool = await asyncpg.create_pool(os.environ["HAMROH_DATABASE_URL"], max_size=24)


@asynccontextmanager
async def transaction() -> AsyncIterator[Connection]:
    async with database.pool.acquire() as connection, connection.transaction():
        yield connection


async def is_new(connection: Connection, claim: Claim, digest: str, person_id: str) -> bool:
    """Notes a claim; False if it came before."""
    names = claim.source, claim.id, digest, claim.regioncode, person_id
    return await connection.fetchval(CLAIMED, *names) is not None


async def is_next(connection: Connection, topic: str, fact: Fact[Any]) -> bool:
    """Moves a key's position; False if it has been there before."""
    return await connection.fetchval(MOVED, topic, fact.subject, fact.sequence) is not None


async def number(connection: Connection, facts: Announced) -> None:
    """Notes the last sequence of each key."""
    last = {(kind.topic, fact.subject): fact.sequence for kind, fact in facts}
    rows = [(*place, sequence) for place, sequence in last.items()]
    await connection.executemany(NUMBERED, rows)


async def publish(facts: list[tuple[Kind, Fact[Any]]]) -> None:
    """One after the other, each waited for."""
    for kind, fact in facts:
        await broker.publish(fact, prefix + kind.topic, key=fact.subject.encode())
