"""What benefits listens to, its timers, and its talk with the bank."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final, TypeVar, assert_never
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from contracts.beneficiary import (
    Contact,
    ContactChanged,
    DuplicateResolved,
    DuplicateSuspected,
    HouseholdChanged,
    KeyIssued,
    PersonRegistered,
    StatusChanged,
)
from services.benefits import gateways
from services.benefits.domain.answers import Booked, Refused, SentBack
from services.benefits.gateways import (
    BankAnswer,
    BankGateway,
    NumberedMessage,
    PaymentBatch,
    PaymentOrder,
    UnreadableBankMessageError,
    pain001,
    read_bank_message,
)
from services.benefits.handlers import bank, packs, people
from services.benefits.handlers.bank import Heard, Sent
from services.benefits.handlers.books import FileRejected, Said, Saying, Unmatched
from services.benefits.handlers.judging import RELEASE_HOLD, REVIEW
from services.benefits.programmes import load_pack, unverified
from services.benefits.settings import BenefitsSettings
from services.benefits.store.bank import Batch, BatchLine, SealedContact
from services.runtime.clock import BusinessClock
from services.runtime.database import connect, retried
from services.runtime.routes import Job, on
from services.runtime.sealing import PersonKeys, UnsealError
from services.runtime.telemetry import Telemetry
from services.runtime.worker import Worker

MESSAGES_A_POLL: Final = 20
"""A message holds some hundred answers; more of them would make one transaction long."""
SEND_EVERY_S: Final = 0.5
SWEEP_EVERY_S: Final = 2.0
PACKS_EVERY_S: Final = 60.0

T = TypeVar("T")

SUBSCRIPTIONS = (
    # Households first: who is judged in the same transaction knows then by whom they are paid.
    on("benefits", "beneficiary.household.v1", {HouseholdChanged: people.on_household_changed}),
    on(
        "benefits",
        "beneficiary.person.v1",
        {PersonRegistered: people.on_person, StatusChanged: people.on_person},
    ),
    on(
        "benefits",
        "beneficiary.identity-review.v1",
        {DuplicateSuspected: people.on_suspected, DuplicateResolved: people.on_resolved},
    ),
    on(
        "benefits",
        "beneficiary.contact.v1",
        {ContactChanged: people.on_sealed},
        forget=people.forget_contacts,
    ),
    on(
        "benefits",
        "beneficiary.key.v1",
        {KeyIssued: people.on_sealed},
        forget=people.forget_keys,
    ),
)
TIMERS = {
    RELEASE_HOLD: people.release_holds,
    REVIEW: people.review,
    packs.REVIEW_EVERYBODY: packs.review_everybody,
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Talks with the bank. Names and accounts are opened here, in memory, for one file each."""

    settings: BenefitsSettings
    keys: PersonKeys
    gateway: BankGateway

    async def send(self, batch: Batch) -> Sent:
        """Sends one file; the same batch always makes the same bytes."""
        orders, unpayable = [], []
        for line in batch.lines:
            order = self._order(line)
            if order is None:
                unpayable.append(line.payment_id)
            else:
                orders.append(order)
        if not orders:
            return Sent("taken", unpayable=tuple(unpayable))
        document = pain001(
            PaymentBatch(
                batch_id=batch.id,
                created_at=batch.created_at,
                execute_on=batch.execute_on,
                debtor_name=self.settings.payer_name,
                debtor_account=self.settings.payer_account,
                orders=tuple(orders),
            )
        )
        return _sent(await self.gateway.send(document), tuple(unpayable))

    def _order(self, line: BatchLine) -> PaymentOrder | None:
        """To the payee's account, else to that of the head of the household; None without both."""
        for sealed in line.contacts:
            contact = self._opened(sealed)
            if contact is None or not contact.account:
                continue
            try:
                return PaymentOrder(
                    payment_id=line.payment_id,
                    amount_minor=line.amount_minor,
                    currency=line.currency,
                    creditor_name=contact.name,
                    creditor_account=contact.account,
                )
            except ValidationError:
                continue
        return None

    def _opened(self, sealed: SealedContact) -> Contact | None:
        try:
            key = self.keys.unwrap(sealed.person_id, sealed.key_version, sealed.wrapped)
            return Contact.model_validate_json(key.open(sealed.sealed))
        except (UnsealError, ValidationError):
            return None

    async def listen(self, after: int) -> list[Heard]:
        """What the bank says after a number, read as far as it can be."""
        messages = await self.gateway.messages_after(after, MESSAGES_A_POLL)
        return [read(message) for message in messages]


def _sent(outcome: gateways.SendOutcome, unpayable: tuple[UUID, ...]) -> Sent:
    match outcome:
        case gateways.FileTaken():
            return Sent("taken", unpayable=unpayable)
        case gateways.FileRefused(reason):
            return Sent("refused", reason, unpayable)
        case gateways.FileContradicted(reason):
            return Sent("contradicted", reason, unpayable)
        case gateways.OutcomeUnknown(reason):
            return Sent("open", reason)
        case _:
            assert_never(outcome)


def read(message: NumberedMessage) -> Heard:
    """A message of the bank as benefits enters it; one that cannot be read is set aside."""
    document = message.document.encode()
    digest = hashlib.sha256(document).hexdigest()
    try:
        answers = read_bank_message(document)
    except UnreadableBankMessageError as error:
        return Heard(
            message.number, message.message_id, message.kind, digest, unreadable=error.code
        )
    sayings = tuple(_saying(answer, message.number) for answer in answers)
    return Heard(message.number, message.message_id, message.kind, digest, sayings)


def _saying(answer: BankAnswer, number: int) -> Saying:
    match answer:
        case gateways.PaymentBooked():
            booked = Booked(number, answer.amount_minor, answer.currency, answer.booked_on)
            return Said(answer.payment_id, booked)
        case gateways.PaymentReturned():
            back = SentBack(number, answer.amount_minor, answer.currency, answer.reason)
            return Said(answer.payment_id, back)
        case gateways.PaymentRejected():
            return Said(answer.payment_id, Refused(number, answer.reason), answer.batch_id)
        case gateways.BatchRejected():
            return FileRejected(answer.batch_id, answer.reason)
        case gateways.StatusUnmatched():
            return Unmatched("status_unmatched", answer.reference)
        case gateways.EntryUnmatched():
            return Unmatched(
                "entry_unmatched", answer.reference, answer.amount_minor, answer.currency
            )
        case _:
            assert_never(answer)


async def _itself(work: T) -> T:
    """Nobody outside is asked."""
    return work


def jobs(settings: BenefitsSettings, _: Telemetry) -> tuple[Job, ...]:
    """Sending files, hearing the bank, starting what only waited, announcing rule packs."""
    settings.require("bank_url")
    _say_what_is_rehearsed(settings)
    client = httpx.AsyncClient(trust_env=False)
    gateway = BankGateway(client, settings.bank_url, settings.bank_timeout_s)
    desk = Desk(settings, PersonKeys.from_settings(settings), gateway)
    return (
        Job("send_files", SEND_EVERY_S, bank.claim_batch, desk.send, bank.record_sent),
        Job("hear_bank", settings.bank_poll_s, bank.last_number, desk.listen, bank.record_heard),
        Job("pay_waiting", SWEEP_EVERY_S, people.waiting_persons, _itself, people.pay_waiting),
        Job("announce_packs", PACKS_EVERY_S, packs.unannounced, _itself, packs.announce),
    )


def _say_what_is_rehearsed(settings: BenefitsSettings) -> None:
    for code in settings.programmes:
        pack = load_pack(code, settings.packs)
        if rules := len(unverified(pack)):
            structlog.get_logger().warning(
                "this rule pack may be rehearsed, real money may not move by it",
                pack=pack.code,
                pack_version=pack.version,
                unconfirmed_rules=rules,
            )


class LawfulWorker(Worker):
    """A worker that does not start where law that was announced has been edited or taken back."""

    def run(self) -> None:
        """Runs as every worker does, by law that may follow what was announced."""
        if refused := asyncio.run(_refusals(BenefitsSettings())):
            raise SystemExit("\n".join(refused))
        super().run()


async def _refusals(settings: BenefitsSettings) -> list[str]:
    """Asked as long as the database is away, or its schema older than this code."""
    database = await connect(settings, BusinessClock(settings.business_time), size=1)

    async def asked() -> list[str]:
        async with database.transaction() as tx:
            return await packs.refusals(tx)

    async with database.pool:
        return await retried(asked, attempts=30)


worker = LawfulWorker(
    "benefits", SUBSCRIPTIONS, timers=TIMERS, jobs=jobs, settings=BenefitsSettings
)
