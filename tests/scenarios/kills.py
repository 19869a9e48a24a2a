"""Kills a worker with -9 inside a transaction that has written, and proves that it did.

The tables of the guard are locked by the killer: a batch is applied, its effects stand uncommitted
in the database, and the guard's own row, which a batch writes after them, waits for the lock. There
the worker dies. Its transaction must then be told as aborted by PostgreSQL itself.
"""

import asyncio
import signal
from dataclasses import dataclass
from typing import Final

import asyncpg

from deploy.local.stack import Stack

LOCK: Final = {
    service: f"lock table {service}.inbox, {service}.positions in share row exclusive mode"
    for service in (
        "beneficiary", "benefits", "casework", "workforce", "notifications", "insights",
    )
}  # fmt: skip
BLOCKED: Final = """
select a.pid, a.backend_xid::text as transaction,
       (select array_agg(distinct c.relname::text order by c.relname::text)
        from pg_locks l join pg_class c on c.oid = l.relation
        where l.pid = a.pid and l.mode = 'RowExclusiveLock' and l.granted and c.relkind = 'r')
       as written
from pg_stat_activity a
where a.usename = $1 and a.backend_xid is not null and $2 = any(pg_blocking_pids(a.pid))
"""
FATE: Final = "select pg_xact_status($1::text::xid8)"
PATIENCE_S: Final = 120.0
LOOK_EVERY_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Kill:
    """A worker that died in mid-batch."""

    service: str
    written: tuple[str, ...]
    """The tables in which its transaction had changed rows."""
    fate: str
    """What PostgreSQL says of that transaction."""


async def kill_in_mid_batch(stack: Stack, service: str, ready: asyncio.Event) -> Kill:
    """Waits for a batch, kills its worker before the commit, and awaits the successor.

    `ready` is set when no batch can be committed any more.
    """
    url, name = stack.instance.database_url(), f"{service}-worker"
    killer, watcher = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            transaction = killer.transaction()
            await transaction.start()
            await killer.execute(LOCK[service])
            pid = killer.get_server_pid()
            ready.set()
            while not (hit := await watcher.fetchrow(BLOCKED, f"{service}_worker", pid)):
                await asyncio.sleep(LOOK_EVERY_S)
            stack.kill(name, signal.SIGKILL)
            await transaction.rollback()
            while (fate := await watcher.fetchval(FATE, hit["transaction"])) == "in progress":
                await asyncio.sleep(LOOK_EVERY_S)
            await asyncio.to_thread(stack.await_ready, name)
            return Kill(service, tuple(hit["written"] or ()), fate)
    finally:
        await killer.close()
        await watcher.close()
