"""A worker whose database dies, whose connections are cut, and who shares its work with another."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from contracts.codec import Event
from deploy.local.stack import Stack
from services.runtime import outbox
from services.runtime.database import OutageError, Transaction
from services.runtime.routes import Job, Outcome
from services.runtime.worker import Running, Worker
from tests.runtime.stage import TOPIC, Effects, Stage, any_of, idle, raw, until, worker

pytestmark = pytest.mark.stack

CASES = "casework.case.v1"


@pytest.mark.local
async def test_a_database_that_dies_while_facts_are_applied_loses_and_doubles_nothing(
    infrastructure: Stack, stage: Stage
) -> None:
    keys, effects = [uuid4() for _ in range(30)], Effects(decides=True)
    async with stage.running(worker(effects.on_deployed), batch_facts=15) as running:
        # when PostgreSQL is killed twice while facts keep coming
        for n in range(1, 7):
            await stage.produce([raw(key, n, i % 6) for i, key in enumerate(keys)])
            if n in {2, 4}:
                async with stage.without_database(infrastructure):
                    await until(lambda: unready(running))
        # then each fact took effect once, in order, and is told of
        await until(lambda: stage.have(keys, 6), 60)
        await until(lambda: all_sent(stage), 60)
        assert {tuple(await stage.applied(key)) for key in keys} == {tuple(range(1, 7))}
    assert await told(stage, keys) == {(str(key), n) for key in keys for n in range(1, 7)}
    assert [letter for key in keys for letter in await stage.letters(key)] == []


async def all_sent(stage: Stage) -> bool:
    return not await stage.admin.fetchval("select count(*) from casework.outbox")


async def told(stage: Stage, keys: Sequence[UUID]) -> set[tuple[str, int]]:
    """(key, sequence) of the cases opened, as they stand in the topic."""
    names = {str(key) for key in keys}
    events = await stage.events(CASES, "insights")
    return {(e.subject or "", e.sequence or 0) for e in events if e.subject in names}


async def unready(running: Running) -> bool:
    """Whether the door of the worker says that it is not ready."""
    server = await asyncio.start_server(running.answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        code, _ = await get(port, "/health/ready")
    return code == 503


async def get(port: int, path: str) -> tuple[int, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


class Line:
    """A line to PostgreSQL that is cut right after a COMMIT has left, before its reply."""

    def __init__(self, cuts: int) -> None:
        self.cuts = cuts
        self.port = 0

    @asynccontextmanager
    async def laid(self, to_port: int) -> AsyncIterator["Line"]:
        """Listens on a free port and passes everything on."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to_port)
            back = asyncio.create_task(_pass(far_reader, writer))
            while chunk := await reader.read(65536):
                if cut := self.cuts > 0 and b"COMMIT" in chunk:
                    self.cuts -= 1
                    back.cancel()
                far_writer.write(chunk)
                await far_writer.drain()
                if cut:
                    break
            await asyncio.wait([asyncio.create_task(far_reader.read())], timeout=0.05)
            back.cancel()
            writer.transport.abort()
            far_writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
    writer.close()


async def test_a_connection_cut_at_commit_neither_loses_nor_doubles(stage: Stage) -> None:
    # given a line that is cut six times after COMMIT has left, so that nobody knows its outcome
    settings = stage.settings()
    address = urlsplit(settings.database_url.get_secret_value())
    keys, effects = [uuid4() for _ in range(20)], Effects(decides=True)
    async with Line(cuts=6).laid(address.port or 0) as line:
        cut = address._replace(netloc=address.netloc.replace(str(address.port), str(line.port)))
        through = {"database_url": SecretStr(urlunsplit(cut)), "batch_facts": 10}
        async with stage.running(worker(effects.on_deployed), **through):
            for n in range(1, 6):
                await stage.produce([raw(key, n, i % 6) for i, key in enumerate(keys)])
            await until(lambda: stage.have(keys, 5), 60)
            await until(lambda: all_sent(stage), 60)
        assert line.cuts == 0
    # then each fact took effect once and is told of
    assert {tuple(await stage.applied(key)) for key in keys} == {(1, 2, 3, 4, 5)}
    assert await told(stage, keys) == {(str(key), n) for key in keys for n in range(1, 6)}
    assert [letter for key in keys for letter in await stage.letters(key)] == []


async def test_a_worker_that_dies_in_mid_batch_leaves_the_batch_to_the_next(
    stage: Stage,
) -> None:
    # given a worker that has applied two batches and dies in the third
    key, begun = uuid4(), asyncio.Event()

    async def hang(_: Transaction, events: Sequence[Event]) -> None:
        if any(event.sequence == 3 for event in events):
            begun.set()
            await asyncio.Event().wait()

    async with stage.running(worker(Effects(before=hang).on_deployed)) as running:
        for n in (1, 2):
            await stage.produce([raw(key, n)])
            await until(lambda n=n: stage.have([key], n))  # type: ignore[misc]
        await stage.produce([raw(key, 3), raw(key, 4)])
        await begun.wait()
        await asyncio.sleep(0.5)
        for task in running.intakes[0]._subscriber.tasks:
            task.cancel()
    assert await stage.applied(key) == [1, 2]
    # when another starts
    async with stage.running(worker(Effects().on_deployed)):
        await until(lambda: stage.have([key], 4))
    # then it goes on from there
    assert await stage.applied(key) == [1, 2, 3, 4]


async def test_what_a_crash_between_commit_and_send_leaves_is_swept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a worker that dies between its commit and its sending
    async def never(*_: object) -> None:
        """Nothing is sent any more."""

    keys, effects = [uuid4() for _ in range(5)], Effects(decides=True)
    with monkeypatch.context() as dying:
        dying.setattr(outbox, "send_inline", never)
        async with stage.running(worker(effects.on_deployed)) as running:
            running.tasks[0].cancel()  # and nobody sweeps
            await asyncio.gather(running.tasks[0], return_exceptions=True)
            await stage.produce([raw(key, n) for n in (1, 2) for key in keys])
            await until(lambda: stage.have(keys, 2))
    assert await told(stage, keys) == set()
    # when another starts
    async with stage.running(worker(effects.on_deployed)):
        await until(lambda: all_sent(stage))
    # then it is sent
    assert await told(stage, keys) == {(str(key), n) for key in keys for n in (1, 2)}


LEADERS = """
select count(*) from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.classid = hashtext('hamroh.leader')::oid
  and a.usename = 'casework_worker'
"""


def alone(turns: list[int], number: int) -> Worker:
    """A worker with a job that only the leader does."""

    async def claim(_: Transaction) -> int:
        return number

    async def call(work: int) -> list[int]:
        turns.append(work)
        return []

    async def record(_: Transaction, __: int, ___: object) -> list[Outcome]:
        return []

    job = Job("count", 0.05, claim, call, record)
    return replace(worker(Effects().on_deployed), jobs=lambda _, __: (job,))


async def test_of_two_workers_one_leads_and_the_other_follows_when_it_is_gone(
    stage: Stage,
) -> None:
    turns: list[int] = []
    epoch = "select epoch from casework.relay"
    async with stage.running(alone(turns, 1)) as first:
        await until(lambda: has(turns, 1))
        async with stage.running(alone(turns, 2)):
            # given one leader, although two contend
            before = await stage.admin.fetchval(epoch)
            await asyncio.sleep(1.5)
            assert set(turns) == {1}
            assert await stage.admin.fetchval(LEADERS) == 1
            # when it stops
            await first.stop()
            # then the other leads, under a new epoch
            await until(lambda: has(turns, 2))
            assert await stage.admin.fetchval(epoch) > before
            assert await stage.admin.fetchval(LEADERS) == 1


async def has(turns: Sequence[int], number: int) -> bool:
    return number in turns


async def test_a_leader_that_loses_its_connection_or_meets_a_bug_does_not_block_the_lead(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    sweep, faults = outbox.sweep, 0

    async def fail(*arguments: Any) -> bool:
        nonlocal faults
        faults += 1
        if faults in {2, 4}:
            raise RuntimeError("a bug")
        return await sweep(*arguments)

    async def met_both_bugs() -> bool:
        return faults > 4

    monkeypatch.setattr(outbox, "sweep", fail)
    async with stage.running(alone(turns, 1)):
        for _ in range(3):
            # when the leader's session is ended, and when its own work fails
            await until(lambda: leads(stage))
            await stage.admin.execute(
                "select pg_terminate_backend(l.pid, 5000) from pg_locks l"
                " where l.classid = hashtext('hamroh.leader')::oid and l.locktype = 'advisory'"
            )
        await until(met_both_bugs)
        await until(lambda: leads(stage))
        turns.clear()
        # then it leads again, once
        await until(lambda: has(turns, 1))
        assert await stage.admin.fetchval(LEADERS) == 1
    # and its lock is gone with it
    await until(lambda: leads(stage, 0))


async def leads(stage: Stage, many: int = 1) -> bool:
    return bool(await stage.admin.fetchval(LEADERS) == many)


async def test_who_lost_the_lead_neither_sends_nor_deletes(stage: Stage) -> None:
    key = uuid4()
    sent: list[str] = []

    async def send(records: Sequence[tuple[str, str, bytes | None]]) -> None:
        sent.extend(key for _, key, _ in records)

    async with stage.running(worker(Effects().on_deployed)) as running:
        await until(lambda: all_sent(stage))
        running.tasks[0].cancel()
        await asyncio.gather(running.tasks[0], return_exceptions=True)
        async with running.database.pool.acquire() as old:
            epoch = await until(lambda: outbox.lead(old))
            # given that another has led since
            await old.execute(outbox.NEXT_EPOCH)
            await old.execute(
                "insert into outbox (topic, key, event, inline) values ($1, $2, '', false)",
                TOPIC,
                str(key),
            )
            # when the old leader sweeps
            await outbox.sweep(old, send, epoch)
            assert sent == []
            # then only the new one does
            await outbox.sweep(old, send, epoch + 1)
            assert sent == [str(key)]
            await old.close()


async def test_the_door_tells_what_is_on_its_way(stage: Stage) -> None:
    # given a worker whose handler waits for a neighbour
    key, away = uuid4(), True

    async def fail(_: Transaction, __: Sequence[Event]) -> None:
        if away:
            raise OutageError("a neighbour is away")

    effects = Effects(before=fail)
    async with stage.running(worker(effects.on_deployed)) as running:
        await until(lambda: idle(running))
        server = await asyncio.start_server(running.answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert await get(port, "/health/live") == (200, {})
        await until(lambda: ready(port))
        assert (await get(port, "/elsewhere"))[0] == 404
        # when a fact comes
        await stage.produce([raw(key, 1)])
        await until(lambda: any_of(effects.batches))
        code, body = await get(port, "/status")
        # then it is told of until it took effect
        assert code == 200
        assert body["lag"][TOPIC] >= 1
        away = False
        await until(lambda: stage.have([key], 1))
        await until(lambda: idle(running))
        server.close()


async def ready(port: int) -> bool:
    return (await get(port, "/health/ready"))[0] == 200


async def test_a_part_of_a_worker_that_ends_by_itself_ends_the_worker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Running] = []
    start = Running.start

    async def remember(worker: Worker, settings: Any) -> Running:
        started.append(await start(worker, settings))
        return started[0]

    monkeypatch.setattr(Running, "start", remember)
    main = asyncio.create_task(worker(Effects().on_deployed)._main(stage.settings()))
    await until(lambda: any_of(started))
    started[0].tasks[1].cancel()
    with pytest.raises(RuntimeError):
        await main
