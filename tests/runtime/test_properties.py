"""Whatever the order, the batches and the repetitions: each key's facts take effect once, in order.

The model: a process commits facts and sends them, or gives up, or dies before it sends; a sweeper
follows; the broker delivers what was sent in any order, any number of times, to a consumer.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from contracts.codec import Event, decode, encode
from contracts.envelope import Envelope
from contracts.regional import WorkerDeployed
from contracts.workforce import DeploymentStarted
from services.runtime import outbox
from services.runtime.consumer import FactConsumer
from services.runtime.consumer.batches import waves
from services.runtime.database import Transaction
from services.runtime.inbox import Read, Record, take_turns
from services.runtime.outbox import Unsent, append
from services.runtime.routes import Accepted, Cause, Decided, Outcome
from tests.databases import migrated
from tests.events import claim
from tests.runtime import desk as desk_of
from tests.runtime.desk import SETTINGS, Desk, facts, record
from tests.runtime.stage import NOW, TOPIC, Effects
from tests.runtime.test_consumer import CLAIMS, deployed

T = TypeVar("T")


class Alone:
    """What a handler of its own takes."""


class Shared:
    """What one handler takes together with its subclass."""


class SharedToo(Shared):
    pass


class Unhandled:
    pass


KINDS: dict[str, type] = {"A": Alone, "B": Shared, "C": SharedToo, "D": Unhandled}
HANDLERS: Any = {Alone: "one", Shared: "other", SharedToo: "other"}


def handler_of(read: Read) -> Any:
    return HANDLERS.get(type(read.event.data))


def reads(kinds: Sequence[tuple[int, str]]) -> list[Read]:
    """A batch of (key, kind), each key's facts numbered in the order of the batch."""
    counted: Counter[int] = Counter()
    batch: list[Read] = []
    for key, kind in kinds:
        counted[key] += 1
        event: Any = SimpleNamespace(data=KINDS[kind](), sequence=counted[key])
        batch.append(Read(Record(TOPIC, 0, len(batch), f"k{key}", b""), event))
    return batch


batches = st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ABCD")), max_size=40)


@given(batches)
def test_waves_keep_each_keys_order_and_give_each_key_to_one_handler_at_a_time(
    kinds: list[tuple[int, str]],
) -> None:
    batch = reads(kinds)
    cut = waves(batch, HANDLERS)
    for place in {read.place for read in batch}:
        own = [[read for read in wave if read.place == place] for wave in cut]
        assert [read for wave in own for read in wave] == [r for r in batch if r.place == place]
        assert all(len({handler_of(read) for read in wave}) <= 1 for wave in own)
    assert all(cut)


@given(batches)
def test_there_are_no_more_waves_than_the_key_that_changes_most_needs(
    kinds: list[tuple[int, str]],
) -> None:
    changes: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], Any] = {}
    batch = reads(kinds)
    for read in batch:
        changes[read.place] += last.get(read.place, "nobody") != handler_of(read)
        last[read.place] = handler_of(read)
    assert len(waves(batch, HANDLERS)) == max(changes.values(), default=0)


class Positions:
    """The guard's table, as far as a look at it goes."""

    def __init__(self, at: dict[tuple[str, str], int]) -> None:
        self.at = at

    async def fetch(self, *_: object) -> list[tuple[str, str, int]]:
        return [(topic, key, sequence) for (topic, key), sequence in self.at.items()]


@given(batches, st.integers(0, 5), st.booleans(), st.randoms())
def test_every_fact_is_due_in_order_ahead_or_done(
    kinds: list[tuple[int, str]], at: int, compacted: bool, random: Any
) -> None:
    batch = [read for read in reads(kinds) for _ in range(random.randint(1, 2))]
    random.shuffle(batch)
    table: Any = Positions({(TOPIC, f"k{key}"): at for key in range(5)})
    turns = asyncio.run(take_turns(table, batch, {TOPIC} if compacted else ()))
    assert len(turns.due) + len(turns.ahead) + len(turns.done) == len(batch)
    for place in {read.place for read in batch}:
        due = [read.event.sequence for read in turns.due if read.place == place]
        if compacted:
            assert due == sorted({s for r in batch if r.place == place if (s := number(r)) > at})
        else:
            assert due == list(range(at + 1, at + 1 + len(due)))
        assert all(number(read) <= at + len(due) for read in turns.done if read.place == place)


def number(read: Read) -> int:
    return read.event.sequence or 0


class Place:
    """Casework's database on a loop of its own, for stories that Hypothesis tells."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        self.run(self._furnish())

    async def _furnish(self) -> None:
        schema = await self.open.enter_async_context(migrated("casework", SETTINGS))
        admin = await asyncpg.connect(schema.url)
        await admin.execute(desk_of.EFFECTS)
        await admin.close()
        self.desk = Desk(await self.open.enter_async_context(schema.database(NOW)))

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(story)

    def close(self) -> None:
        self.run(self.open.aclose())
        self.loop.close()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.close()


@pytest.mark.stack
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.data())
def test_any_order_any_batches_any_repetition_give_the_same_effects(
    place: Place, story: st.DataObject
) -> None:
    keys = [uuid4() for _ in range(3)]
    records = [r for key in keys for r in facts(key, *range(1, story.draw(st.integers(1, 6)) + 1))]
    delivered = records + story.draw(st.lists(st.sampled_from(records), max_size=10))
    delivered = story.draw(st.permutations(delivered))
    cuts = sorted(story.draw(st.lists(st.integers(0, len(delivered)), max_size=5)))
    pieces = [delivered[a:b] for a, b in zip([0, *cuts], [*cuts, len(delivered)], strict=True)]
    consumer = place.desk.facts(Effects().on_deployed)

    async def deliver() -> None:
        for piece in pieces:
            await consumer.process(piece)
        await place.desk.drain(consumer)

    place.run(deliver())
    for key in keys:
        many = sum(record.key == str(key) for record in records)
        assert place.run(place.desk.applied(key)) == list(range(1, many + 1))
        assert place.run(place.desk.waiting(key)) == []


async def accept(_: Transaction, events: Sequence[Event]) -> list[Outcome]:
    return [Accepted(event) for event in events]


@pytest.mark.stack
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.data())
def test_every_claim_is_answered_once_in_whatever_order_and_batches_it_comes(
    place: Place, story: st.DataObject
) -> None:
    # given claims, and others that use their ids again for other bytes
    first = [claim(deployed(f"h-{n}")) for n in range(4)]
    again = [event.model_copy(update={"data": deployed("h-other")}) for event in first]
    raws = [encode(event) for event in [*first, *again]]
    chosen = story.draw(st.lists(st.sampled_from(raws), min_size=1, max_size=12))
    cut = story.draw(st.integers(0, len(chosen)))
    place.desk.sent.clear()
    consumer = place.desk.claims({WorkerDeployed: accept})
    # when they come in some order, some of them again
    for piece in (chosen[:cut], chosen[cut:], story.draw(st.permutations(chosen))):
        place.run(consumer.process([record("h", raw, CLAIMS) for raw in piece]))
    # then the first bytes under an id are accepted, other bytes rejected, each once
    codes = Counter(
        (event.data.claim_id, getattr(event.data, "code", "accepted"))
        for event in place.desk.told("VN-07")
    )
    expected = Counter[tuple[str, str]]()
    for one, other in zip(first, again, strict=True):
        came = [encode(event) in chosen for event in (one, other)]
        expected[one.id, "accepted"] += any(came)
        expected[one.id, "claim.id_reused"] += all(came)
    assert codes == +expected


class Delivery(RuleBasedStateMachine):
    """Facts of three keys from the commit of their process to their effect in another."""

    place: Place
    unsent = Bundle("unsent")

    @initialize()
    def begin(self) -> None:
        self.keys = [uuid4() for _ in range(3)]
        self.stored: defaultdict[UUID, int] = defaultdict(int)
        self.topic: list[Record] = []
        self.consumer: FactConsumer = self.place.desk.facts(Effects().on_deployed)
        self.place.run(self.place.desk.database.pool.execute("delete from outbox"))

    async def _send(self, records: Sequence[tuple[str, str, bytes | None]]) -> None:
        for topic, key, value in records:
            self.topic.append(Record(topic, 0, len(self.topic), key, value))

    @rule(target=unsent, which=st.lists(st.integers(0, 2), min_size=1, max_size=5))
    def commit(self, which: list[int]) -> Unsent:
        """A process commits facts; it has not sent them yet."""

        async def story() -> Unsent:
            decisions = [deployment(self.keys[n]) for n in which]
            async with self.place.desk.database.transaction() as tx:
                return await append(tx, "workforce", decisions, inline=True)

        unsent = self.place.run(story())
        for n in which:
            self.stored[self.keys[n]] += 1
        return unsent

    @rule(which=st.lists(st.integers(0, 2), min_size=1, max_size=3))
    def give_up(self, which: list[int]) -> None:
        """A process decides facts and rolls back."""

        async def story() -> None:
            decisions = [deployment(self.keys[n]) for n in which]
            async with self.place.desk.database.transaction() as tx:
                await append(tx, "workforce", decisions, inline=True)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self.place.run(story())

    @rule(unsent=consumes(unsent))
    def send(self, unsent: Unsent) -> None:
        """It sends them and deletes them."""
        self.place.run(outbox.send_inline(self.place.desk.database, self._send, unsent))

    @rule(unsent=consumes(unsent))
    def send_and_die(self, unsent: Unsent) -> None:
        """It sends them and dies before it deletes them."""
        self.place.run(self._send(unsent.records))

    @rule(unsent=consumes(unsent))
    def die(self, unsent: Unsent) -> None:
        """It dies before it sends them."""
        assert unsent.ids

    @rule()
    def sweep(self) -> None:
        """The leader sends what is left."""

        async def story() -> None:
            async with self.place.desk.database.pool.acquire() as connection:
                await connection.execute("update outbox set created_at = now() - interval '1 hour'")
                epoch = await connection.fetchval(outbox.NEXT_EPOCH)
                await outbox.sweep(connection, self._send, epoch)

        self.place.run(story())

    @rule(story=st.data())
    def deliver(self, story: st.DataObject) -> None:
        """Some of what was sent arrives, in any order, perhaps again."""
        if self.topic:
            some = story.draw(st.lists(st.sampled_from(self.topic), max_size=8))
            self.place.run(self.consumer.process(some))

    @rule()
    def drain(self) -> None:
        """What waited and can be taken is taken."""
        self.place.run(self.place.desk.drain(self.consumer))

    @invariant()
    def effects_are_once_and_in_order(self) -> None:
        for key in self.keys:
            applied = self.place.run(self.place.desk.applied(key))
            assert applied == list(range(1, len(applied) + 1))
            assert len(applied) <= self.stored[key]

    def teardown(self) -> None:
        """In the end everything that was committed took effect."""
        self.sweep()
        self.place.run(self.consumer.process(self.topic))
        self.drain()
        for key in self.keys:
            applied = self.place.run(self.place.desk.applied(key))
            assert applied == list(range(1, self.stored[key] + 1))


def deployment(key: UUID) -> Decided:
    """A fact of a key."""
    (record,) = facts(key, 1)
    event = decode(record.value)
    assert isinstance(event, Envelope)
    assert isinstance(event.data, DeploymentStarted)
    cause = f"cause of {event.id}"
    return Decided(Cause(cause, event.id, event.id, "VN-07"), event.data)


@pytest.mark.stack
def test_from_commit_to_effect_nothing_is_lost_or_doubled(place: Place) -> None:
    machine = type("Machine", (Delivery,), {"place": place})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
