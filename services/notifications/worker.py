"""What notifications listens to, and the job that sends what is queued."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never
from uuid import UUID

import httpx
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from contracts.beneficiary import Contact, ContactChanged, KeyIssued, PersonRegistered
from contracts.benefits import NoticeIssued
from services.notifications import gateways, handlers, store
from services.notifications.domain import texts
from services.notifications.domain.deliveries import (
    Answer,
    NoWay,
    Refused,
    Taken,
    Unclear,
    verdict,
)
from services.notifications.gateways import SmsGateway
from services.notifications.settings import NotificationsSettings
from services.notifications.store import Lease
from services.runtime.database import Transaction
from services.runtime.routes import Job, Outcome, on
from services.runtime.sealing import PersonKeys, UnsealError
from services.runtime.telemetry import Telemetry
from services.runtime.worker import Worker

SEND_EVERY_S: Final = 0.25

SUBSCRIPTIONS = (
    on("notifications", "beneficiary.person.v1", {PersonRegistered: handlers.on_registered}),
    on(
        "notifications",
        "beneficiary.contact.v1",
        {ContactChanged: handlers.on_contact_changed},
        forget=handlers.forget_contacts,
    ),
    on(
        "notifications",
        "beneficiary.key.v1",
        {KeyIssued: handlers.on_key_issued},
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
    telemetry: Telemetry

    async def claim(self, tx: Transaction) -> list[Lease] | None:
        """Takes a batch of messages whose attempt is due."""
        leases = await store.lease(
            tx.connection, self.settings.sms_batch, self.settings.sms_lease_s
        )
        return leases or None

    async def call(self, leases: Sequence[Lease]) -> list[Answer]:
        """Makes one attempt for each message, as many at a time as there are lanes."""
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
        most = self.settings.sms_attempts
        verdicts = [
            verdict(answer, lease.attempt, most)
            for lease, answer in zip(leases, answers, strict=True)
        ]
        return await handlers.settle(tx, [*zip(leases, verdicts, strict=True)])

    async def _attempt(self, gateway: SmsGateway, lease: Lease) -> Answer:
        try:
            return await self._send(gateway, lease)
        except Exception:  # noqa: BLE001 - the fault of one message is no other's: it is put off
            return Unclear("attempt.faulted")

    async def _send(self, gateway: SmsGateway, lease: Lease) -> Answer:
        message, sealed = lease.message, lease.contact
        if sealed is None:
            return Unclear("contact.away")
        try:
            key = self.keys.unwrap(message.recipient_id, sealed.key_version, sealed.wrapped_key)
            contact = Contact.model_validate_json(key.open(sealed.sealed))
        except (UnsealError, ValidationError):
            return NoWay("contact.unreadable")
        if not contact.phone:
            return NoWay("phone.missing")
        text = texts.text(message.composition)
        with self.telemetry.span(
            "send text message", parent=message.cause.traceparent, kind=SpanKind.CLIENT
        ):
            return _answer(await gateway.send(message.message_id, contact.phone, text))


def _answer(outcome: gateways.Outcome) -> Answer:
    match outcome:
        case gateways.Delivered():
            return Taken()
        case gateways.Refused(reason):
            return Refused(reason)
        case gateways.Unknown(reason):
            return Unclear(reason)
        case _:
            assert_never(outcome)


def jobs(settings: NotificationsSettings, telemetry: Telemetry) -> tuple[Job, ...]:
    """The one job of notifications: sending."""
    settings.require("sms_url")
    sending = Sending(settings, PersonKeys.from_settings(settings), lanes(settings), telemetry)
    return (Job("send_messages", SEND_EVERY_S, sending.claim, sending.call, sending.record),)


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
            settings.sms_timeout_s,
        )
        for _ in range(settings.sms_concurrency)
    ]


worker = Worker("notifications", SUBSCRIPTIONS, jobs=jobs, settings=NotificationsSettings)
