"""Real Kafka and real PostgreSQL, brought up and down: what they promise to everything above."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from deploy.instance import DATABASE_ADMIN, KAFKA_ADMIN, KAFKA_SECURITY
from deploy.local import kafka, processes
from deploy.local.faults import LocalStackError
from deploy.local.stack import Stack
from deploy.local.state import Options

pytestmark = pytest.mark.slow
UNANSWERED = (LocalStackError, KafkaException, TimeoutError)
PARTS = Options(only=("infrastructure",))
PATIENCE_S = 60


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A fresh instance; at its end nothing of it may be left."""
    stack = Stack(tmp_path_factory.mktemp("infrastructure"))
    stack.up(PARTS)
    data = stack.plan.server.data
    yield stack
    running = stack.running
    assert running is not None
    family = [
        member
        for child in running.children.values()
        if child.process
        for member in processes._group(child.process)
    ]
    assert len(family) > 5
    stack.down()
    assert not any(map(processes.is_alive, family))
    stack.reset()
    assert not stack.folder.path.exists()
    assert not data.exists()


async def connect(stack: Stack, login: str | None = None) -> "asyncpg.Connection[asyncpg.Record]":
    server = stack.plan.server
    password = stack.state.secrets.database_roles[login] if login else None
    address = server.url(login, password) if login else server.url()
    return await asyncpg.connect(address, ssl=False)


async def refused(stack: Stack, login: str, statement: str) -> bool:
    connection = await connect(stack, login)
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await connection.close()
    return False


async def test_postgres_is_what_the_services_count_on(stack: Stack) -> None:
    connection = await connect(stack)
    told = {
        name: await connection.fetchval(f"show {name}")
        for name in ("wal_level", "fsync", "jit", "server_version_num", "server_encoding")
    }
    # With the plain C locale this is 0.0.
    similarity = await connection.fetchval(
        "select extensions.similarity('Олександра Шевченко', 'Александра Шевченко')"
    )
    await connection.close()

    assert int(told.pop("server_version_num")) >= 180_000
    assert told == {"wal_level": "logical", "fsync": "on", "jit": "off", "server_encoding": "UTF8"}
    assert similarity > 0.6


async def test_a_service_stands_in_its_own_schema_and_may_do_nothing_by_itself(
    stack: Stack,
) -> None:
    connection = await connect(stack, "casework_api")
    path = await connection.fetchval("show search_path")
    role = await connection.fetchrow(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles"
        " where rolname = current_user"
    )
    await connection.close()

    assert path == "casework, extensions"
    assert not any(role or [True])
    for statement in (
        "create table casework.notes (id int)",
        "create table public.notes (id int)",
        "create schema mine",
        "create temporary table notes (id int)",
        "set role hamroh_owner",
    ):
        assert await refused(stack, "casework_api", statement), statement


async def test_a_service_cannot_look_into_anothers_schema(stack: Stack) -> None:
    admin = await connect(stack)
    await admin.execute("create table benefits.probe as select 1 as id")
    try:
        assert await refused(stack, "casework_worker", "select id from benefits.probe")
    finally:
        await admin.execute("drop table benefits.probe")
        await admin.close()


async def test_without_the_password_nobody_gets_into_the_database(stack: Stack) -> None:
    server = stack.plan.server

    for login in ("casework_api", "hamroh_owner", DATABASE_ADMIN):
        with pytest.raises(
            (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)
        ):
            await asyncpg.connect(server.url(login, "guessed"), ssl=False)


def test_everything_listens_on_the_loopback_alone(stack: Stack) -> None:
    running = stack.running
    assert running is not None

    listening = {
        connection.laddr.ip
        for child in running.children.values()
        if child.process
        for connection in psutil.Process(child.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def client(stack: Stack, user: str, password: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": stack.plan.cluster.bootstrap("client"),
        "security.protocol": KAFKA_SECURITY,
        "sasl.mechanism": kafka.MECHANISM,
        "sasl.username": user,
        "sasl.password": password,
        "log_level": 0,
    }


def test_a_user_that_kafka_does_not_know_is_not_let_in(stack: Stack) -> None:
    admin = AdminClient(client(stack, "casework", stack.state.secrets.kafka_users["casework"]))

    with pytest.raises(KafkaException):
        admin.list_topics(timeout=2)


def test_the_administrator_is_let_in_and_sees_no_topic_made_by_itself(stack: Stack) -> None:
    connection = client(stack, KAFKA_ADMIN, stack.state.secrets.kafka_admin)
    producer = Producer(connection)
    faults: list[object] = []

    producer.produce("not-there", b"x", on_delivery=lambda fault, _message: faults.append(fault))
    producer.flush(5)

    topics = set(AdminClient(connection).list_topics(timeout=PATIENCE_S).topics)
    assert topics == {kafka.PROBE_TOPIC, "__consumer_offsets"}
    assert (
        not Consumer({**connection, "group.id": "x"})
        .list_topics("not-there")
        .topics["not-there"]
        .partitions
    )


@pytest.mark.parametrize("name", ["postgres", "kafka-1"])
def test_what_falls_comes_back_with_its_data(stack: Stack, name: str) -> None:
    async def remember() -> None:
        connection = await connect(stack)
        await connection.execute("create table if not exists public.kept (id int)")
        await connection.close()

    asyncio.run(remember())
    running = stack.running
    assert running is not None
    before = running.children[name].process
    assert before is not None

    stack.kill(name, signal.SIGKILL)
    assert processes.wait_gone([before], PATIENCE_S)
    stack.await_ready(name)

    async def recall() -> object:
        connection = await connect(stack)
        found = await connection.fetchval("select to_regclass('public.kept')::text")
        await connection.close()
        return found

    assert asyncio.run(recall()) == "kept"
    assert kafka.PROBE_TOPIC in stack_topics(stack)


def stack_topics(stack: Stack) -> set[str]:
    connection = client(stack, KAFKA_ADMIN, stack.state.secrets.kafka_admin)
    return set(AdminClient(connection).list_topics(timeout=PATIENCE_S).topics)


def test_a_port_taken_between_down_and_up_is_given_up(stack: Stack) -> None:
    before = stack.state.ports
    stack.down()
    with socket.socket() as intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        intruder.bind(("127.0.0.1", before["postgres"]))
        intruder.listen()

        stack.up(PARTS)

    after = stack.state.ports
    assert after["postgres"] != before["postgres"]
    assert {name for name in after if after[name] != before[name]} == {"postgres"}


@pytest.mark.parametrize(
    ("client", "call"),
    [(Consumer, "poll"), (Consumer, "close"), (AdminClient, "alter_consumer_group_offsets")],
)
def test_a_probe_ends_when_the_broker_falls_silent_in_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, client: type[Any], call: str
) -> None:
    # given a broker that from this call on says no more
    await_answer(stack)
    silenced, said = threading.Event(), getattr(client, call)

    def silence(itself: Any, *arguments: Any, **named: Any) -> Any:
        silenced.set()
        stack.kill("kafka-1", signal.SIGSTOP)
        return said(itself, *arguments, **named)

    if client is Consumer:  # a class of C, whose methods stay as they are
        silencing = type("Consumer", (Consumer,), {call: silence})
        monkeypatch.setattr("confluent_kafka.Consumer", silencing)
    else:
        monkeypatch.setattr(client, call, silence)
    probe = threading.Thread(target=probe_once, args=(stack,), daemon=True)
    try:
        # when it is probed
        probe.start()
        probe.join(PATIENCE_S)
        # then the probe gives up, and its keeper can look at the process again
        assert silenced.is_set()
        assert not probe.is_alive()
    finally:
        stack.kill("kafka-1", signal.SIGCONT)


def await_answer(stack: Stack) -> None:
    """Waits for a broker that was silent before, and has yet to find itself again."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            stack.plan.cluster.probe(1)
        except UNANSWERED:
            assert time.monotonic() < deadline
        else:
            return


def probe_once(stack: Stack) -> None:
    with suppress(*UNANSWERED):
        stack.plan.cluster.probe(1)
