"""Dead letters are settled in the order of their keys, once, and every look is kept."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.codec import Event, decode, encode
from contracts.platform import EventRejected, RecordDeadLettered
from contracts.regional import WorkerDeployed
from services.runtime import dead_letters
from services.runtime.database import Transaction
from services.runtime.dead_letters import Fault, SettlementError, Wanted, bury
from services.runtime.routes import Accepted, Outcome
from services.runtime.sealing import DeadLetterBox
from tests.events import claim
from tests.runtime.desk import SETTINGS, Desk, facts, record
from tests.runtime.stage import Effects, fact
from tests.runtime.test_consumer import CLAIMS, answers, deployed, receipts

pytestmark = pytest.mark.stack

BOX = DeadLetterBox.from_settings(SETTINGS)
WHO = ("linh", "a story")


class Bug:
    """A handler that cannot take some facts until it is mended."""

    def __init__(self, *facts: tuple[UUID, int]) -> None:
        self.facts = {(str(key), sequence) for key, sequence in facts}
        self.effects = Effects(before=self._fail)

    async def _fail(self, _: Transaction, events: Sequence[Event]) -> None:
        if any((event.subject, event.sequence) in self.facts for event in events):
            raise RuntimeError("a bug")


async def replay(desk: Desk, letter_id: UUID, corrected: bytes | None = None) -> None:
    actor, reason = WHO
    async with desk.database.transaction() as tx:
        await dead_letters.replay(
            tx.connection, BOX, letter_id, actor=actor, reason=reason, corrected=corrected
        )


async def discard(desk: Desk, letter_id: UUID) -> None:
    actor, reason = WHO
    async with desk.database.transaction() as tx:
        await dead_letters.discard(tx, "casework", BOX, letter_id, actor=actor, reason=reason)


async def only_letter(desk: Desk, key: object) -> Any:
    (letter,) = await desk.letters(str(key))
    return letter


async def test_letters_of_a_key_are_given_up_in_its_order(desk: Desk) -> None:
    # given a key with a bug at its second fact and another behind it
    key = uuid4()
    bug = Bug((key, 2), (key, 3))
    consumer = desk.facts(bug.effects.on_deployed)
    await consumer.process(facts(key, 1, 2, 3, 4))
    second = await only_letter(desk, key)
    # when the second is given up, the third meets its bug
    await discard(desk, second["id"])
    await desk.drain(consumer)
    letters = {letter["sequence"]: letter for letter in await desk.letters(key)}
    assert await desk.applied(key) == [1]
    # and when that is, the fourth is taken
    await discard(desk, letters[3]["id"])
    await desk.drain(consumer)
    assert await desk.applied(key) == [1, 4]


async def test_a_letter_before_which_others_are_open_is_not_given_up(desk: Desk) -> None:
    # given a fact of tomorrow's version, behind one that a bug met
    key = uuid4()
    consumer = desk.facts(Bug((key, 1)).effects.on_deployed)
    of_tomorrow = fact(key, 2).replace(b"started:1", b"started:2")
    await consumer.process([*facts(key, 1), record(key, of_tomorrow), *facts(key, 3)])
    letters = {letter["reason"]: letter for letter in await desk.letters(key)}
    assert letters.keys() == {"handler.failed", "event.unknown_version"}
    # then the later one cannot be given up first
    with pytest.raises(SettlementError, match="earlier facts"):
        await discard(desk, letters["event.unknown_version"]["id"])
    await discard(desk, letters["handler.failed"]["id"])
    await discard(desk, letters["event.unknown_version"]["id"])
    await desk.drain(consumer)
    assert await desk.applied(key) == [3]


async def test_a_fact_that_an_older_release_could_not_read_is_replayed_by_a_newer(
    desk: Desk,
) -> None:
    key = uuid4()
    consumer = desk.facts(Effects().on_deployed)
    good = fact(key, 2)
    await consumer.process([*facts(key, 1), record(key, good[:-1]), *facts(key, 3)])
    letter = await only_letter(desk, key)
    with pytest.raises(SettlementError, match="it still cannot be read"):
        await replay(desk, letter["id"])
    await replay(desk, letter["id"], corrected=good)
    await desk.drain(consumer)
    assert await desk.applied(key) == [1, 2, 3]


async def test_giving_up_what_was_forged_passes_over_nothing(desk: Desk) -> None:
    key = uuid4()
    consumer = desk.facts(Effects().on_deployed)
    await consumer.process([record(key, fact(key, 1, owner="stranger"))])
    letter = await only_letter(desk, key)
    assert letter["reason"] == "fact.wrong_source"
    await discard(desk, letter["id"])
    await consumer.process(facts(key, 1))
    assert await desk.applied(key) == [1]


async def test_a_forged_fact_that_is_replayed_is_dead_again(desk: Desk) -> None:
    key = uuid4()
    consumer = desk.facts(Effects().on_deployed)
    await consumer.process([record(key, fact(key, 1, owner="stranger"))])
    letter = await only_letter(desk, key)
    await replay(desk, letter["id"])
    await desk.drain(consumer)
    again = await only_letter(desk, key)
    assert (again["id"], again["state"], again["attempts"]) == (letter["id"], "open", 2)
    assert await desk.waiting(key) == []


async def test_a_discarded_record_that_kafka_brings_again_stays_discarded(desk: Desk) -> None:
    name = uuid4()
    consumer = desk.facts(Effects().on_deployed)
    came = record(name, b"nothing")
    await consumer.process([came, came])
    await discard(desk, (await only_letter(desk, name))["id"])
    await consumer.process([came])
    letter = await only_letter(desk, name)
    assert (letter["state"], letter["attempts"]) == ("discarded", 1)


async def test_each_opening_is_told_once(desk: Desk) -> None:
    key = uuid4()
    bug = Bug((key, 1))
    consumer = desk.facts(bug.effects.on_deployed)
    first = facts(key, 1)
    await consumer.process(first)
    await consumer.process(first)
    letter = await only_letter(desk, key)
    await replay(desk, letter["id"])
    await desk.drain(consumer)
    told = [decode(v) for topic, _, v in desk.sent if topic == "casework.dead-letter.v1"]
    mine = [
        event
        for event in told
        if isinstance(data := getattr(event, "data", None), RecordDeadLettered)
        and data.dead_letter_id == letter["id"]
    ]
    assert [event.data.attempts for event in mine] == [2, 4]  # type: ignore[union-attr]
    assert len({event.id for event in mine}) == 2  # type: ignore[union-attr]


async def test_what_was_settled_cannot_be_settled_again(desk: Desk) -> None:
    name = uuid4()
    await desk.facts(Effects().on_deployed).process([record(name, b"nothing")])
    letter = await only_letter(desk, name)
    await discard(desk, letter["id"])
    for settle in (discard, replay):
        with pytest.raises(SettlementError, match="it was discarded before"):
            await settle(desk, letter["id"])
    with pytest.raises(SettlementError, match="no such dead letter"):
        await discard(desk, uuid4())


async def test_corrected_bytes_keep_their_id_and_their_place(desk: Desk) -> None:
    key = uuid4()
    await desk.facts(Bug((key, 1)).effects.on_deployed).process(facts(key, 1))
    letter = await only_letter(desk, key)
    for other in (fact(key, 1), fact(key, 2)):
        with pytest.raises(SettlementError, match="must keep the id and the sequence"):
            await replay(desk, letter["id"], corrected=other)


async def test_pages_of_letters_that_came_at_one_moment_show_each_once(desk: Desk) -> None:
    topic = f"page-{uuid4()}"
    faults = [Fault(record("k", b"x", topic, offset=n), "a.code", "") for n in range(25)]
    async with desk.database.transaction() as tx:
        assert len(await bury(tx, BOX, faults)) == 25
    found: list[UUID] = []
    async with desk.database.pool.acquire() as connection:
        while True:
            wanted = Wanted(topic=topic, before=found[-1] if found else None)
            page = await dead_letters.listed(connection, wanted, 10)
            if not page:
                break
            found += [row["id"] for row in page]
            assert "sealed" not in page[0]
        assert await dead_letters.listed(connection, Wanted(topic=topic, reason="b.code"), 9) == []
        assert await dead_letters.listed(connection, Wanted("replayed", topic), 9) == []
    assert (len(found), len(set(found))) == (25, 25)


async def test_a_look_at_the_bytes_is_kept(desk: Desk) -> None:
    name = uuid4()
    await desk.facts(Effects().on_deployed).process([record(name, b"nothing")])
    letter = await only_letter(desk, name)
    async with desk.database.transaction() as tx:
        assert await dead_letters.show(tx.connection, BOX, letter["id"], *WHO) == b"nothing"
    audit = "select action, actor, reason from dead_letter_audit where dead_letter_id = $1"
    assert [tuple(row) for row in await desk.fetch(audit, letter["id"])] == [("show", *WHO)]


class BadDay:
    """A handler of claims that meets a bug until it is mended."""

    mended = False

    async def on_deployed(self, _: Transaction, events: Sequence[Event]) -> list[Outcome]:
        if not self.mended:
            raise RuntimeError("a bug")
        return [Accepted(event) for event in events]


async def letter_of_claim(desk: Desk, claim_id: str) -> Any:
    (row,) = await desk.fetch("select * from dead_letters where event_id = $1", claim_id)
    return row


async def test_a_pending_claim_is_answered_once_by_its_replay(desk: Desk) -> None:
    day, event = BadDay(), claim(deployed("p-1"))
    consumer = desk.claims({WorkerDeployed: day.on_deployed})
    came = record("p-1", encode(event), CLAIMS)
    await consumer.process([came])
    # when it is replayed too early it is pending again, and open
    await replay(desk, (await letter_of_claim(desk, event.id))["id"])
    assert await desk.drain(consumer) == 1
    assert (await letter_of_claim(desk, event.id))["state"] == "open"
    # and when the bug is mended it is answered
    day.mended = True
    await replay(desk, (await letter_of_claim(desk, event.id))["id"])
    await desk.drain(consumer)
    await consumer.process([came])
    assert await answers(desk, event.id) == [("accepted", None)]
    assert receipts(desk, event.id) == ["accepted"]


async def test_a_pending_claim_that_is_given_up_is_rejected(desk: Desk) -> None:
    event = claim(deployed("p-2"))
    consumer = desk.claims({WorkerDeployed: BadDay().on_deployed})
    came = record("p-2", encode(event), CLAIMS)
    await consumer.process([came])
    await discard(desk, (await letter_of_claim(desk, event.id))["id"])
    await consumer.process([came])
    assert await answers(desk, event.id) == [("rejected", "claim.discarded")]
    rows = await desk.fetch("select topic, event from outbox where topic = 'receipts.vn-07.v1'")
    told = [decode(row["event"]) for row in rows]
    codes = [e.data.code for e in told if isinstance(getattr(e, "data", None), EventRejected)]  # type: ignore[union-attr]
    assert codes == ["claim.discarded"]
