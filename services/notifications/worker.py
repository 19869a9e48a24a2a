"""What notifications listens to, and the job that sends what is queued."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never
from uuid import UUID

import httpx
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from contracts.beneficiary import Contact, ContactChanged, KeyIssued, PersonRegistered
from contracts.benefits import NoticeIssued
from contracts.notifications import Channel
from services.notifications import gateways, handlers, store
from services.notifications.domain import texts
from services.notifications.domain.deliveries import (
    Answer,
    Forgotten,
    NoWay,
    Refused,
    Taken,
    Unclear,
    goes_on,
    verdict,
    ways,
)
from services.notifications.gateways import Mail, MailGateway, MailServer, SmsGateway
from services.notifications.settings import NotificationsSettings
from services.notifications.store import Lease, SealedContact
from services.runtime.database import Transaction
from services.runtime.routes import Job, Outcome, on
from services.runtime.sealing import PersonKeys, UnsealError
from services.runtime.telemetry import Telemetry
from services.runtime.worker import Worker

SEND_EVERY_S: Final = 0.25
MOST_SILENCES: Final = 3
"""Of one provider in one batch; what else would go there is put off without being tried."""
SPANS: Final[dict[Channel, str]] = {"sms": "send text message", "email": "send mail"}

SUBSCRIPTIONS = (
    on("notifications", "beneficiary.person.v1", {PersonRegistered: handlers.on_person}),
    on(
        "notifications",
        "beneficiary.contact.v1",
        {ContactChanged: handlers.on_person},
        forget=handlers.forget_contacts,
    ),
    on(
        "notifications",
        "beneficiary.key.v1",
        {KeyIssued: handlers.on_person},
        forget=handlers.forget_keys,
    ),
    on("notifications", "benefits.notice.v1", {NoticeIssued: handlers.on_notice_issued}),
)


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends what is queued. Contacts are opened, and texts composed, in memory only."""

    settings: NotificationsSettings
    keys: PersonKeys
    lanes: Sequence[SmsGateway]
    """Each sends one message at a time."""
    mail: MailGateway | None
    """None: no mail is sent."""
    telemetry: Telemetry
    silences: Counter[Channel] = field(default_factory=Counter)
    """Attempts of the batch in hand that a provider let run out of time."""

    async def claim(self, tx: Transaction) -> list[Lease] | None:
        """Takes a batch of messages whose attempt is due."""
        leases = await store.lease(
            tx.connection, self.settings.send_batch, self.settings.send_lease_s
        )
        return leases or None

    async def call(self, leases: Sequence[Lease]) -> list[Answer]:
        """Makes one attempt for each message, as many at a time as there are lanes.

        A silent provider holds up for little more than one time limit what goes another way.
        """
        self.silences.clear()
        answers: dict[UUID, Answer] = {}
        queue = iter(leases)

        async def drive(gateway: SmsGateway) -> None:
            for lease in queue:
                answers[lease.message.message_id] = await self._attempt(gateway, lease)

        await asyncio.gather(*map(drive, self.lanes))
        return [answers[lease.message.message_id] for lease in leases]

    async def record(
        self, tx: Transaction, leases: Sequence[Lease], answers: Sequence[Answer]
    ) -> list[Outcome]:
        """Settles the attempts."""
        most = self.settings.send_attempts
        verdicts = [
            verdict(answer, lease.tried, lease.attempt, most)
            for lease, answer in zip(leases, answers, strict=True)
        ]
        return await handlers.settle(tx, [*zip(leases, verdicts, strict=True)])

    async def _attempt(self, gateway: SmsGateway, lease: Lease) -> Answer:
        try:
            return await self._send(gateway, lease)
        except Exception:  # noqa: BLE001 - the fault of one message is no other's: it is put off
            return Unclear(lease.tried, "attempt.faulted")

    async def _send(self, gateway: SmsGateway, lease: Lease) -> Answer:
        match lease.contact:
            case "away":
                return Unclear(lease.tried, "contact.away")
            case "forgotten":
                return Forgotten()
            case sealed:
                contact = self._opened(lease.message.recipient_id, sealed)
        if contact is None:
            return NoWay("contact.unreadable")
        answer: Answer = NoWay("phone.missing")
        email = contact.email if self.mail else None
        for channel, to in ways(contact.phone, email, lease.tried):
            answer = await self._tell(gateway, lease, channel, to)
            if not goes_on(answer):
                break
        return answer

    def _opened(self, person_id: UUID, sealed: SealedContact) -> Contact | None:
        try:
            key = self.keys.unwrap(person_id, sealed.key_version, sealed.wrapped_key)
            return Contact.model_validate_json(key.open(sealed.sealed))
        except (UnsealError, ValidationError):
            return None

    async def _tell(self, gateway: SmsGateway, lease: Lease, channel: Channel, to: str) -> Answer:
        """One way of one attempt."""
        if self.silences[channel] >= MOST_SILENCES:
            return Unclear(lease.tried, "provider.silent")
        message, says = lease.message, lease.message.composition
        text, parent = texts.text(says), message.cause.traceparent
        with self.telemetry.span(SPANS[channel], parent=parent, kind=SpanKind.CLIENT):
            if channel == "email" and self.mail:
                mail = Mail(texts.SUBJECTS[says.language], text, lease.queued_at)
                outcome = await self.mail.send(message.message_id, to, mail)
            else:
                outcome = await gateway.send(message.message_id, to, text)
        self.silences[channel] += outcome == gateways.SILENCE
        return _answer(channel, outcome)


def _answer(channel: Channel, outcome: gateways.Outcome) -> Answer:
    match outcome:
        case gateways.Delivered():
            return Taken(channel)
        case gateways.Refused(reason):
            return Refused(channel, reason)
        case gateways.Unknown(reason):
            return Unclear(channel, reason)
        case _:
            assert_never(outcome)


def jobs(settings: NotificationsSettings, telemetry: Telemetry) -> tuple[Job, ...]:
    """The one job of notifications: sending."""
    settings.require("sms_url")
    keys, mail = PersonKeys.from_settings(settings), mail_gateway(settings)
    sending = Sending(settings, keys, lanes(settings), mail, telemetry)
    return (Job("send_messages", SEND_EVERY_S, sending.claim, sending.call, sending.record),)


def mail_gateway(settings: NotificationsSettings) -> MailGateway | None:
    """Where mail is handed over, if a server is named: then it needs a sender."""
    if not settings.smtp_host:
        return None
    settings.require("smtp_sender")
    server = MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_encryption,
        settings.smtp_username or None,
        settings.smtp_password,
    )
    return MailGateway(server, settings.smtp_sender, settings.send_timeout_s)


def lanes(settings: NotificationsSettings) -> list[SmsGateway]:
    """As many gateways as messages may be on their way, each with a client of its own.

    One client for all spends most of its time choosing among its connections (measured, 32 of
    them: 370 messages a second, against 1,000 this way).
    """
    trust, one = httpx.create_ssl_context(), httpx.Limits(max_connections=1)
    return [
        SmsGateway(
            httpx.AsyncClient(verify=trust, limits=one, trust_env=False),
            settings.sms_url,
            settings.send_timeout_s,
        )
        for _ in range(settings.send_concurrency)
    ]


worker = Worker("notifications", SUBSCRIPTIONS, jobs=jobs, settings=NotificationsSettings)
