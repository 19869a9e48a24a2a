"""Text messages go to the real local provider, to broken ones, and to none at all."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notifications.gateways import Delivered, Outcome, Refused, SmsGateway, Unknown
from tests.local_bank.processes import Party, running

TEXT = "Mã của bà là 4711. Числа на екрані. رقمك"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with running("deploy.local.sinks sms", tmp_path_factory.mktemp("sms") / "box") as party:
        yield party


@pytest.fixture
async def gateway(provider: Party) -> AsyncIterator[SmsGateway]:
    async with httpx.AsyncClient() as client:
        yield SmsGateway(client, provider.url, timeout_s=30)


def inbox(provider: Party, message_id: UUID) -> list[dict[str, str]]:
    messages = provider.get("/messages", params={"limit": 1000}).json()
    return [message for message in messages if message["id"] == message_id.hex]


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Refused)
    return outcome.reason


def unknown(outcome: Outcome) -> str:
    assert isinstance(outcome, Unknown)
    return outcome.reason


async def test_a_text_in_any_script_arrives_as_written(
    gateway: SmsGateway, provider: Party
) -> None:
    message_id = uuid4()
    outcome = await gateway.send(message_id, "+84912345678", TEXT)
    assert isinstance(outcome, Delivered)
    (message,) = inbox(provider, message_id)
    assert (message["to"], message["text"]) == ("+84912345678", TEXT)


async def test_a_message_sent_again_is_confirmed_alike_and_arrives_once(
    gateway: SmsGateway, provider: Party
) -> None:
    message_id = uuid4()
    outcomes = [await gateway.send(message_id, "+84912345678", TEXT) for _ in range(3)]
    assert len(set(outcomes)) == 1
    assert len(inbox(provider, message_id)) == 1


async def test_the_same_id_with_another_text_is_refused(
    gateway: SmsGateway, provider: Party
) -> None:
    message_id = uuid4()
    await gateway.send(message_id, "+84912345678", "first")
    assert refused(await gateway.send(message_id, "+84912345678", "second")) == "id_reused"
    assert [message["text"] for message in inbox(provider, message_id)] == ["first"]


async def test_a_number_out_of_service_is_refused_for_good(gateway: SmsGateway) -> None:
    outcome = await gateway.send(uuid4(), "+84912900001", TEXT)
    assert refused(outcome) == "number_not_in_service"


async def test_a_busy_provider_takes_the_message_the_second_time(
    gateway: SmsGateway, provider: Party
) -> None:
    message_id = uuid4()
    assert unknown(await gateway.send(message_id, "+84912900002", TEXT)) == "busy"
    assert inbox(provider, message_id) == []
    assert isinstance(await gateway.send(message_id, "+84912900002", TEXT), Delivered)


async def test_a_lost_answer_is_found_again_by_asking_with_the_same_id(
    gateway: SmsGateway, provider: Party
) -> None:
    message_id = uuid4()
    assert unknown(await gateway.send(message_id, "+84912900003", TEXT)) == "answer_lost"
    assert isinstance(await gateway.send(message_id, "+84912900003", TEXT), Delivered)
    assert len(inbox(provider, message_id)) == 1


async def test_a_message_that_never_arrives_is_reported_so(
    gateway: SmsGateway, provider: Party
) -> None:
    message_id = uuid4()
    await gateway.send(message_id, "+84912900004", TEXT)
    assert [message["status"] for message in inbox(provider, message_id)] == ["undelivered"]


@pytest.mark.parametrize(
    ("to", "text", "reason"),
    [
        ("0912345678", TEXT, "number.malformed"),
        ("+84912345678\n", TEXT, "number.malformed"),
        ("+٨٤٩١٢٣٤٥٦٧", TEXT, "number.malformed"),
        ("+84912345678", "", "text.length"),
        ("+84912345678", "x" * 1601, "text.length"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anybody_is_asked(
    to: str, text: str, reason: str
) -> None:
    async with httpx.AsyncClient() as client:
        gateway = SmsGateway(client, "http://127.0.0.1:1", timeout_s=30)
        assert refused(await gateway.send(uuid4(), to, text)) == reason


async def test_nobody_at_home_means_unknown() -> None:
    async with httpx.AsyncClient() as client:
        gateway = SmsGateway(client, "http://127.0.0.1:1", timeout_s=30)
        outcome = await gateway.send(uuid4(), "+84912345678", TEXT)
    assert unknown(outcome) == "provider.unreachable"


Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(raw: bytes) -> Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends one byte of an endless answer every 50 ms, so that no single read times out."""
    try:
        writer.write(b"HTTP/1.1 202 Accepted\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
    except ConnectionError:
        writer.close()


async def send_to(server: Server, timeout_s: float = 30) -> Outcome:
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient() as client:
            gateway = SmsGateway(client, f"http://127.0.0.1:{port}", timeout_s=timeout_s)
            return await gateway.send(uuid4(), "+84912345678", TEXT)
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 500 Oops\r\n\r\n", "http.500"),
        (b"HTTP/1.1 401 No\r\n\r\n", "http.401"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "http.302"),
        (b'HTTP/1.1 503 Busy\r\n\r\n{"code": "+84912345678 is busy"}', "http.503"),
        (b"HTTP/1.1 202 Accepted\r\n\r\nnot json", "provider.answer_unreadable"),
        (b"HTTP/1.1 202 Accepted\r\n\r\n[]", "provider.answer_unreadable"),
        (b'HTTP/1.1 202 Accepted\r\n\r\n{"provider_id": 7}', "provider.answer_unreadable"),
        (b"HTTP/1.1 202 Accepted\r\n\r\n" + b"[" * 60_000, "provider.answer_unreadable"),
        (b"HTTP/1.1 202 Accepted\r\n\r\n" + b" " * 9_000_000, "provider.answer_unreadable"),
        (b"SMTP 220 hello\r\n", "provider.unreachable"),
        (b"", "provider.unreachable"),
    ],
)
async def test_an_answer_that_says_nothing_sure_means_unknown(answer: bytes, reason: str) -> None:
    assert unknown(await send_to(answering(answer))) == reason


async def test_an_endless_answer_ends_at_the_time_limit() -> None:
    assert unknown(await send_to(never, timeout_s=0.3)) == "provider.timeout"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(), min_size=1, max_size=200))
async def test_no_text_whatever_makes_the_gateway_raise(gateway: SmsGateway, text: str) -> None:
    assert isinstance(await gateway.send(uuid4(), "+84912345678", text), Delivered | Refused)


async def test_logs_name_nobody(gateway: SmsGateway, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await gateway.send(uuid4(), "+84912345678", "for Thị Marked only")
        await gateway.send(uuid4(), "+84912900001", "for Thị Marked only")
    assert "912345678" not in caplog.text
    assert "Marked" not in caplog.text
