import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy.instance import Instance
from services.cli.dead_letters import app
from services.runtime.clock import BusinessClock
from services.runtime.database import Transaction
from services.runtime.dead_letters import Fault, bury
from services.runtime.inbox import Record
from services.runtime.sealing import DeadLetterBox
from services.runtime.settings import Settings
from tests.databases import migrated

pytestmark = pytest.mark.stack
KEY = bytes(range(32))
GOLDEN = next(
    Path(__file__).parents[2].glob("contracts/examples/regional.beneficiary.person.registered*")
).read_bytes()
TOPIC = "regional.vn-07.beneficiary.v1"


class Desk:
    """An operator's terminal beside the registry's database, on a loop of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Any) -> None:
        self._loop = loop
        self._connection = connection

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._loop.run_until_complete(self._connection.fetch(sql))]

    def bury(self, raw: bytes, offset: int) -> UUID:
        record = Record(TOPIC, 0, offset, "HV-1", raw)
        now = BusinessClock().now()
        tx = Transaction(self._connection, now, Settings())
        faults = [Fault(record, "handler.failed", "data", attempts=3)]
        (decided,) = self._loop.run_until_complete(bury(tx, DeadLetterBox(KEY), faults))
        letter_id: UUID = getattr(decided.payload, "dead_letter_id")  # noqa: B009 - any payload
        return letter_id

    def ask(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)


@pytest.fixture
def desk(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    loop = asyncio.new_event_loop()
    made = migrated("beneficiary")
    schema = loop.run_until_complete(made.__aenter__())
    role = "beneficiary_worker"
    url = instance.database_url(role, schema.url.rpartition("/")[2])
    monkeypatch.setenv("HAMROH_DATABASE_URL", url)
    monkeypatch.setenv("HAMROH_DEAD_LETTER_KEY", base64.b64encode(KEY).decode())
    connection = loop.run_until_complete(asyncpg.connect(url))
    yield Desk(loop, connection)
    loop.run_until_complete(connection.close())
    loop.run_until_complete(made.__aexit__(None, None, None))
    loop.close()


def test_dead_letters_are_listed_without_their_bytes(desk: Desk) -> None:
    letters = [desk.bury(GOLDEN, offset) for offset in range(3)]
    listed = desk.ask("list")
    assert listed.exit_code == 0
    assert all(str(letter) in listed.output for letter in letters)
    assert "handler.failed" in listed.output
    assert "identifiers" not in listed.output
    assert str(letters[0]) not in desk.ask("list", "--state", "discarded").output


def test_a_look_at_the_bytes_is_written_down(desk: Desk) -> None:
    letter = desk.bury(GOLDEN, 1)
    shown = desk.ask("show", str(letter), "--reason", "ticket 7", "--actor", "linh")
    assert shown.stdout_bytes == GOLDEN + b"\n"
    audit = desk.fetch("select dead_letter_id, action, actor, reason from dead_letter_audit")
    assert audit == [(letter, "show", "linh", "ticket 7")]


def test_a_replay_sends_it_through_the_consumer_again_once(desk: Desk) -> None:
    letter = desk.bury(GOLDEN, 2)
    assert desk.ask("replay", str(letter), "--reason", "repaired").exit_code == 0
    assert desk.fetch("select topic, raw, ready from waiting") == [(TOPIC, GOLDEN, True)]
    assert desk.fetch("select state from dead_letters") == [("replayed",)]
    again = desk.ask("replay", str(letter), "--reason", "again")
    assert again.exit_code == 1
    assert "it was replayed before" in again.stderr


def test_corrected_bytes_must_still_be_the_same_claim(desk: Desk, tmp_path: Path) -> None:
    letter, corrected = desk.bury(b"{", 3), tmp_path / "corrected.json"
    corrected.write_bytes(b"{]")
    refused = desk.ask("replay", str(letter), "--reason", "r", "--corrected", str(corrected))
    assert (refused.exit_code, "it still cannot be read" in refused.stderr) == (1, True)
    corrected.write_bytes(GOLDEN)
    assert (
        desk.ask("replay", str(letter), "--reason", "r", "--corrected", str(corrected)).exit_code
        == 0
    )


def test_a_discarded_claim_is_answered(desk: Desk) -> None:
    letter = desk.bury(GOLDEN, 4)
    assert (
        desk.ask("discard", str(letter), "--reason", "a test row", "--actor", "linh").exit_code == 0
    )
    assert desk.fetch("select outcome, code from inbox") == [("rejected", "claim.discarded")]
    assert desk.fetch("select topic from outbox") == [("receipts.vn-07.v1",)]


def test_what_does_not_exist_and_what_is_not_said_is_refused(desk: Desk) -> None:
    unknown = desk.ask("show", str(UUID(int=7)), "--reason", "r")
    assert (unknown.exit_code, "there is no such dead letter" in unknown.stderr) == (1, True)
    assert desk.ask("discard", str(desk.bury(GOLDEN, 5))).exit_code == 2


def test_without_the_key_nothing_is_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    letter = desk.bury(GOLDEN, 6)
    monkeypatch.setenv("HAMROH_DEAD_LETTER_KEY", base64.b64encode(bytes(32)).decode())
    refused = desk.ask("show", str(letter), "--reason", "r")
    assert (refused.exit_code, refused.stdout) == (1, "")
    monkeypatch.delenv("HAMROH_DEAD_LETTER_KEY")
    assert "HAMROH_DEAD_LETTER_KEY is not set" in desk.ask("list").stderr
