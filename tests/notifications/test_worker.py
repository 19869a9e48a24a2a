"""The sending job against the real local provider."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from uuid import uuid4

import httpx
import pytest

from contracts.beneficiary import Contact
from contracts.envelope import Payload
from contracts.notifications import Channel, MessageDelivered, MessageFailed
from services.notifications import store
from services.notifications.domain.deliveries import (
    Answer,
    Forgotten,
    NoWay,
    Refused,
    Taken,
    Unclear,
)
from services.notifications.domain.texts import SUBJECTS, Composition, text
from services.notifications.gateways import MailGateway, MailServer, SmsGateway
from services.notifications.handlers import forget_contacts, forget_keys, on_notice_issued
from services.notifications.settings import NotificationsSettings
from services.notifications.store import Lease, Message, SealedContact
from services.notifications.worker import MOST_SILENCES, Sending, jobs
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Job
from services.runtime.sealing import PersonKeys
from services.runtime.telemetry import Telemetry
from tests.databases import Schema
from tests.events import NOW
from tests.local_bank.processes import Party, running
from tests.notifications.facts import known, notice

PHONE = "+84912345678"
EMAIL = "hoa@example.vn"
OUT_OF_SERVICE = "+84912900001"
SAYS = Composition("entitlement_started", "vi", 1_250_000, "VND", "2026-09")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with running("deploy.local.sinks sms", tmp_path_factory.mktemp("sms") / "box") as party:
        yield party


@pytest.fixture(scope="module")
def mailroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with running("deploy.local.sinks smtp", tmp_path_factory.mktemp("mail") / "box") as party:
        yield party


@pytest.fixture
async def sending(
    provider: Party, mailroom: Party, notifications_settings: NotificationsSettings
) -> AsyncIterator[Sending]:
    keys = PersonKeys.from_settings(notifications_settings)
    async with httpx.AsyncClient(trust_env=False) as client:
        lanes = [SmsGateway(client, provider.url, 30.0)] * 4
        server = MailServer("127.0.0.1", mailroom.port, "opportunistic")
        mail = MailGateway(server, "no-reply@agency.example", 30.0)
        telemetry = Telemetry("notifications", notifications_settings)
        yield Sending(notifications_settings, keys, lanes, mail, telemetry)


def lease(
    sending: Sending,
    phone: str | None = PHONE,
    email: str | None = None,
    tried: Channel = "in_person",
) -> Lease:
    person = uuid4()
    key = sending.keys.issue(person)
    contact = Contact(name="Nguyễn Thị Hoa", phone=phone, email=email).model_dump_json().encode()
    cause = Cause("seed", "cause", "correlation", "VN-07")
    return Lease(
        Message(uuid4(), person, SAYS, cause),
        1,
        tried,
        SealedContact(key.version, key.seal(contact), key.wrapped),
        NOW,
    )


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """The port of a server that listens to whoever comes and says nothing."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def arrived(provider: Party, leases: Sequence[Lease]) -> list[dict[str, str]]:
    ids = {one.message.message_id.hex for one in leases}
    messages = provider.get("/messages", params={"limit": 1000}).json()
    return [message for message in messages if message["id"] in ids]


def letters(mailroom: Party, leases: Sequence[Lease]) -> list[EmailMessage]:
    ids = {f"<{one.message.message_id.hex}@agency.example>" for one in leases}
    messages = mailroom.get("/messages", params={"limit": 1000}).json()
    return [
        email.message_from_string(message["text"], policy=email.policy.default)
        for message in messages
        if message["id"] in ids
    ]


async def test_a_batch_arrives_composed_for_the_opened_number(
    sending: Sending, provider: Party
) -> None:
    leases = [lease(sending) for _ in range(50)]
    assert await sending.call(leases) == [Taken("sms")] * 50
    messages = arrived(provider, leases)
    assert len(messages) == 50
    assert {(one["to"], one["text"]) for one in messages} == {(PHONE, text(SAYS))}


async def test_a_batch_sent_again_arrives_once(sending: Sending, provider: Party) -> None:
    leases = [lease(sending) for _ in range(5)]
    assert await sending.call(leases) == await sending.call(leases) == [Taken("sms")] * 5
    assert len(arrived(provider, leases)) == 5


async def test_each_message_of_a_batch_has_its_own_answer(
    sending: Sending, provider: Party
) -> None:
    mine, other = lease(sending), lease(sending)
    leases = [
        lease(sending),
        lease(sending, OUT_OF_SERVICE),
        lease(sending, "+84912900002"),
        lease(sending, phone=None),
        replace(mine, contact="away"),
        replace(other, contact=mine.contact),
        replace(lease(sending), contact="forgotten"),
    ]
    answers: list[Answer] = await sending.call(leases)
    assert answers == [
        Taken("sms"),
        Refused("sms", "number_not_in_service"),
        Unclear("sms", "busy"),
        NoWay("phone.missing"),
        Unclear("in_person", "contact.away"),
        NoWay("contact.unreadable"),
        Forgotten(),
    ]
    assert len(arrived(provider, leases)) == 1


async def test_who_has_a_mailbox_and_no_phone_gets_the_same_words_by_mail_once(
    sending: Sending, provider: Party, mailroom: Party
) -> None:
    one = lease(sending, phone=None, email=EMAIL)
    assert await sending.call([one]) == await sending.call([one]) == [Taken("email")]
    [letter] = letters(mailroom, [one])
    assert letter["To"] == EMAIL
    assert letter["Subject"] == SUBJECTS["vi"]
    assert letter["Date"].datetime == NOW
    assert letter.get_content().strip() == text(SAYS)
    assert arrived(provider, [one]) == []


async def test_who_has_both_is_told_by_phone_alone(sending: Sending, mailroom: Party) -> None:
    one = lease(sending, email=EMAIL)
    assert await sending.call([one]) == [Taken("sms")]
    assert letters(mailroom, [one]) == []


async def test_a_number_refused_for_good_gives_way_to_mail_and_a_silent_one_does_not(
    sending: Sending, mailroom: Party
) -> None:
    leases = [
        lease(sending, OUT_OF_SERVICE, EMAIL),
        lease(sending, "+84912900002", EMAIL),
        lease(sending, OUT_OF_SERVICE, "refused@example.vn"),
    ]
    assert await sending.call(leases) == [
        Taken("email"),
        Unclear("sms", "busy"),
        Refused("email", "smtp.550"),
    ]
    assert len(letters(mailroom, leases)) == 1


async def test_a_letter_that_may_have_been_taken_is_asked_about_before_a_new_number_is_tried(
    sending: Sending, provider: Party
) -> None:
    # given people whose mail was unclear, and who have a phone since
    leases = [
        lease(sending, email=EMAIL, tried="email"),
        lease(sending, email="busy@example.vn", tried="email"),
        lease(sending, email="refused@example.vn", tried="email"),
    ]
    # when the next attempts are made, then only a refused letter goes to the phone
    assert await sending.call(leases) == [
        Taken("email"),
        Unclear("email", "smtp.451"),
        Taken("sms"),
    ]
    assert len(arrived(provider, leases)) == 1


async def test_a_silent_mail_server_holds_up_few_lanes_and_no_text_message(
    sending: Sending, provider: Party
) -> None:
    # given a mail server that takes connections and says nothing, and a batch full of mail
    async with silent_server() as port:
        server = MailServer("127.0.0.1", port, "opportunistic")
        muted = replace(sending, mail=MailGateway(server, "no-reply@agency.example", 0.5))
        mails = [lease(sending, phone=None, email=EMAIL, tried="email") for _ in range(40)]
        by_phone = [lease(sending) for _ in range(5)]
        # when the batch is sent, and one more
        answers = await muted.call([*mails, *by_phone])
        again = await muted.call(mails[:1])
    # then the server is given up for the first batch alone, and who has a phone is told
    silence, untried = Unclear("email", "provider.timeout"), Unclear("email", "provider.silent")
    tried = answers[:40].count(silence)
    assert MOST_SILENCES <= tried < MOST_SILENCES + len(muted.lanes)
    assert answers[:40].count(untried) == 40 - tried
    assert answers[40:] == [Taken("sms")] * 5
    assert again == [silence]
    assert len(arrived(provider, by_phone)) == 5


async def test_without_a_mail_server_a_mailbox_is_no_way(sending: Sending) -> None:
    mute = replace(sending, mail=None)
    leases = [lease(sending, phone=None, email=EMAIL), lease(sending, OUT_OF_SERVICE, EMAIL)]
    assert await mute.call(leases) == [
        NoWay("phone.missing"),
        Refused("sms", "number_not_in_service"),
    ]


async def test_a_template_that_is_gone_puts_off_its_own_message_alone(sending: Sending) -> None:
    good, bad = lease(sending), lease(sending)
    gone = Composition("gone", "vi", 1, "VND", "2026-09")
    message = replace(bad.message, composition=gone)
    answers = await sending.call([replace(bad, message=message), good])
    assert answers == [Unclear("in_person", "attempt.faulted"), Taken("sms")]


def test_the_lease_outlasts_the_slowest_batch() -> None:
    settings = NotificationsSettings(send_batch=200, send_concurrency=32, send_timeout_s=10.0)
    assert timedelta(seconds=settings.send_lease_s) > timedelta(seconds=2 * 10) * (200 / 32)


def test_a_worker_that_does_not_know_its_provider_does_not_start(
    notifications_settings: NotificationsSettings,
) -> None:
    with pytest.raises(ValueError, match="HAMROH_SMS_URL is not set"):
        jobs(notifications_settings, Telemetry("notifications", notifications_settings))


def test_a_worker_that_knows_a_mail_server_needs_a_sender(
    notifications_settings: NotificationsSettings,
) -> None:
    settings = notifications_settings.model_copy(
        update={"sms_url": "http://sms.example", "smtp_host": "mail.example"}
    )
    with pytest.raises(ValueError, match="HAMROH_SMTP_SENDER is not set"):
        jobs(settings, Telemetry("notifications", settings))


@pytest.fixture
def job(provider: Party, mailroom: Party, notifications_settings: NotificationsSettings) -> Job:
    settings = notifications_settings.model_copy(
        update={
            "sms_url": provider.url,
            "smtp_host": "127.0.0.1",
            "smtp_port": mailroom.port,
            "smtp_encryption": "opportunistic",
            "smtp_sender": "no-reply@agency.example",
        }
    )
    [job] = jobs(settings, Telemetry("notifications", settings))
    return job


async def told(job: Job, tx: Transaction) -> list[Payload]:
    """What is published once every attempt that is due has been made."""
    facts: list[Payload] = []
    while leases := await job.claim(tx):
        outcomes = await job.record(tx, leases, await job.call(leases))
        facts += [one.payload for one in outcomes if isinstance(one, Decided)]
    return facts


@pytest.mark.stack
async def test_what_was_queued_is_sent_settled_and_published_once(
    schema: Schema, provider: Party, job: Job
) -> None:
    async with schema.transaction(NOW) as tx:
        reachable = [await known(tx, uuid4(), "ar") for _ in range(3)]
        without_phone = await known(tx, uuid4(), phone=None)
        payees = [*reachable, without_phone]
        await on_notice_issued(tx, [notice(payee) for payee in payees])
        leases = await job.claim(tx) or []
        outcomes = await job.record(tx, leases, await job.call(leases))
        assert await job.claim(tx) is None
    payloads = [one.payload for one in outcomes if isinstance(one, Decided)]
    assert {one.recipient_id for one in payloads if isinstance(one, MessageDelivered)} == {
        *reachable
    }
    [failed] = [one for one in payloads if isinstance(one, MessageFailed)]
    assert (failed.recipient_id, failed.channel) == (without_phone, "in_person")
    assert {one["text"] for one in arrived(provider, leases)} == {
        text(replace(SAYS, language="ar"))
    }


@pytest.mark.stack
async def test_a_message_by_mail_is_settled_and_published_as_mail(
    schema: Schema, mailroom: Party, job: Job
) -> None:
    async with schema.transaction(NOW) as tx:
        # given a payee who can be reached by mail alone
        payee = await known(tx, uuid4(), "uk", phone=None, email=EMAIL)
        await on_notice_issued(tx, [notice(payee)])
        # when what is queued is sent
        leases = await job.claim(tx) or []
        [outcome] = await job.record(tx, leases, await job.call(leases))
        [row] = await store.page_messages(tx.connection, payee, None, 10)
    # then the letter is there, and the row and the fact name the mail
    [letter] = letters(mailroom, leases)
    assert letter["Subject"] == SUBJECTS["uk"]
    assert letter.get_content().strip() == text(replace(SAYS, language="uk"))
    assert isinstance(outcome, Decided)
    assert isinstance(outcome.payload, MessageDelivered)
    assert (outcome.payload.channel, row.channel, row.state) == ("email", "email", "delivered")


@pytest.mark.stack
async def test_a_message_to_a_person_whose_key_ends_fails_at_once_and_says_why(
    schema: Schema, job: Job
) -> None:
    async with schema.transaction(NOW) as tx:
        # given a message that was put off for an hour, since the contact was taken back
        payee = await known(tx, uuid4())
        await on_notice_issued(tx, [notice(payee)])
        await forget_contacts(tx, [str(payee)])
        assert await told(job, tx) == []
        [waiting] = await store.page_messages(tx.connection, payee, None, 10)
        assert (waiting.state, waiting.reason) == ("queued", "contact.away")
        # when the key ends, and the broker says so twice
        await forget_keys(tx, [str(payee)])
        [fact] = await told(job, tx)
        await forget_keys(tx, [str(payee)])
        # then the message has failed once, and nobody was written to
        assert await told(job, tx) == []
        [row] = await store.page_messages(tx.connection, payee, None, 10)
    assert isinstance(fact, MessageFailed)
    assert (fact.recipient_id, fact.reason) == (payee, "person.forgotten")
    assert (fact.channel, fact.attempts) == ("in_person", 1)
    assert (row.state, row.reason) == ("failed", "person.forgotten")
