"""A month's payments on their way: entitled people, an ordered cycle, sealed contacts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts.beneficiary import Contact, ContactChanged, KeyIssued
from services.benefits.domain.answers import Booked, Refused, SentBack
from services.benefits.handlers import bank, cycles, people
from services.benefits.handlers.bank import Heard, Sent
from services.benefits.handlers.books import Said, Saying
from services.benefits.handlers.cycles import Wanted
from services.benefits.store.bank import Batch
from services.runtime.database import Transaction
from services.runtime.sealing import PersonKeys
from tests.benefits.registry import registered, status
from tests.benefits.stories import uid
from tests.events import fact

KEYS = PersonKeys.of(b"k" * 32)
WANTED = Wanted("VN-SA", "2026-09", "VN-07", 1)
DAY = date(2026, 9, 15)


async def reachable(tx: Transaction, name: str, account: str | None) -> None:
    """Delivers a person's sealed contact and wrapped key."""
    who = uid(name)
    key = KEYS.issue(who)
    sealed = key.seal(Contact(name=f"Name of {name}", account=account).model_dump_json().encode())
    contact = ContactChanged(person_id=who, key_version=1, sealed=sealed)
    issued = KeyIssued(person_id=who, key_version=1, wrapped_key=key.wrapped)
    await people.on_sealed(tx, [fact(contact), fact(issued)])


@dataclass
class Month:
    """An ordered cycle: its id, and a payment per person."""

    tx: Transaction
    cycle_id: UUID
    payments: dict[str, UUID]

    async def hear(self, number: int, *sayings: Saying, message_id: str = "") -> list[str]:
        """Applies one message of the bank; the kinds of facts that follow."""
        message = Heard(number, message_id or f"M{number}", "camt.054", "0" * 64, sayings)
        outcomes = await bank.record_heard(self.tx, 0, [message])
        return [type(one.payload).__name__ for one in outcomes]  # type: ignore[union-attr]

    def booked(self, name: str, number: int, amount: int = 1_000_000) -> Said:
        return Said(self.payments[name], Booked(number, amount, "VND", DAY))

    def sent_back(self, name: str, number: int) -> Said:
        return Said(self.payments[name], SentBack(number, 1_000_000, "VND", "AC04"))

    def refused(self, name: str, number: int, batch_id: UUID | None = None) -> Said:
        return Said(self.payments[name], Refused(number, "AC01"), batch_id)

    async def states(self) -> dict[str, str]:
        rows = await self.tx.connection.fetch("select id, state from payments")
        known = {payment: name for name, payment in self.payments.items()}
        return {known[row["id"]]: row["state"] for row in rows}

    async def file(self, sent: Sent | None = None) -> Batch:
        """The next file; recorded as taken, or as told."""
        batch = await bank.claim_batch(self.tx)
        assert batch is not None
        await bank.record_sent(self.tx, batch, sent or Sent("taken"))
        return batch


async def ordered_month(
    tx: Transaction, names: Sequence[str], accounts: dict[str, str | None] | None = None
) -> Month:
    """Orders 1,000,000 VND for each person; the api's rights are shown elsewhere."""
    given = accounts if accounts is not None else {name: f"ACC{name}" for name in names}
    await people.on_person(tx, [registered(name) for name in names])
    await people.on_person(tx, [status(name, "disability", "severe") for name in names])
    for name, account in given.items():
        await reachable(tx, name, account)
    await tx.connection.execute("set local role benefits_api")
    await tx.connection.execute("select set_config('hamroh.regions', 'VN-07', true)")
    prepared = await cycles.prepare(tx, "linh", WANTED)
    assert isinstance(prepared, cycles.Prepared)
    cycle_id = prepared.id
    row = await tx.connection.fetchrow("select digest from cycles where id = $1", cycle_id)
    assert row is not None
    for officer in ("hoa", "nam"):
        await cycles.approve(tx, officer, cycle_id, row["digest"])
    await tx.connection.execute("set local role benefits_worker")
    rows = await tx.connection.fetch("select id, person_id from payments")
    by_person = {row["person_id"]: row["id"] for row in rows}
    return Month(tx, cycle_id, {name: by_person[uid(name)] for name in names})
