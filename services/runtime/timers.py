"""What one leader per service does: due timers, jobs with the outside, and everything that waits.

A timer is due at a business instant and its handler sees that instant as its business time. A job
claims in one transaction, calls outside any, and records in another: a crash between repeats the
call under the same idempotency key.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

import asyncpg

from services.runtime import inbox, outbox
from services.runtime.consumer import Consumer
from services.runtime.database import (
    Connection,
    Database,
    OutageError,
    Transaction,
    backoff_s,
    is_outage,
)
from services.runtime.outbox import Send, Unsent, woken
from services.runtime.routes import Decided, DueTimer, Job, Outcome, TimerHandler
from services.runtime.telemetry import Telemetry

FIRST_DUE: Final = "select min(due_at) from timers where name = any($1::text[]) and failure is null"
DUE: Final = """
select name, subject, due_at, data from timers
where due_at = $1 and failure is null
  and name = (select min(name) from timers
              where due_at = $1 and name = any($2::text[]) and failure is null)
order by subject limit $3
for update
"""
FAIL: Final = """
update timers set failure = $4, attempts = attempts + 1
where name = $1 and due_at = $2 and subject = $3
"""
TRY_AGAIN: Final = "update timers set failure = null where failure is not null"
FINISH: Final = """
delete from timers where name = $1 and due_at = $2 and subject = any($3::text[])
"""
SET_TIMERS: Final = """
insert into timers (name, subject, due_at, data)
select $1, subject, due_at, data::jsonb
from unnest($2::text[], $3::timestamptz[], $4::text[]) as given (subject, due_at, data)
on conflict (name, subject) do update
set due_at = excluded.due_at, data = excluded.data, attempts = 0, failure = null
"""
CANCEL_TIMERS: Final = "delete from timers where name = $1 and subject = any($2::text[])"
PENDING: Final = """
select (select count(*) from outbox) as outbox,
       (select coalesce(extract(epoch from now() - min(created_at)), 0) from outbox)::float
           as outbox_age_s,
       (select count(*) from waiting) as waiting,
       (select count(*) from inbound where taken_at is null) as inbound,
       (select count(*) from dead_letters where state = 'open') as dead_letters,
       (select count(*) from timers where failure is not null) as failed_timers,
       (select min(due_at) from timers where name = any($1::text[]) and failure is null)
           as next_due_at,
       (select max(sequence) from positions where topic = 'platform.clock.v1') as clock_sequence
"""
SCHEMA: Final = "select current_schema()"
BATCH: Final = 500
CONTEND_EVERY_S: Final = 1.0
GAUGES: Final = {
    "outbox.rows": "outbox",
    "outbox_age.seconds": "outbox_age_s",
    "waiting.records": "waiting",
    "dead_letter.records": "dead_letters",
    "timer_lateness.seconds": "late_s",
}
"""Metric → what `pending` calls it."""


async def set_timers(
    connection: Connection, name: str, due: Sequence[tuple[str, datetime, dict[str, Any]]]
) -> None:
    """Sets timers (subject, due at, data) of a name; a subject with one gets the new instant."""
    await connection.execute(
        SET_TIMERS,
        name,
        [subject for subject, _, _ in due],
        [at for _, at, _ in due],
        [json.dumps(data) for _, _, data in due],
    )


async def cancel_timers(connection: Connection, name: str, subjects: Sequence[str]) -> None:
    """Takes timers back."""
    await connection.execute(CANCEL_TIMERS, name, subjects)


@dataclass(slots=True)
class Leader:
    """The work of a service's leading worker."""

    service: str
    database: Database
    send: Send
    telemetry: Telemetry
    consumers: Sequence[Consumer]
    timers: Mapping[str, TimerHandler]
    jobs: Sequence[Job]
    released: asyncio.Event
    """Set by the consumers when parked records may have become ready."""
    leading: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while this process leads; the consumers look at it."""
    led_at: float = field(default_factory=time.monotonic)
    """When it was last known that somebody leads and, if it is this process, sweeps."""

    async def run(self) -> None:
        """Contends for the lead for ever; loses it with its connection and contends again."""
        while True:
            for metric in ("lead.workers", *GAUGES):
                self.telemetry.record(metric, 0)  # what it told while it led is over
            try:
                await self._contend()
            except* Exception as errors:  # noqa: BLE001 - nobody would start it again
                self.telemetry.fault(f"{self.service}.leader", _innermost(errors))
            await asyncio.sleep(CONTEND_EVERY_S)

    async def _contend(self) -> None:
        async with self.database.pool.acquire() as connection:
            try:
                epoch = await outbox.lead(connection)
                self.led_at = time.monotonic()
                if epoch is not None:
                    self.leading.set()
                    await self._lead(connection, epoch)
            except BaseException:
                self.leading.clear()
                # The lock and the listening are the session's: they end with it alone.
                with suppress(Exception):
                    await connection.close(timeout=5)
                raise

    async def _lead(self, connection: Connection, epoch: int) -> None:
        wake_outbox, wake_inbound = asyncio.Event(), asyncio.Event()
        schema = await connection.fetchval(SCHEMA)

        def notified(event: asyncio.Event) -> Callable[..., None]:
            return lambda _c, _p, _ch, payload: event.set() if payload == schema else None

        await connection.add_listener("outbox", notified(wake_outbox))
        await connection.add_listener("inbound", notified(wake_inbound))
        await connection.execute(TRY_AGAIN)
        due_every_s = 0.1 if self.database.settings.rehearsal else 1.0
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sweep(connection, epoch, wake_outbox))
            tasks.create_task(self._repeat("timers", due_every_s, self.run_due))
            tasks.create_task(self._repeat("waiting", 2.0, self._drain, self.released))
            tasks.create_task(self._repeat("pending", 10.0, self._measure))
            for consumer in self.consumers:
                if consumer.subscription.is_pattern:
                    take = partial(self._take_inbound, consumer)
                    tasks.create_task(self._repeat("inbound", 1.0, take, wake_inbound))
            for job in self.jobs:
                tasks.create_task(self._repeat(job.name, job.every_s, partial(self._do, job)))

    async def _sweep(self, connection: Connection, epoch: int, wake: asyncio.Event) -> None:
        """Sends what nobody sent. A broker that is away costs no lead, the connection does."""
        failures = 0
        while True:
            wake.clear()
            try:
                more = await outbox.sweep(connection, self.send, epoch)
                failures = 0
            except OutageError as error:
                self.telemetry.fault(f"{self.service}.outbox", error)
                more, failures = False, failures + 1
            self.led_at = time.monotonic()
            if not more:
                await woken(wake, max(1.0, backoff_s(failures)))

    async def _repeat(
        self,
        name: str,
        every_s: float,
        step: Callable[[], Awaitable[bool]],
        wake: asyncio.Event | None = None,
    ) -> None:
        """Runs a step again at once while it finds work, else when woken or after a while."""
        failures, wake = 0, wake or asyncio.Event()
        while True:
            wake.clear()
            try:
                found = await step()
                failures = 0
            except Exception as error:  # noqa: BLE001 - one job's fault must not stop the others
                self.telemetry.fault(f"{self.service}.{name}", error)
                found, failures = False, failures + 1
            if not found:
                await woken(wake, max(every_s, backoff_s(failures) if failures else 0.0))

    async def run_due(self) -> bool:
        """Runs the timers of the earliest due instant, at that instant; False if none is due."""
        async with self.database.pool.acquire() as connection:
            now = await self.database.business_now(connection)
            first = await connection.fetchval(FIRST_DUE, [*self.timers])
        if first is None or first > now:
            return False
        try:
            await self._fire(first, BATCH)
        except Exception as error:
            if is_outage(error):
                raise
            self.telemetry.fault(f"{self.service}.timers", error)
            await self._fire_one(first)
        return True

    async def _fire(self, at: datetime, most: int) -> None:
        async with self.database.transaction(business_now=at) as tx:
            rows = await tx.connection.fetch(DUE, at, [*self.timers], most)
            due = [_due(row) for row in rows]
            if not due:
                return
            await tx.connection.execute(FINISH, due[0].name, at, [t.subject for t in due])
            outcomes = await self.timers[due[0].name](tx, due)
            unsent = await self._append(tx, outcomes)
        self.telemetry.told(tx.tally, f"timer {due[0].name}")
        await outbox.send_inline(self.database, self.send, unsent)

    async def _fire_one(self, at: datetime) -> None:
        """Runs one timer of a batch that failed; the one at fault waits for the next leader."""
        try:
            await self._fire(at, 1)
        except Exception as error:
            if is_outage(error):
                raise
            async with self.database.transaction() as tx:
                for row in await tx.connection.fetch(DUE, at, [*self.timers], 1):
                    failed = row["name"], at, row["subject"], type(error).__name__
                    await tx.connection.execute(FAIL, *failed)

    async def _do(self, job: Job) -> bool:
        async with self.database.transaction() as tx:
            work = await job.claim(tx)
        if work is None:
            return False
        answer = await job.call(work)
        async with self.database.transaction() as tx:
            outcomes = await job.record(tx, work, answer)
            unsent = await self._append(tx, outcomes)
        self.telemetry.told(tx.tally, f"job {job.name}")
        await outbox.send_inline(self.database, self.send, unsent)
        return bool(answer)

    async def _append(self, tx: Transaction, outcomes: Sequence[Outcome]) -> Unsent:
        return await outbox.append(tx, self.service, decided(outcomes), inline=True, leads=True)

    async def _take_inbound(self, consumer: Consumer) -> bool:
        async with self.database.pool.acquire() as connection:
            records = await inbox.untaken(connection, BATCH, consumer.subscription.pattern)
        if records:
            await consumer.process(records)
        return bool(records)

    async def _drain(self) -> bool:
        patterns = [consumer.subscription.pattern for consumer in self.consumers]
        async with self.database.pool.acquire() as connection:
            records = await inbox.ready(connection, BATCH, patterns)
        for consumer, pattern in zip(self.consumers, patterns, strict=True):
            if mine := [record for record in records if re.search(pattern, record.topic)]:
                await consumer.process(mine)
        return bool(records)

    async def _measure(self) -> bool:
        pending = await self.pending()
        now = self.database.clock.now()
        late = now - (pending["next_due_at"] or now)
        pending["late_s"] = max(0.0, late.total_seconds())
        for metric, name in GAUGES.items():
            self.telemetry.record(metric, pending[name])
        self.telemetry.record("lead.workers", 1)
        return False

    async def pending(self) -> dict[str, Any]:
        """What the service has still to send, to take, to settle, and when a timer is due next."""
        return dict(await self.database.pool.fetchrow(PENDING, [*self.timers]) or {})


def _due(row: asyncpg.Record) -> DueTimer:
    return DueTimer(row["name"], row["subject"], row["due_at"], json.loads(row["data"]))


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def decided(outcomes: Sequence[Outcome]) -> list[Decided]:
    """The outcomes of a timer or a job, which can only be facts; a `TypeError` for any other."""
    facts = [outcome for outcome in outcomes if isinstance(outcome, Decided)]
    if len(facts) != len(outcomes):
        raise TypeError("a timer or a job decides facts and nothing else")
    return facts
