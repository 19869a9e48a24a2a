"""The platform deals with the real local bank: kill it, lose its answers, ask it twice."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from services.benefits.gateways import (
    BankAnswer,
    BankGateway,
    BankUnavailableError,
    FileContradicted,
    FileRefused,
    FileTaken,
    NumberedMessage,
    OutboxBrokenError,
    OutcomeUnknown,
    PaymentBatch,
    PaymentBooked,
    PaymentOrder,
    PaymentRejected,
    PaymentReturned,
    SendOutcome,
    pain001,
    read_bank_message,
)
from tests.local_bank.files import ledger, wait_until_idle
from tests.local_bank.processes import Party, running

BUSY = ("--reject-share", "0.1", "--return-share", "0.1", "--twice-share", "0.5", "--late-s", "0.1")


@pytest.fixture
def bank(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Party]:
    options = getattr(request, "param", ())
    with running("deploy.local.bank", tmp_path / "bank", "--seed", "7", *BUSY, *options) as party:
        yield party


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def gateway(bank: Party, client: httpx.AsyncClient) -> BankGateway:
    return BankGateway(client, bank.url, timeout_s=30)


def batch_of(count: int, **changes: str) -> PaymentBatch:
    values = {"debtor_account": "HAMROH-AGENCY", **changes}
    return PaymentBatch(
        batch_id=uuid4(),
        created_at=datetime(2026, 9, 28, 8, 0, tzinfo=UTC),
        execute_on=date(2026, 9, 29),
        debtor_name="Agency",
        orders=tuple(
            PaymentOrder(
                payment_id=uuid4(),
                amount_minor=500_000 + number,
                currency="VND",
                creditor_name="Marked Person",
                creditor_account=f"MARKED-{number}",
            )
            for number in range(count)
        ),
        **values,
    )


async def everything_said(gateway: BankGateway, limit: int = 3) -> list[NumberedMessage]:
    messages: list[NumberedMessage] = []
    while page := await gateway.messages_after(len(messages), limit):
        messages += page
    return messages


def answers_in(messages: list[NumberedMessage]) -> list[BankAnswer]:
    once = {message.message_id: message for message in messages}
    return [
        answer
        for message in once.values()
        for answer in read_bank_message(message.document.encode())
    ]


async def test_every_payment_comes_back_booked_or_refused_and_the_sums_are_the_banks(
    gateway: BankGateway, bank: Party
) -> None:
    batch = batch_of(700)
    assert await gateway.send(pain001(batch)) == FileTaken()
    await asyncio.to_thread(wait_until_idle, bank)
    answers = answers_in(await everything_said(gateway))

    amounts = {order.payment_id: order.amount_minor for order in batch.orders}
    booked = {a.payment_id: a.amount_minor for a in answers if isinstance(a, PaymentBooked)}
    rejected = {a.payment_id for a in answers if isinstance(a, PaymentRejected)}
    returned = {a.payment_id: a.amount_minor for a in answers if isinstance(a, PaymentReturned)}
    assert len(answers) == len(booked) + len(rejected) + len(returned)
    assert booked.keys() | rejected == amounts.keys()
    assert not booked.keys() & rejected
    assert returned.items() <= booked.items() <= amounts.items()
    (books,) = (await asyncio.to_thread(ledger, bank))["batches"]
    assert books["message_id"] == batch.batch_id.hex
    assert books["booked"] == {"count": len(booked), "amount_minor": sum(booked.values())}
    assert books["returned"] == {"count": len(returned), "amount_minor": sum(returned.values())}


async def test_a_file_sent_again_changes_nothing(gateway: BankGateway, bank: Party) -> None:
    document = pain001(batch_of(3))
    outcomes = [await gateway.send(document) for _ in range(3)]
    assert set(outcomes) == {FileTaken()}
    assert (await asyncio.to_thread(ledger, bank))["totals"]["VND"]["instructed"]["count"] == 3


@pytest.mark.parametrize("bank", [("--lost-share", "1")], indirect=True, ids=["answers lost"])
async def test_after_a_lost_answer_the_same_file_is_sent_again_and_carried_out_once(
    gateway: BankGateway, bank: Party
) -> None:
    document = pain001(batch_of(3))
    assert await gateway.send(document) == OutcomeUnknown("http.504")
    assert await gateway.send(document) == FileTaken()
    assert (await asyncio.to_thread(ledger, bank))["totals"]["VND"]["instructed"]["count"] == 3


async def test_a_dead_bank_is_unknown_and_unavailable_until_it_is_back(
    gateway: BankGateway, bank: Party
) -> None:
    document = pain001(batch_of(3))
    bank.kill()
    assert await gateway.send(document) == OutcomeUnknown("bank.unreachable")
    with pytest.raises(BankUnavailableError):
        await gateway.messages_after(0, 10)
    await asyncio.to_thread(bank.start_again)
    assert await gateway.send(document) == FileTaken()


async def test_a_file_for_an_account_that_is_not_ours_is_refused(gateway: BankGateway) -> None:
    document = pain001(batch_of(1, debtor_account="MINISTRY"))
    assert await gateway.send(document) == FileRefused("AC02")


@pytest.mark.parametrize(
    ("document", "reason"),
    [(b"pay everybody", "FF01"), (b" " * (32 * 1024 * 1024 + 1), "http.413")],
    ids=["no file", "too large"],
)
async def test_what_is_no_file_is_refused(
    gateway: BankGateway, document: bytes, reason: str
) -> None:
    assert await gateway.send(document) == FileRefused(reason)


async def test_another_file_under_a_known_id_or_with_a_known_payment_is_a_contradiction(
    gateway: BankGateway,
) -> None:
    batch = batch_of(2)
    await gateway.send(pain001(batch))
    other = batch.model_copy(update={"orders": batch.orders[:1]})
    assert await gateway.send(pain001(other)) == FileContradicted("DU01")
    overlapping = batch.model_copy(update={"batch_id": UUID(int=4)})
    assert await gateway.send(pain001(overlapping)) == FileContradicted("DU04")


async def test_logs_and_faults_name_nobody(
    gateway: BankGateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        batch = batch_of(2)
        await gateway.send(pain001(batch))
        await gateway.send(pain001(batch)[:-9])
        await everything_said(gateway)
    assert "Marked" not in caplog.text
    assert "MARKED" not in caplog.text


EMPTY_REPORT = b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.002.001.12'/>"
Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(raw: bytes) -> Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


async def dripping(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends one byte of an endless answer every 50 ms, so that no single read times out."""
    try:
        writer.write(b"HTTP/1.1 202 Accepted\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
    except ConnectionError:
        writer.close()


async def asking(
    server: Server, question: Callable[[BankGateway], Awaitable[object]], timeout_s: float = 20
) -> object:
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient() as client:
            gateway = BankGateway(client, f"http://127.0.0.1:{port}", timeout_s=timeout_s)
            return await question(gateway)
    finally:
        listener.close()


async def send(gateway: BankGateway) -> SendOutcome:
    return await gateway.send(b"<file/>")


async def fetch(gateway: BankGateway) -> list[NumberedMessage]:
    return await gateway.messages_after(4, 2)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 500 Oops\r\n\r\n", "http.500"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "http.302"),
        (b"HTTP/1.1 422 No\r\n\r\nno", "bank.answer_unreadable"),
        (b"HTTP/1.1 422 No\r\n\r\n" + EMPTY_REPORT, "bank.answer_unreadable"),
        (b"HTTP/1.1 202 Accepted\r\n\r\n" + b"x" * (33 * 1024 * 1024), "bank.answer_too_large"),
        (b"220 this is a mail server\r\n", "bank.unreachable"),
        (b"", "bank.unreachable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_answer_that_says_nothing_sure_leaves_the_outcome_unknown(
    answer: bytes, reason: str
) -> None:
    assert await asking(answering(answer), send) == OutcomeUnknown(reason)


async def test_an_endless_answer_ends_at_the_time_limit() -> None:
    assert await asking(dripping, send, timeout_s=0.3) == OutcomeUnknown("bank.timeout")


def page(*numbers: int) -> str:
    messages = (
        f'{{"number": {number}, "message_id": "m", "kind": "camt.054", "document": "<x/>"}}'
        for number in numbers
    )
    return f"[{', '.join(messages)}]"


@pytest.mark.parametrize(
    "body",
    [
        page(6, 7),
        page(5, 7),
        page(6, 5),
        page(5, 5),
        page(4, 5),
        page(5, 6, 7),
        page(5).replace("5", "5.0"),
        page(5).replace("5", '"5"'),
        page(5).replace('"m"', f'"{"m" * 36}"'),
        "[" * 100_000,
        "{}",
        "null",
        "not json",
    ],
    ids=lambda body: body[:40],
)
async def test_a_page_that_does_not_go_on_where_we_stopped_is_not_believed(body: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\n\r\n{body}".encode()
    with pytest.raises(OutboxBrokenError):
        await asking(answering(answer), fetch)


async def test_a_page_that_goes_on_is_taken() -> None:
    answer = f"HTTP/1.1 200 OK\r\n\r\n{page(5, 6)}".encode()
    messages = await asking(answering(answer), fetch)
    assert isinstance(messages, list)
    assert [message.number for message in messages] == [5, 6]


async def test_a_bank_that_answers_with_an_error_is_asked_later() -> None:
    with pytest.raises(BankUnavailableError, match=r"http\.503"):
        await asking(answering(b"HTTP/1.1 503 Busy\r\n\r\n"), fetch)
