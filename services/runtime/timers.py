"""What one leader per service does: due timers, jobs with the outside, and everything that waits.

A timer is due at a business instant and its handler sees that instant as its business time. A job
claims in one transaction, calls outside any, and records in another: a crash between repeats the
call under the same idempotency key.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from services.runtime import inbox, outbox
from services.runtime.consumer import Consumer
from services.runtime.database import OUTAGES, Connection, Database, backoff_s
from services.runtime.inbox import Record
from services.runtime.outbox import Send, woken
from services.runtime.routes import Decided, DueTimer, Job, Outcome, TimerHandler
from services.runtime.telemetry import Telemetry

FIRST_DUE: Final = "select min(due_at) from timers where name = any($1::text[])"
DUE: Final = """
select name, subject, due_at, data from timers
where due_at = $1
  and name = (select min(name) from timers where due_at = $1 and name = any($2::text[]))
order by subject limit $3
for update
"""
FINISH: Final = """
delete from timers where name = $1 and due_at = $2 and subject = any($3::text[])
"""
SET_TIMERS: Final = """
insert into timers (name, subject, due_at, data)
select $1, subject, due_at, data::jsonb
from unnest($2::text[], $3::timestamptz[], $4::text[]) as given (subject, due_at, data)
on conflict (name, subject) do update set due_at = excluded.due_at, data = excluded.data
"""
CANCEL_TIMERS: Final = "delete from timers where name = $1 and subject = any($2::text[])"
PENDING: Final = """
select (select count(*) from outbox) as outbox, (select count(*) from waiting) as waiting,
       (select count(*) from inbound where taken_at is null) as inbound,
       (select count(*) from dead_letters where state = 'open') as dead_letters,
       (select min(due_at) from timers) as next_due_at
"""
SCHEMA: Final = "select current_schema()"
BATCH: Final = 500


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

    async def run(self) -> None:
        """Contends for the lead for ever; loses it with its connection and contends again."""
        while True:
            try:
                async with self.database.pool.acquire() as connection:
                    epoch = await outbox.lead(connection)
                    if epoch is not None:
                        await self._lead(connection, epoch)
            except* OUTAGES as errors:
                self.telemetry.fault(f"{self.service}.leader", errors.exceptions[0])
            await asyncio.sleep(1.0)

    async def _lead(self, connection: Connection, epoch: int) -> None:
        wake_outbox, wake_inbound = asyncio.Event(), asyncio.Event()
        schema = await connection.fetchval(SCHEMA)

        def notified(event: asyncio.Event) -> Callable[..., None]:
            return lambda _c, _p, _ch, payload: event.set() if payload == schema else None

        await connection.add_listener("outbox", notified(wake_outbox))
        await connection.add_listener("inbound", notified(wake_inbound))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(outbox.sweep(connection, self.send, epoch, wake_outbox))
            tasks.create_task(self._repeat("timers", 1.0, self.run_due))
            for consumer in self.consumers:
                if consumer.subscription.is_pattern:
                    take = self._take_inbound(consumer)
                    tasks.create_task(self._repeat("inbound", 1.0, take, wake_inbound))
                    wake_inbound.set()
                drain = self._drain(consumer)
                tasks.create_task(self._repeat("waiting", 2.0, drain, consumer.released))
            for job in self.jobs:
                tasks.create_task(self._repeat(job.name, job.every_s, self._job(job)))

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
        now = self.database.clock.now()
        async with self.database.pool.acquire() as connection:
            first = await connection.fetchval(FIRST_DUE, [*self.timers])
        if first is None or first > now:
            return False
        async with self.database.transaction(business_now=first) as tx:
            rows = await tx.connection.fetch(DUE, first, [*self.timers], BATCH)
            due = [_due(row) for row in rows]
            if not due:
                return False
            subjects = [timer.subject for timer in due]
            await tx.connection.execute(FINISH, due[0].name, first, subjects)
            outcomes = await self.timers[due[0].name](tx, due)
            unsent = await outbox.append(tx, self.service, decided(outcomes), inline=True)
        await outbox.send_inline(self.database, self.send, unsent)
        return True

    def _job(self, job: Job) -> Callable[[], Awaitable[bool]]:
        async def step() -> bool:
            async with self.database.transaction() as tx:
                work = await job.claim(tx)
            if work is None:
                return False
            answer = await job.call(work)
            async with self.database.transaction() as tx:
                outcomes = await job.record(tx, work, answer)
                unsent = await outbox.append(tx, self.service, decided(outcomes), inline=True)
            await outbox.send_inline(self.database, self.send, unsent)
            return bool(answer)

        return step

    def _take_inbound(self, consumer: Consumer) -> Callable[[], Awaitable[bool]]:
        async def step() -> bool:
            async with self.database.pool.acquire() as connection:
                records = await inbox.untaken(connection, BATCH)
            if records:
                await consumer.process(records)
            return bool(records)

        return step

    def _drain(self, consumer: Consumer) -> Callable[[], Awaitable[bool]]:
        async def step() -> bool:
            async with self.database.pool.acquire() as connection:
                records = await inbox.ready(connection, BATCH)
            mine = [record for record in records if takes(consumer, record)]
            if mine:
                await consumer.process(mine)
            return bool(mine)

        return step


def _due(row: asyncpg.Record) -> DueTimer:
    return DueTimer(row["name"], row["subject"], row["due_at"], json.loads(row["data"]))


def takes(consumer: Consumer, record: Record) -> bool:
    """Whether a parked record came by this consumer's subscription."""
    subscription = consumer.subscription
    if subscription.is_pattern:
        return re.match(subscription.topic, record.topic) is not None
    return record.topic == subscription.topic


def decided(outcomes: Sequence[Outcome]) -> list[Decided]:
    """The facts among the outcomes of a timer or a job: nothing else can come of them."""
    return [outcome for outcome in outcomes if isinstance(outcome, Decided)]
