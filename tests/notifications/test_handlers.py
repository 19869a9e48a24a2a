import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.beneficiary import ContactChanged, KeyIssued
from contracts.benefits import NoticeIssued
from contracts.envelope import Envelope
from contracts.notifications import MessageDelivered, MessageFailed
from services.notifications import store
from services.notifications.domain.deliveries import Again, Delivered, Failed, Verdict, message_id
from services.notifications.domain.texts import CompositionError
from services.notifications.handlers import (
    forget_contacts,
    forget_keys,
    on_notice_issued,
    on_person,
    settle,
)
from services.notifications.store import Lease
from services.runtime.database import Transaction, is_outage
from services.runtime.routes import Decided, Outcome, Releases, Waits
from services.runtime.sealing import PersonKeys
from tests.databases import Schema
from tests.events import NOW
from tests.notifications.facts import known, notice, registered, sealed
from tests.runtime.desk import Desk, record, record_of

pytestmark = pytest.mark.stack

BEFORE_ENDED_KEYS = """
reset role; alter table keys drop column ended; set local role notifications_worker
"""
COLUMNS = "select column_name from information_schema.columns where table_name = 'messages'"


async def test_each_notice_becomes_one_queued_message_in_the_payees_language(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        hoa, olena = await known(tx, uuid4()), await known(tx, uuid4(), "uk")
        notices = [notice(hoa), notice(olena), notice(hoa, sequence=2)]
        assert await on_notice_issued(tx, notices) == []
        assert await on_notice_issued(tx, [notices[0]]) == []
        to_hoa = await store.page_messages(tx.connection, hoa, None, 10)
        to_olena = await store.page_messages(tx.connection, olena, None, 10)
    assert {one.message_id for one in to_hoa} == {
        message_id(notices[0].data.notice_id),
        message_id(notices[2].data.notice_id),
    }
    assert [(one.language, one.state, one.attempts) for one in [*to_hoa, *to_olena]] == [
        ("vi", "queued", 0),
        ("vi", "queued", 0),
        ("uk", "queued", 0),
    ]


async def test_neither_text_nor_phone_nor_name_has_a_column(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        columns = {row[0] for row in await tx.connection.fetch(COLUMNS)}
    assert not columns & {"text", "body", "phone", "to", "recipient", "name"}


async def test_a_notice_waits_until_language_contact_and_key_are_all_here(
    schema: Schema,
) -> None:
    payee = uuid4()
    event, cause = notice(payee), f"contact:{payee}"
    async with schema.transaction(NOW) as tx:
        key, contact = sealed(PersonKeys.from_settings(tx.settings), payee)
        assert await on_notice_issued(tx, [event]) == [Waits(event, cause)]
        assert await on_person(tx, [contact]) == [Releases(cause)]
        assert await on_notice_issued(tx, [event]) == [Waits(event, cause)]
        assert await on_person(tx, [registered(payee)]) == [Releases(cause)]
        assert await on_notice_issued(tx, [event]) == [Waits(event, cause)]
        assert await on_person(tx, [key]) == [Releases(cause)]
        assert await on_notice_issued(tx, [event]) == []
        assert len(await store.page_messages(tx.connection, payee, None, 10)) == 1


async def test_one_who_waits_holds_nobody_else_up(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        here, away = await known(tx, uuid4()), uuid4()
        late = notice(away)
        assert await on_notice_issued(tx, [late, notice(here)]) == [Waits(late, f"contact:{away}")]
        assert len(await store.page_messages(tx.connection, here, None, 10)) == 1


async def test_a_contact_that_commits_while_its_notice_is_parked_still_releases_it(
    schema: Schema,
) -> None:
    # given a notice that has looked for its payee's contact in vain and has not committed yet
    payee, looked, go_on = uuid4(), asyncio.Event(), asyncio.Event()
    keys = PersonKeys.from_settings(schema.settings)
    key, contact = sealed(keys, payee)

    async def look_and_pause(
        tx: Transaction, events: Sequence[Envelope[NoticeIssued]]
    ) -> list[Outcome]:
        outcomes = await on_notice_issued(tx, events)
        looked.set()
        await go_on.wait()
        return outcomes

    async with schema.database(NOW) as database:
        desk = Desk(database, "notifications")
        notices = desk.listening("benefits.notice.v1", NoticeIssued, look_and_pause)
        contacts = desk.listening("beneficiary.contact.v1", ContactChanged, on_person)
        async with database.transaction() as tx:
            await on_person(tx, [registered(payee), key])
        # when the contact comes meanwhile
        parking = asyncio.create_task(notices.process([record_of(notice(payee))]))
        async with asyncio.timeout(30):
            await looked.wait()
        arriving = asyncio.create_task(contacts.process([record_of(contact)]))
        await asyncio.wait([arriving], timeout=0.2)
        go_on.set()
        await asyncio.gather(parking, arriving)
        # then the message is queued
        await desk.drain(notices)
        async with database.transaction() as tx:
            [message] = await store.page_messages(tx.connection, payee, None, 10)
    assert message.state == "queued"


async def leased(tx: Transaction, people: Sequence[UUID]) -> dict[UUID, Lease]:
    """Person → the message to them whose attempt was due."""
    leases = await store.lease(tx.connection, 100, 60.0)
    every = {one.message.recipient_id: one for one in leases}
    return {person: every[person] for person in people if person in every}


async def test_a_notice_waits_for_another_contact_but_for_no_key_that_has_ended(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        # given one who lost the contact, one whose key ended, and one of whom nothing changed
        without_contact, without_key = await known(tx, uuid4()), await known(tx, uuid4())
        still_there = await known(tx, uuid4())
        await forget_contacts(tx, [str(without_contact)])
        await forget_keys(tx, [str(without_key)])
        # when notices to all of them come
        people = [without_contact, without_key, still_there]
        outcomes = await on_notice_issued(tx, [notice(person) for person in people])
        found = await leased(tx, people)
        keys = await tx.connection.fetch(
            "select wrapped_key, ended from keys where person_id = $1", without_key
        )
    # then the first waits, the second will be told as forgotten, and no key of theirs is held
    assert [one.cause for one in outcomes if isinstance(one, Waits)] == [
        f"contact:{without_contact}"
    ]
    assert found.keys() == {without_key, still_there}
    assert found[without_key].contact == "forgotten"
    assert [tuple(row) for row in keys] == [("", True)]


async def test_a_notice_that_waited_for_its_payee_is_let_go_when_the_key_ends(
    schema: Schema,
) -> None:
    # given a notice that waits for its payee's contact
    payee = uuid4()
    key, _ = sealed(PersonKeys.from_settings(schema.settings), payee)
    async with schema.database(NOW) as database:
        desk = Desk(database, "notifications")
        notices = desk.listening("benefits.notice.v1", NoticeIssued, on_notice_issued)
        keys = desk.listening("beneficiary.key.v1", KeyIssued, on_person, forget_keys)
        async with database.transaction() as tx:
            await on_person(tx, [registered(payee)])
        await keys.process([record_of(key)])
        waiting = notice(payee)
        await notices.process([record_of(waiting)])
        assert await desk.waiting(payee) == [(1, f"contact:{payee}", False)]
        # when the key ends instead
        await keys.process([record(payee, None, "beneficiary.key.v1")])
        await desk.drain(notices)
        # then the message is queued, to fail
        async with database.transaction() as tx:
            lease = (await leased(tx, [payee]))[payee]
    assert lease.contact == "forgotten"


async def test_the_end_of_a_key_that_was_never_here_is_known(schema: Schema) -> None:
    # given payees of whom the language alone is known, and notices that wait for the rest
    late, gone = uuid4(), uuid4()
    key, _ = sealed(PersonKeys.from_settings(schema.settings), late)
    async with schema.database(NOW) as database:
        desk = Desk(database, "notifications")
        notices = desk.listening("benefits.notice.v1", NoticeIssued, on_notice_issued)
        keys = desk.listening("beneficiary.key.v1", KeyIssued, on_person, forget_keys)
        async with database.transaction() as tx:
            await on_person(tx, [registered(late), registered(gone)])
        await notices.process([record_of(notice(late)), record_of(notice(gone))])
        # when one key comes and ends in the same batch, and of the other only the end is left
        ends = [record(person, None, "beneficiary.key.v1") for person in (late, gone)]
        await keys.process([record_of(key), *ends])
        await desk.drain(notices)
        # then both messages are queued, to fail
        async with database.transaction() as tx:
            found = await leased(tx, [late, gone])
    assert [found[person].contact for person in (late, gone)] == ["forgotten", "forgotten"]


async def test_on_an_older_schema_the_end_of_a_key_is_an_outage(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        # given a database that is not migrated yet
        await tx.connection.execute(BEFORE_ENDED_KEYS)
        # when a key ends, then nothing is wrong with the record: it is tried again
        with pytest.raises(asyncpg.UndefinedColumnError) as fault:
            await store.forget_keys(tx.connection, [uuid4()])
    assert is_outage(fault.value)


async def test_who_gets_a_key_again_is_written_to_again(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        # given a person whose key ended
        payee = await known(tx, uuid4())
        await forget_keys(tx, [str(payee)])
        # when the registry issues another, with a contact
        await known(tx, payee)
        await on_notice_issued(tx, [notice(payee)])
        lease = (await leased(tx, [payee]))[payee]
    assert isinstance(lease.contact, store.SealedContact)


async def test_an_attempt_that_is_being_made_when_the_key_ends_ends_as_it_ends(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        # given a message that somebody is just sending, the second time
        payee = await known(tx, uuid4())
        await on_notice_issued(tx, [notice(payee)])
        first = (await leased(tx, [payee]))[payee]
        await settle(tx, [(first, Again("sms", "provider.busy", -1.0))])
        lease = (await leased(tx, [payee]))[payee]
        # when the key ends
        await forget_keys(tx, [str(payee)])
        # then nobody else takes it, and that it was delivered is told
        assert await leased(tx, [payee]) == {}
        [outcome] = await settle(tx, [(lease, Delivered("sms"))])
    assert isinstance(outcome, Decided)
    assert isinstance(outcome.payload, MessageDelivered)


async def test_an_attempt_that_ends_unclear_after_the_key_has_ended_is_made_again_at_once(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        # given a message that somebody is just sending, and one to somebody else
        payee, other = await known(tx, uuid4()), await known(tx, uuid4())
        await on_notice_issued(tx, [notice(payee), notice(other)])
        at_work = await leased(tx, [payee, other])
        # when the key of one ends, and then both attempts do, unclear
        await forget_keys(tx, [str(payee)])
        unclear = Again("email", "provider.timeout", 3600.0)
        await settle(tx, [(lease, unclear) for lease in at_work.values()])
        # then only the message to who is forgotten is due, and it knows where it was tried
        due = await leased(tx, [payee, other])
    assert due.keys() == {payee}
    assert (due[payee].contact, due[payee].tried) == ("forgotten", "email")


async def test_an_unknown_template_is_a_fault_before_anything_is_queued(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        payee = await known(tx, uuid4())
        with pytest.raises(CompositionError):
            await on_notice_issued(tx, [notice(payee, template="unheard_of")])


async def test_what_became_of_attempts_is_recorded_and_only_ends_are_published(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        people = [await known(tx, uuid4()) for _ in range(3)]
        events = [notice(person) for person in people]
        await on_notice_issued(tx, events)
        leases = await store.lease(tx.connection, 10, 60.0)
        by_person = {one.message.recipient_id: one for one in leases}
        ends: list[Verdict] = [
            Delivered("email"),
            Failed("in_person", "phone.missing", 0),
            Again("sms", "provider.busy", 2.0),
        ]
        outcomes = await settle(
            tx, [(by_person[one], end) for one, end in zip(people, ends, strict=True)]
        )
        rows = [
            row
            for person in people
            for row in await store.page_messages(tx.connection, person, None, 10)
        ]
    assert [type(one.payload) for one in outcomes if isinstance(one, Decided)] == [
        MessageDelivered,
        MessageFailed,
    ]
    assert [(row.state, row.channel, row.attempts, row.reason) for row in rows] == [
        ("delivered", "email", 1, None),
        ("failed", "in_person", 0, "phone.missing"),
        ("queued", "sms", 1, "provider.busy"),
    ]
    delivered = outcomes[0]
    assert isinstance(delivered, Decided)
    assert delivered.cause.id == events[0].id
    assert isinstance(delivered.payload, MessageDelivered)
    assert delivered.payload.channel == "email"
    assert delivered.cause.region == "VN-07"
