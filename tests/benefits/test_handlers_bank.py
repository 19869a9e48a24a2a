from random import Random

import asyncpg
import pytest

from contracts.benefits import CycleClosed
from services.benefits.domain.answers import Booked
from services.benefits.handlers import bank, people
from services.benefits.handlers.bank import Heard, Sent
from services.benefits.handlers.books import FileRejected, Unmatched
from services.benefits.settings import BenefitsSettings
from services.benefits.store import bank as store
from services.benefits.store import cycles
from services.runtime.database import Transaction
from services.runtime.routes import Decided
from tests.benefits.money import ordered_month
from tests.benefits.stories import uid
from tests.databases import Schema
from tests.events import NOW

pytestmark = pytest.mark.stack


async def standing(tx: Transaction) -> tuple[int, ...]:
    """Entitled, pending, paid and returned millions, by the ledger's own sums."""
    (accounts,) = (await cycles.balances(tx.connection, None, None, None)).values()
    assert sum(accounts.values()) == 0
    assert await cycles.unreconciled(tx.connection, None, None, None) == 0
    names = ("budget", "payable", "bank", "returned")
    entitled, *rest = (accounts.get(name, 0) // 1_000_000 for name in names)
    return (-entitled, *rest)


async def differences(tx: Transaction) -> list[str]:
    rows = await tx.connection.fetch("select code from differences order by id")
    return [row["code"] for row in rows]


async def test_a_booked_payment_is_paid_and_a_returned_one_is_owed(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a", "b", "c"])
        assert await standing(tx) == (3, 3, 0, 0)
        heard = await month.hear(1, month.booked("a", 1), month.booked("b", 1))
        assert heard == ["PaymentSettled", "PaymentSettled"]
        heard = await month.hear(2, month.sent_back("b", 2), month.refused("c", 2))
        assert heard == ["PaymentReturned", "PaymentReturned"]
        assert await month.states() == {"a": "settled", "b": "returned", "c": "returned"}
        assert await standing(tx) == (3, 0, 1, 2)


async def test_a_message_said_twice_counts_once(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a"])
        await month.hear(1, month.booked("a", 1), message_id="same")
        assert await month.hear(2, month.booked("a", 2), message_id="same") == []
        assert await differences(tx) == []
        assert await bank.last_number(tx) == 2
        assert await standing(tx) == (1, 0, 1, 0)


async def test_late_news_of_a_returned_payment_changes_nothing(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a"])
        await month.hear(5, month.sent_back("a", 5))
        before = await standing(tx)
        assert await month.hear(6, month.booked("a", 3)) == []
        assert await standing(tx) == before == (1, 0, 0, 1)


async def test_what_does_not_fit_is_kept_for_a_person(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a"])
        batch = await month.file()
        await month.hear(1, month.booked("a", 1, amount=999_999))
        await month.hear(2, month.refused("a", 2, uid("another file")))
        month.payments["stranger"] = uid("stranger")
        await month.hear(3, month.booked("stranger", 3))
        await month.hear(4, Unmatched("entry_unmatched", "REF", 5, "VND"))
        unreadable = Heard(5, "M5", "camt.054", "0" * 64, unreadable="not_xml")
        assert await bank.record_heard(tx, 4, [unreadable]) == []
        assert await differences(tx) == [
            "amount_differs",
            "other_file",
            "payment_unknown",
            "entry_unmatched",
            "message_unreadable",
        ]
        assert await standing(tx) == (1, 1, 0, 0)
        assert await month.hear(6, month.refused("a", 6, batch.id)) == ["PaymentReturned"]


async def test_a_cycle_closes_once_when_all_is_answered_and_the_bank_is_quiet(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a", "b"])
        await month.hear(1, month.booked("a", 1))
        quiet = Transaction(tx.connection, NOW, BenefitsSettings(rehearsal=True, bank_quiet_s=0))
        assert await bank.record_heard(quiet, 1, []) == []
        await month.hear(2, month.refused("b", 2))
        assert await bank.record_heard(tx, 2, []) == []  # the bank has just spoken
        (closed,) = await bank.record_heard(quiet, 2, [])
        assert isinstance(closed, Decided)
        fact = closed.payload
        assert isinstance(fact, CycleClosed)
        assert (fact.cycle_id, fact.ordered, fact.ordered_minor) == (month.cycle_id, 2, 2_000_000)
        assert (fact.settled, fact.settled_minor) == (1, 1_000_000)
        assert (fact.returned, fact.returned_minor) == (1, 1_000_000)
        assert await bank.record_heard(quiet, 2, []) == []
        late = await month.hear(3, month.sent_back("a", 3))
        assert late == ["PaymentReturned"]
        assert await bank.record_heard(quiet, 3, []) == []


async def test_a_file_holds_the_next_payments_and_waits_its_turn(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a", "b", "c"])
        few = Transaction(tx.connection, NOW, BenefitsSettings(rehearsal=True, file_payments=2))
        first = await bank.claim_batch(few)
        assert first is not None
        assert len(first.lines) == 2
        # No answer: it is put off, and the next file goes.
        second = await bank.claim_batch(few)
        assert second is not None
        assert {line.payment_id for line in first.lines + second.lines} == {
            *month.payments.values()
        }
        assert await bank.claim_batch(few) is None
        await tx.connection.execute("update batches set next_attempt_at = now() where state='open'")
        again = await bank.claim_batch(few)
        assert again in (first, second)


async def test_a_payment_waits_for_its_payees_contact_but_not_for_ever(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await ordered_month(tx, ["a", "b"], {"a": "ACCa"})
        batch = await bank.claim_batch(tx)
        assert batch is not None
        assert len(batch.lines) == 1
        assert await bank.claim_batch(tx) is None
        impatient = BenefitsSettings(rehearsal=True, contact_patience_s=0)
        tired = Transaction(tx.connection, NOW, impatient)
        late = await bank.claim_batch(tired)
        assert late is not None
        assert late.lines[0].contacts == ()


async def test_a_contact_or_a_key_that_ended_is_in_no_file(schema: Schema) -> None:
    # given three people whose payments are ordered
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a", "b", "c"])
        # when the contact of one and the key of another end
        await people.forget_contacts(tx, [str(uid("a"))])
        await people.forget_keys(tx, [str(uid("b"))])
        # then only the third is in the file, and of the first two nothing is held
        batch = await bank.claim_batch(tx)
        assert batch is not None
        assert [line.payment_id for line in batch.lines] == [month.payments["c"]]
        held = "select person_id from contacts join person_keys using (person_id)"
        assert [row[0] for row in await tx.connection.fetch(held)] == [uid("c")]


async def test_what_cannot_be_paid_counts_as_returned_when_the_file_is_taken(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a", "b"])
        await month.file(Sent("open", "bank.timeout"))
        assert await month.states() == {"a": "open", "b": "open"}
        await tx.connection.execute("update batches set next_attempt_at = now()")
        await month.file(Sent("taken", unpayable=(month.payments["a"],)))
        assert await month.states() == {"a": "returned", "b": "open"}
        assert await standing(tx) == (2, 1, 0, 1)
        assert await tx.connection.fetchval("select count(*) from batch_lines") == 0


async def test_a_refused_file_returns_all_its_payments_once(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a", "b"])
        batch = await month.file(Sent("refused", "FF01"))
        assert await month.states() == {"a": "returned", "b": "returned"}
        assert await month.hear(1, FileRejected(batch.id, "FF01")) == []
        assert await standing(tx) == (2, 0, 0, 2)


async def test_a_contradicted_file_moves_nothing_and_is_shown_to_a_person(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a"])
        await month.file(Sent("contradicted", "DU01"))
        assert await month.states() == {"a": "open"}
        assert await differences(tx) == ["file_contradicted"]
        assert await bank.claim_batch(tx) is None


@pytest.mark.parametrize(
    "statement",
    [
        "update transfers set amount_minor = 1",
        "delete from transfers",
        "update payments set amount_minor = 1",
        "update payments set payee_id = person_id",
        "delete from payments",
        "update cycles set digest = ''",
        "update cycles set state = 'ordered', prepared_by = 'me'",
        "delete from approvals",
        "insert into approvals select * from approvals",
        "delete from decisions",
        "update bank_messages set state = 'repeated'",
        "delete from differences",
    ],
)
async def test_the_worker_cannot_rewrite_what_was_approved_or_posted(
    schema: Schema, statement: str
) -> None:
    async with schema.transaction(NOW) as tx:
        await ordered_month(tx, ["a"])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.connection.execute(statement)


async def test_the_database_refuses_a_second_live_payment_and_a_one_sided_posting(
    schema: Schema,
) -> None:
    async with schema.transaction(NOW) as tx:
        await ordered_month(tx, ["a"])
        await tx.connection.execute("set local role benefits_api")
        doubled = (
            "insert into payments select gen_random_uuid(), region, cycle_id, entitlement_id,"
            " person_id, payee_id, residence, programme, month, component, amount_minor, currency,"
            " 'open' from payments"
        )
        with pytest.raises(asyncpg.UniqueViolationError):
            async with tx.connection.transaction():
                await tx.connection.execute(doubled)
        crooked = (
            "insert into transfers select payment_id, 'settled', region, programme, month,"
            " currency, amount_minor, 'payable', 'returned', posted_at from transfers"
        )
        with pytest.raises(asyncpg.CheckViolationError):
            async with tx.connection.transaction():
                await tx.connection.execute(crooked)


async def test_the_database_orders_nothing_with_one_officer(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a"])
        await tx.connection.execute("set local role benefits_api")
        await tx.connection.execute(
            "insert into cycles select gen_random_uuid(), region, programme, month, 9, currency,"
            " 'prepared', digest, payments, amount_minor, prepared_by, prepared_at from cycles"
        )
        with pytest.raises(asyncpg.RaiseError, match="two approvals"):
            await tx.connection.execute(
                "update cycles set state = 'ordered' where id <> $1", month.cycle_id
            )


async def test_messages_of_one_page_are_applied_in_their_order(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a"])
        page = [
            Heard(1, "M1", "camt.054", "0" * 64, (month.booked("a", 1),)),
            Heard(2, "M2", "camt.054", "0" * 64, (month.sent_back("a", 2),)),
            Heard(3, "M1", "camt.054", "0" * 64, (month.booked("a", 3),)),
        ]
        outcomes = await bank.record_heard(tx, 0, page)
        assert [type(o.payload).__name__ for o in outcomes if isinstance(o, Decided)] == [
            "PaymentSettled",
            "PaymentReturned",
        ]
        row = await store.lock_payments(tx.connection, [month.payments["a"]], [])
        assert (row[0]["booked_sequence"], row[0]["returned_sequence"]) == (1, 2)
        assert await standing(tx) == (1, 0, 0, 1)


async def test_officers_see_the_differences_of_their_regions(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, ["a"])
        await month.hear(1, month.booked("a", 1, amount=5), Unmatched("entry_unmatched", "X"))
        await tx.connection.execute("set local role benefits_api")
        (row,) = await store.page_differences(tx.connection, 0, 10)
        assert (row["code"], row["payment_id"]) == ("amount_differs", month.payments["a"])
        assert await store.page_differences(tx.connection, row["id"], 10) == []


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_the_bank_says_in_whatever_order_the_books_stand(
    schema: Schema, seed: int
) -> None:
    rng, names = Random(seed), ["a", "b", "c", "d", "e"]
    async with schema.transaction(NOW) as tx:
        month = await ordered_month(tx, names)
        sayings = [
            (number, rng.choice((month.booked, month.sent_back, month.refused))(name, number))
            for number, name in enumerate(rng.choices(names, k=20), start=1)
        ]
        ends = dict.fromkeys(names, "open")
        for _, saying in sayings:
            name = next(
                one for one, payment in month.payments.items() if payment == saying.payment_id
            )
            if isinstance(saying.answer, Booked):
                ends[name] = "settled" if ends[name] == "open" else ends[name]
            else:
                ends[name] = "returned"
        rng.shuffle(sayings)
        for place, (_, saying) in enumerate(sayings + sayings[:5], start=1):
            await month.hear(place, saying)
            entitled, *parts = await standing(tx)
            assert entitled == sum(parts) == len(names)
        assert await month.states() == ends
