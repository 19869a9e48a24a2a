"""The demonstration: the main job from nothing, and totals that tell a missing row."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.demo.people import people
from deploy.demo.people.records import Row, write_csv
from deploy.instance import KAFKA_ADMIN, KAFKA_SECURITY
from deploy.local.plan import ROOT
from deploy.local.stack import Stack

PEOPLE = 400


def demo(command: str, directory: Path, listed: Path) -> "subprocess.CompletedProcess[str]":
    """Runs a command of the demonstration as somebody at a terminal would."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "deploy.demo", command),
            *("--directory", str(directory), "--people", str(listed)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small list of people."""
    path = tmp_path_factory.mktemp("list") / "people.csv"
    write_csv(path, Row, people(7, PEOPLE))
    return path


@pytest.fixture(scope="module")
def played(listed: Path) -> Iterator[tuple[Stack, str]]:
    """A platform on which the main job was played, and what was printed."""
    stack = Stack(ROOT / ".local" / "demo-test")
    try:
        done = demo("run", stack.folder.path, listed)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        yield stack, done.stdout
    finally:
        stack.down()


def figures(printed: str) -> dict[str, str]:
    """The last line, for machines."""
    words = printed.strip().splitlines()[-1].split()
    assert words[0] == "demo"
    return dict(word.split("=", 1) for word in words[1:])


def test_every_row_of_the_list_comes_to_its_end(played: tuple[Stack, str]) -> None:
    _, printed = played
    found = {name: value for name, value in figures(printed).items() if value.isdigit()}
    count = {name: int(value) for name, value in found.items()}
    assert figures(printed)["totals"] == "equal"
    assert count["claims"] == PEOPLE == count["registered"] + count["rejected"]
    assert count["rejected"] > 0
    assert count["suspected"] > 0
    assert count["entitled"] == count["messages"] == count["paid"] + count["returned"] > 0
    assert count["cases"] == count["returned"]


@asynccontextmanager
async def without_row(stack: Stack, table: str, where: str) -> AsyncIterator[None]:
    """One row of a table is gone, and afterwards there again."""
    admin = await asyncpg.connect(stack.instance.database_url())
    await admin.execute("set session_replication_role = replica")
    await admin.execute(f"create temp table kept as select * from {table} where {where} limit 1")
    one = f"select ctid from {table} where {where} limit 1"
    taken = await admin.execute(f"delete from {table} where ctid = ({one})")
    assert taken == "DELETE 1"
    try:
        yield
    finally:
        await admin.execute(f"insert into {table} overriding system value select * from kept")
        await admin.close()


ROWS = {
    "registry": ("beneficiary.persons", "true"),
    "inbox": ("beneficiary.inbox", "outcome = 'accepted'"),
    "pairs": ("beneficiary.pairs", "true"),
    "entitlements": ("benefits.entitlements", "phase = 'running'"),
    "journal": ("benefits.transfers", "posting = 'settled'"),
    "outgoing": ("notifications.messages", "state <> 'queued'"),
    "cube": ("insights.cube", "measure = 'paid' and count > 0"),
}


@pytest.mark.parametrize("source", ROWS)
async def test_one_row_less_in_any_table_is_told(
    source: str, played: tuple[Stack, str], listed: Path
) -> None:
    # given a platform whose totals agree, and one row that somebody takes away
    stack, _ = played
    async with without_row(stack, *ROWS[source]):
        # when the totals are asked for again
        done = await asyncio.to_thread(demo, "totals", stack.folder.path, listed)

    # then the command fails and says that they differ
    assert done.returncode == 1, done.stdout
    assert figures(done.stdout)["totals"] == "DIFFERENT"


@pytest.mark.parametrize(("party", "table"), [("bank", "entries"), ("sms", "messages")])
def test_one_row_less_in_the_books_of_others_is_told(
    party: str, table: str, played: tuple[Stack, str], listed: Path
) -> None:
    # given the books of a party outside, and their last row gone
    stack, _ = played
    file = next((stack.folder.path / party).glob("*.sqlite"))
    books = sqlite3.connect(file, isolation_level=None)
    row = books.execute(f"select * from {table} order by number desc limit 1").fetchone()
    books.execute(f"delete from {table} where number = (select max(number) from {table})")

    # when the totals are asked for again
    try:
        done = demo("totals", stack.folder.path, listed)
    finally:
        books.execute(f"insert into {table} values ({','.join('?' * len(row))})", row)
        books.close()

    # then the command fails
    assert done.returncode == 1, done.stdout


def test_records_missing_from_a_topic_are_told(played: tuple[Stack, str], listed: Path) -> None:
    # given a topic whose first records somebody has deleted
    stack, _ = played
    admin = AdminClient(
        {
            "bootstrap.servers": stack.plan.cluster.bootstrap("internal"),
            "security.protocol": KAFKA_SECURITY,
            "sasl.mechanism": "PLAIN",
            "sasl.username": KAFKA_ADMIN,
            "sasl.password": stack.state.secrets.kafka_admin,
        }
    )
    place = TopicPartition("beneficiary.person.v1", 0, 1)
    for future in admin.delete_records([place]).values():
        future.result(30)

    # when and then
    assert demo("totals", stack.folder.path, listed).returncode == 1
