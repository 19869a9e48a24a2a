"""The bank: which payments go into the next file, and what its messages make of payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast
from uuid import UUID

from contracts.benefits import CycleClosed
from contracts.values import derived_id
from services.benefits.domain.answers import Refused
from services.benefits.handlers.books import Books, FileRejected, Said, Saying
from services.benefits.store import bank
from services.benefits.store.bank import Batch, Difference, MessageRow
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome

NO_ACCOUNT: Final = "AC01"
"""ISO 20022: the account number is not one. Nobody who may receive the payment has an account."""


class Terms(Protocol):
    """What handlers read of the service's settings."""

    file_payments: int
    contact_patience_s: float
    bank_quiet_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A numbered message, read; `unreadable` is the code of why it could not be."""

    number: int
    message_id: str
    kind: str
    digest: str
    sayings: tuple[Saying, ...] = ()
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of sending a file. `state` is that of the batch now; `open`: send it again."""

    state: str
    reason: str | None = None
    unpayable: tuple[UUID, ...] = ()
    """Payments of the file that no account could be found for: they were left out."""


async def claim_batch(tx: Transaction) -> Batch | None:
    """The next file to send: one that got no answer, else a new one."""
    leased = await bank.lease_batch(tx.connection)
    if leased is not None:
        return leased
    terms = cast("Terms", tx.settings)
    found = await bank.find_unsent(tx.connection, terms.contact_patience_s)
    if found is None:
        return None
    cycle_id, made = found
    await bank.make_batch(
        tx.connection,
        derived_id(str(cycle_id), "batch", str(made)),
        cycle_id,
        created_at=tx.business_now,
        execute_on=tx.business_date,
        most=terms.file_payments,
        patience_s=terms.contact_patience_s,
    )
    return await bank.lease_batch(tx.connection)


async def record_sent(tx: Transaction, batch: Batch, sent: Sent) -> list[Outcome]:
    """Stores what became of a file; what cannot be paid counts as returned."""
    if sent.state == "open":
        return []
    await bank.end_batch(tx.connection, batch.id, sent.state, sent.reason)
    sayings: list[Saying] = [Said(one, Refused(0, NO_ACCOUNT)) for one in sent.unpayable]
    if sent.state == "refused":
        sayings.append(FileRejected(batch.id, sent.reason or NO_ACCOUNT))
    if sent.state == "contradicted":
        difference = Difference("file_contradicted", reference=batch.id.hex)
        await bank.save_differences(tx.connection, [difference])
    books = await Books.open(tx, sayings)
    for place, saying in enumerate(sayings):
        books.enter(saying, 0, place, str(batch.id))
    return await books.close()


async def last_number(tx: Transaction) -> int:
    """The number after which the bank is asked."""
    return await bank.last_message(tx.connection)


async def record_heard(tx: Transaction, _: int, heard: Sequence[Heard]) -> list[Outcome]:
    """Applies messages, each once by its id; closes cycles when the bank has said everything."""
    if not heard:
        return await _close_cycles(tx)
    known = await bank.known_messages(tx.connection, [message.message_id for message in heard])
    fresh: list[Heard] = []
    rows = []
    for message in heard:
        rows.append(_row(message, repeated=message.message_id in known))
        if message.message_id not in known:
            fresh.append(message)
        known.add(message.message_id)
    await bank.save_messages(tx.connection, rows)
    books = await Books.open(tx, [saying for message in fresh for saying in message.sayings])
    for message in fresh:
        if message.unreadable:
            books.differ(Difference("message_unreadable", message.number, 0))
        for place, saying in enumerate(message.sayings):
            books.enter(saying, message.number, place, message.message_id)
    return await books.close()


def _row(message: Heard, *, repeated: bool) -> MessageRow:
    state = "repeated" if repeated else "unreadable" if message.unreadable else "applied"
    return MessageRow(
        message.number,
        message.message_id,
        message.kind,
        message.digest,
        state,
        len(message.sayings),
        message.unreadable,
    )


async def _close_cycles(tx: Transaction) -> list[Outcome]:
    quiet_s = cast("Terms", tx.settings).bank_quiet_s
    outcomes: list[Outcome] = []
    for row in await bank.close_cycles(tx.connection, tx.business_now, quiet_s):
        seed = str(derived_id(str(row["id"]), "cycle.close", row["region"]))
        cause = Cause(seed, seed, str(row["id"]), row["region"])
        fact = CycleClosed(
            cycle_id=row["id"],
            month=row["month"],
            programme=row["programme"],
            region=row["region"],
            currency=row["currency"],
            ordered=row["payments"],
            ordered_minor=row["amount_minor"],
            settled=row["settled"],
            settled_minor=row["settled_minor"],
            returned=row["returned"],
            returned_minor=row["returned_minor"],
        )
        outcomes.append(Decided(cause, fact))
    return outcomes
