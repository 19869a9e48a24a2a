"""PostgreSQL: the pool, the transaction that handlers get, and what counts as an outage."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.runtime.clock import BusinessClock, business_date
from services.runtime.settings import Settings
from services.runtime.tracing import Tally

if TYPE_CHECKING:  # generic in the stubs alone
    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool
T = TypeVar("T")


class OutageError(Exception):
    """The database or the broker is away: nothing is wrong with the data, try again later."""


class ConflictError(Exception):
    """Another process applied the same records meanwhile: look again and go on."""


OUTAGES = (
    OutageError,
    ConflictError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InsufficientPrivilegeError,
)
"""Faults that pass by themselves, a schema older than the code among them; see `is_outage`."""

MOVED_TO: Final = "select business_time from business_clock"
SESSION: Final = {
    # Who was stopped in the middle of a transaction does not hold its locks for ever.
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    # A statement's plan is kept, and may be made while its table is all but empty: whoever looks
    # up by key then would read the whole table for ever after.
    "enable_seqscan": "off",
}


def is_outage(error: BaseException) -> bool:
    """Whether a fault passes by itself; every other is about the records in hand."""
    return isinstance(error, OUTAGES)


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a handler works in: one open transaction, business time and the service's settings."""

    connection: Connection
    business_now: datetime
    settings: Settings
    tally: Tally = field(default_factory=Tally)
    """What it does, to be told after the commit."""

    @property
    def business_date(self) -> date:
        """Today's date for the law, in the national time zone."""
        return business_date(self.business_now, ZoneInfo(self.settings.time_zone))


@dataclass(frozen=True, slots=True)
class Database:
    """The pool of one process, and the clock its transactions read."""

    pool: Pool
    clock: BusinessClock
    settings: Settings

    @asynccontextmanager
    async def transaction(self, business_now: datetime | None = None) -> AsyncIterator[Transaction]:
        """One transaction; committed on leaving, rolled back on any exception."""
        async with self.pool.acquire() as connection, connection.transaction():
            now = business_now or await self.business_now(connection)
            yield Transaction(connection, now, self.settings)

    async def business_now(self, connection: Connection) -> datetime:
        """Business time; in a rehearsal as far as any process of the service has moved it."""
        if self.settings.rehearsal and (moved_to := await connection.fetchval(MOVED_TO)):
            self.clock.advance(moved_to)
        return self.clock.now()


async def connect(settings: Settings, clock: BusinessClock, size: int = 8) -> Database:
    """Opens the pool; waits up to a minute for a database that is still starting."""
    pool = await retried(lambda: _pool(settings, size), attempts=30)
    return Database(pool, clock, settings)


async def _pool(settings: Settings, size: int) -> Pool:
    return await asyncpg.create_pool(
        settings.database_url.get_secret_value(),
        min_size=1,
        max_size=size,
        command_timeout=60,
        server_settings=SESSION,
        reset=_keep_session,
    )


async def _keep_session(_: Connection) -> None:
    """A release needs no round trip: who sets anything session-wide closes the connection."""


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as columns for `unnest`; `width` empty columns if there are none."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


async def retried(attempt: Callable[[], Awaitable[T]], attempts: int) -> T:
    """Tries until it answers; back-off doubles from 0.1 s to 5 s; the last outage is raised."""
    for turn in range(attempts - 1):
        try:
            return await attempt()
        except OUTAGES:
            await asyncio.sleep(backoff_s(turn))
    return await attempt()


def backoff_s(turn: int) -> float:
    """How long to wait after the n-th failure, from 0."""
    return float(min(0.1 * 2 ** min(turn, 10), 5.0))
