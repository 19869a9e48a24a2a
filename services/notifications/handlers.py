"""What notifications does with facts and with the queue: load, decide, save, return."""

from collections.abc import Sequence
from uuid import UUID

from contracts.beneficiary import ContactChanged, KeyIssued, PersonRegistered
from contracts.benefits import NoticeIssued
from contracts.envelope import Envelope
from contracts.notifications import MessageDelivered, MessageFailed
from services.notifications import store
from services.notifications.domain import texts
from services.notifications.domain.deliveries import (
    Again,
    Delivered,
    Failed,
    Verdict,
    message_id,
)
from services.notifications.domain.languages import language_for
from services.notifications.domain.texts import Composition
from services.notifications.store import Lease, Message
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome, Releases, Waits, region_of

Notice = Envelope[NoticeIssued]


async def on_person(
    tx: Transaction,
    events: Sequence[Envelope[PersonRegistered] | Envelope[ContactChanged] | Envelope[KeyIssued]],
) -> list[Outcome]:
    """Keeps a person's language, their contact sealed as it came, their key wrapped as it came."""
    await store.save_persons(
        tx.connection, [(region_of(event) or "", event.data) for event in events]
    )
    return [_arrived(event.data.person_id) for event in events]


async def forget_contacts(tx: Transaction, persons: Sequence[str]) -> list[Outcome]:
    """The registry took contacts back; others may come, and messages wait for them."""
    await store.forget_contacts(tx.connection, [UUID(person) for person in persons])
    return []


async def forget_keys(tx: Transaction, persons: Sequence[str]) -> list[Outcome]:
    """The registry destroyed the keys of persons: what waits for them waits no more."""
    forgotten = [UUID(person) for person in persons]
    await store.forget_keys(tx.connection, forgotten)
    return [_arrived(person) for person in forgotten]


async def on_notice_issued(tx: Transaction, events: Sequence[Notice]) -> list[Outcome]:
    """Queues a message per notice; waits until language, contact and key of the payee are here.

    A payee whose key has ended is not waited for: the message is queued, and it will fail.
    """
    languages = await store.load_languages(tx.connection, [event.data.payee_id for event in events])
    due = [event for event in events if event.data.payee_id in languages]
    messages = [_message(event, languages[event.data.payee_id]) for event in due]
    await store.queue(tx.connection, messages, tx.business_now)
    return [
        Waits(event, _contact(event.data.payee_id))
        for event in events
        if event.data.payee_id not in languages
    ]


async def settle(tx: Transaction, attempts: Sequence[tuple[Lease, Verdict]]) -> list[Outcome]:
    """Records what became of attempts; publishes which messages are delivered and which failed."""
    settled = await store.settle(tx.connection, attempts)
    return [
        Decided(lease.message.cause, _fact(lease.message, verdict))
        for lease, verdict in settled
        if not isinstance(verdict, Again)
    ]


def _message(event: Notice, preferred: str) -> Message:
    cause, data = Cause.of(event), event.data
    language = language_for(preferred, cause.region or "")
    composition = Composition(data.template, language, data.amount_minor, data.currency, data.month)
    return Message(message_id(data.notice_id), data.payee_id, texts.check(composition), cause)


def _fact(message: Message, verdict: Delivered | Failed) -> MessageDelivered | MessageFailed:
    if isinstance(verdict, Failed):
        return MessageFailed(
            message_id=message.message_id,
            recipient_id=message.recipient_id,
            channel=verdict.channel,
            reason=verdict.reason,
            attempts=verdict.attempts,
        )
    return MessageDelivered(
        message_id=message.message_id,
        recipient_id=message.recipient_id,
        template=message.composition.template,
        language=message.composition.language,
        channel=verdict.channel,
    )


def _contact(person_id: UUID) -> str:
    return f"contact:{person_id}"


def _arrived(person_id: UUID) -> Releases:
    return Releases(_contact(person_id))
