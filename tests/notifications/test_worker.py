"""The sending job against the real local provider."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.beneficiary import Contact
from contracts.notifications import MessageDelivered, MessageFailed
from services.notifications.domain.deliveries import Answer, NoWay, Refused, Taken, Unclear
from services.notifications.domain.texts import Composition, text
from services.notifications.gateways import SmsGateway
from services.notifications.handlers import on_notice_issued
from services.notifications.settings import NotificationsSettings
from services.notifications.store import Lease, Message, SealedContact
from services.notifications.worker import Sending, jobs
from services.runtime.routes import Cause, Decided
from services.runtime.sealing import PersonKeys
from services.runtime.telemetry import Telemetry
from tests.databases import Schema
from tests.events import NOW
from tests.local_bank.processes import Party, running
from tests.notifications.facts import known, notice

PHONE = "+84912345678"
SAYS = Composition("entitlement_started", "vi", 1_250_000, "VND", "2026-09")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with running("deploy.local.sinks sms", tmp_path_factory.mktemp("sms") / "box") as party:
        yield party


@pytest.fixture
async def sending(
    provider: Party, notifications_settings: NotificationsSettings
) -> AsyncIterator[Sending]:
    keys = PersonKeys.from_settings(notifications_settings)
    async with httpx.AsyncClient(trust_env=False) as client:
        lanes = [SmsGateway(client, provider.url, 5.0)] * 4
        telemetry = Telemetry("notifications", notifications_settings)
        yield Sending(notifications_settings, keys, lanes, telemetry)


def lease(sending: Sending, phone: str | None = PHONE, message_id: UUID | None = None) -> Lease:
    person = uuid4()
    key = sending.keys.issue(person)
    contact = Contact(name="Nguyễn Thị Hoa", phone=phone).model_dump_json().encode()
    cause = Cause("seed", "cause", "correlation", "VN-07")
    return Lease(
        Message(message_id or uuid4(), person, SAYS, cause),
        1,
        SealedContact(key.version, key.seal(contact), key.wrapped),
    )


def arrived(provider: Party, leases: Sequence[Lease]) -> list[dict[str, str]]:
    ids = {one.message.message_id.hex for one in leases}
    messages = httpx.get(f"{provider.url}/messages", params={"limit": 1000}).json()
    return [message for message in messages if message["id"] in ids]


async def test_a_batch_arrives_composed_for_the_opened_number(
    sending: Sending, provider: Party
) -> None:
    leases = [lease(sending) for _ in range(50)]
    assert await sending.call(leases) == [Taken()] * 50
    messages = arrived(provider, leases)
    assert len(messages) == 50
    assert {(one["to"], one["text"]) for one in messages} == {(PHONE, text(SAYS))}


async def test_a_batch_sent_again_arrives_once(sending: Sending, provider: Party) -> None:
    leases = [lease(sending) for _ in range(5)]
    assert await sending.call(leases) == await sending.call(leases) == [Taken()] * 5
    assert len(arrived(provider, leases)) == 5


async def test_each_message_of_a_batch_has_its_own_answer(
    sending: Sending, provider: Party
) -> None:
    mine, other = lease(sending), lease(sending)
    assert mine.contact is not None
    leases = [
        lease(sending),
        lease(sending, "+84912900001"),
        lease(sending, "+84912900002"),
        lease(sending, phone=None),
        Lease(lease(sending).message, 1, None),
        Lease(other.message, 1, mine.contact),
    ]
    answers: list[Answer] = await sending.call(leases)
    assert answers == [
        Taken(),
        Refused("number_not_in_service"),
        Unclear("busy"),
        NoWay("phone.missing"),
        Unclear("contact.away"),
        NoWay("contact.unreadable"),
    ]
    assert len(arrived(provider, leases)) == 1


async def test_a_template_that_is_gone_puts_off_its_own_message_alone(sending: Sending) -> None:
    good, bad = lease(sending), lease(sending)
    gone = Composition("gone", "vi", 1, "VND", "2026-09")
    message = Message(bad.message.message_id, bad.message.recipient_id, gone, bad.message.cause)
    answers = await sending.call([Lease(message, 1, bad.contact), good])
    assert answers == [Unclear("attempt.faulted"), Taken()]


def test_the_lease_outlasts_the_slowest_batch() -> None:
    settings = NotificationsSettings(sms_batch=200, sms_concurrency=32, sms_timeout_s=10.0)
    assert timedelta(seconds=settings.sms_lease_s) > timedelta(seconds=10) * (200 / 32)


def test_a_worker_that_does_not_know_its_provider_does_not_start(
    notifications_settings: NotificationsSettings,
) -> None:
    with pytest.raises(ValueError, match="HAMROH_SMS_URL is not set"):
        jobs(notifications_settings, Telemetry("notifications", notifications_settings))


@pytest.mark.stack
async def test_what_was_queued_is_sent_settled_and_published_once(
    schema: Schema, provider: Party, notifications_settings: NotificationsSettings
) -> None:
    settings = notifications_settings.model_copy(update={"sms_url": provider.url})
    [job] = jobs(settings, Telemetry("notifications", settings))
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
