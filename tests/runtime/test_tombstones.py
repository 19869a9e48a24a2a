"""A null value on a compacted topic: what is held under its key is forgotten for good."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from contracts.beneficiary import ContactChanged
from contracts.envelope import Envelope
from services.runtime import dead_letters
from services.runtime.consumer import FactConsumer
from services.runtime.database import Transaction
from services.runtime.dead_letters import SettlementError
from services.runtime.inbox import Record
from services.runtime.routes import Outcome
from services.runtime.sealing import DeadLetterBox
from tests.events import fact
from tests.runtime.desk import SETTINGS, Desk, record, record_of

pytestmark = pytest.mark.stack
TOPIC = "beneficiary.contact.v1"
BOX = DeadLetterBox.from_settings(SETTINGS)


def contact(person: UUID, sequence: int) -> Record:
    payload = ContactChanged(person_id=person, key_version=1, sealed="c2VhbGVk")
    return record_of(fact(payload, sequence=sequence))


def end(person: UUID) -> Record:
    return record(person, None, TOPIC)


def holding(desk: Desk, *, faulty: bool = False) -> FactConsumer:
    """A reader that holds a row per fact under its key."""

    async def on_changed(
        tx: Transaction, events: Sequence[Envelope[ContactChanged]]
    ) -> list[Outcome]:
        if faulty:
            raise RuntimeError("a bug")
        rows = [(str(event.data.person_id), event.sequence) for event in events]
        await tx.connection.executemany("insert into effects values ($1, $2)", rows)
        return []

    async def forget(tx: Transaction, keys: Sequence[str]) -> list[Outcome]:
        persons = [str(UUID(key)) for key in keys]
        await tx.connection.execute("delete from effects where key = any($1)", persons)
        return []

    return desk.listening(TOPIC, ContactChanged, on_changed, forget)


async def test_what_came_before_the_end_is_gone_and_does_not_come_back(desk: Desk) -> None:
    # given what is held of a person
    person, consumer = uuid4(), holding(desk)
    before = [contact(person, 1), contact(person, 2)]
    await consumer.process(before)
    assert await desk.applied(person) == [1, 2]
    # when the key ends, and the broker delivers all of it again
    await consumer.process([end(person)])
    await consumer.process([*before, end(person)])
    await consumer.process(before)
    # then nothing is held, until there is something new
    assert await desk.applied(person) == []
    await consumer.process([contact(person, 3)])
    assert await desk.applied(person) == [3]


async def test_in_one_batch_only_what_follows_the_end_is_held(desk: Desk) -> None:
    person, other, nobody = uuid4(), uuid4(), uuid4()
    await holding(desk).process(
        [contact(person, 1), contact(other, 1), end(person), end(nobody), contact(person, 2)]
    )
    assert await desk.applied(person) == [2]
    assert await desk.applied(other) == [1]
    assert await desk.letters(person) == []


async def test_what_could_not_be_handled_is_forgotten_too(desk: Desk) -> None:
    # given a fact that met a bug
    person = uuid4()
    await holding(desk, faulty=True).process([contact(person, 1)])
    [letter] = await desk.letters(person)
    # when its key ends
    await holding(desk).process([end(person)])
    # then nobody reads it any more, and it is not replayed
    [forgotten] = await desk.letters(person)
    assert (forgotten["state"], forgotten["sealed"]) == ("discarded", b"")
    async with desk.database.transaction() as tx:
        with pytest.raises(SettlementError, match="the key has ended"):
            await dead_letters.show(tx.connection, BOX, letter["id"], "somebody", "a look")
        with pytest.raises(SettlementError, match="discarded before"):
            await dead_letters.replay(
                tx.connection, BOX, letter["id"], actor="somebody", reason="the bug is mended"
            )


async def test_a_key_that_is_nobodys_is_set_aside_and_holds_nobody_up(desk: Desk) -> None:
    person, odd = uuid4(), f"nobody-{uuid4()}"
    await holding(desk).process([contact(person, 1), record(odd, None, TOPIC)])
    assert await desk.applied(person) == [1]
    assert [letter["reason"] for letter in await desk.letters(odd)] == ["handler.failed"]


async def test_on_another_topic_a_null_value_is_a_fault(desk: Desk) -> None:
    person = uuid4()
    await desk.facts(holding(desk).subscription.handlers[ContactChanged]).process(
        [record(person, None)]
    )
    assert [letter["state"] for letter in await desk.letters(person)] == ["open"]
