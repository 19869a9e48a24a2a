"""Mail goes to the real local server, which confirms, refuses, hesitates and hangs up."""

import asyncio
import email
import email.policy
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.notifications.gateways import (
    Delivered,
    Mail,
    MailGateway,
    MailServer,
    Refused,
    Unknown,
)
from tests.local_bank.processes import Party, free_port, running

TEXT = "Kính gửi bà,\n\nвиплату зараховано.\n.\nدفعة"
MAIL = Mail("Thông báo: дитина", TEXT, datetime(2026, 9, 28, 8, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    with running("deploy.local.sinks smtp", tmp_path_factory.mktemp("mail") / "box") as party:
        yield party


def gateway_to(port: int, timeout_s: float = 30) -> MailGateway:
    return MailGateway(
        MailServer("127.0.0.1", port, encryption="opportunistic"),
        sender="no-reply@agency.example",
        timeout_s=timeout_s,
    )


@pytest.fixture
def gateway(server: Party) -> MailGateway:
    return gateway_to(server.port)


def said(text: str) -> Mail:
    return replace(MAIL, text=text)


def letters(server: Party, message_id: UUID) -> list[EmailMessage]:
    messages = server.get("/messages", params={"limit": 1000}).json()
    return [
        email.message_from_string(message["text"], policy=email.policy.default)
        for message in messages
        if message["id"] == f"<{message_id.hex}@agency.example>"
    ]


async def test_a_letter_arrives_as_written_and_says_it_is_automatic(
    gateway: MailGateway, server: Party
) -> None:
    message_id = uuid4()
    outcome = await gateway.send(message_id, "anna@example.org", MAIL)
    assert outcome == Delivered(f"<{message_id.hex}@agency.example>")
    (letter,) = letters(server, message_id)
    assert letter.get_content().replace("\r\n", "\n").rstrip("\n") == TEXT
    assert letter["To"] == "anna@example.org"
    assert letter["Subject"] == MAIL.subject
    assert letter["Date"].datetime == MAIL.written_at
    assert letter["Auto-Submitted"] == "auto-generated"


async def test_a_letter_sent_again_is_confirmed_and_arrives_once(
    gateway: MailGateway, server: Party
) -> None:
    message_id = uuid4()
    first = await gateway.send(message_id, "anna@example.org", MAIL)
    assert await gateway.send(message_id, "anna@example.org", MAIL) == first
    assert len(letters(server, message_id)) == 1


async def test_an_unknown_mailbox_is_refused_for_good(gateway: MailGateway) -> None:
    outcome = await gateway.send(uuid4(), "refused.anna@example.org", MAIL)
    assert outcome == Refused("smtp.550")


async def test_a_hesitating_server_takes_the_letter_the_second_time(
    gateway: MailGateway, server: Party
) -> None:
    message_id = uuid4()
    assert await gateway.send(message_id, "busy@example.org", MAIL) == Unknown("smtp.451")
    assert letters(server, message_id) == []
    assert isinstance(await gateway.send(message_id, "busy@example.org", MAIL), Delivered)


async def test_a_connection_that_breaks_before_the_answer_means_unknown_and_nothing_doubles(
    gateway: MailGateway, server: Party
) -> None:
    message_id = uuid4()
    outcome = await gateway.send(message_id, "lost@example.org", MAIL)
    assert outcome == Unknown("provider.unreachable")
    assert isinstance(await gateway.send(message_id, "lost@example.org", MAIL), Delivered)
    assert len(letters(server, message_id)) == 1


async def test_an_address_in_its_own_script_is_understood(
    gateway: MailGateway, server: Party
) -> None:
    message_id = uuid4()
    assert isinstance(await gateway.send(message_id, "анна@пошта.укр", MAIL), Delivered)
    (letter,) = letters(server, message_id)
    assert "анна@пошта.укр" in str(letter["To"])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "anna",
        "anna@",
        "@example.org",
        "anna@example.org\r\nBcc: all@example.org",
        "anna@example.org, bob@example.org",
        "Anna <anna@example.org>",
        "\x00@example.org",
    ],
)
async def test_what_is_no_address_is_refused_and_smuggles_nothing(
    gateway: MailGateway, server: Party, address: str
) -> None:
    message_id = uuid4()
    assert await gateway.send(message_id, address, MAIL) == Refused("address.malformed")
    assert letters(server, message_id) == []


async def test_an_empty_or_endless_text_is_refused(gateway: MailGateway) -> None:
    assert await gateway.send(uuid4(), "anna@example.org", said("")) == Refused("text.length")
    endless = said("x" * 100_001)
    assert await gateway.send(uuid4(), "anna@example.org", endless) == Refused("text.length")


async def test_nobody_at_home_means_unknown() -> None:
    outcome = await gateway_to(free_port()).send(uuid4(), "anna@example.org", MAIL)
    assert outcome == Unknown("provider.unreachable")


Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def saying(*lines: bytes) -> Server:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line)
            await writer.drain()
            await reader.readline()
        writer.close()

    return converse


async def send_to(
    server: Server, address: str = "anna@example.org", timeout_s: float = 5
) -> object:
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        return await gateway_to(port, timeout_s).send(uuid4(), address, MAIL)
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([b"554 not today\r\n"], "smtp.554"),
        ([b"220 hi\r\n", b"250 hi\r\n", b"530 sign in first\r\n"], "smtp.530"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], "provider.unreachable"),
        ([b"220 hi\r\n", b"250-hi\r\n" + b"250-x\r\n" * 100_000], "provider.unreachable"),
    ],
)
async def test_a_server_that_will_not_talk_to_us_refuses_no_letter(
    lines: list[bytes], reason: str
) -> None:
    assert await send_to(saying(*lines)) in {Unknown(reason), Unknown("provider.timeout")}


async def test_a_server_without_other_scripts_refuses_an_address_in_one() -> None:
    plain = saying(b"220 hi\r\n", b"250 hi\r\n")
    assert await send_to(plain, "анна@пошта.укр") == Refused("address.not_supported")


async def test_a_silent_server_ends_at_the_time_limit() -> None:
    assert await send_to(saying(b""), timeout_s=0.5) == Unknown("provider.timeout")


class Takes:
    """Takes every letter as said, keeps what was said before, and answers no farewell."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            self.heard.append(line)
            match line[:4].upper():
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    writer.write(self.answer)
                case b"QUIT":
                    continue
                case _:
                    writer.write(b"250 so be it\r\n")
        writer.close()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"250 kept\r\n", Delivered),
        (b"554 no\r\n", Refused),
        (b"451 later\r\n", Unknown),
    ],
)
async def test_an_answer_to_the_letter_stands_whatever_becomes_of_the_farewell(
    answer: bytes, verdict: type
) -> None:
    server = Takes(answer)
    outcome = await send_to(server)
    assert isinstance(outcome, verdict)
    assert outcome != Unknown("provider.timeout")
    assert [line[:4] for line in server.heard].count(b"QUIT") == 1


async def test_the_server_is_greeted_in_the_senders_name_and_nobody_is_asked_for_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asked() -> str:
        raise AssertionError

    monkeypatch.setattr("socket.getfqdn", asked)
    server = Takes(b"250 kept\r\n")
    assert isinstance(await send_to(server), Delivered)
    assert server.heard[0] == b"EHLO agency.example\r\n"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(), min_size=1, max_size=200), to=st.emails() | st.text())
async def test_no_text_and_no_address_makes_the_gateway_raise(
    gateway: MailGateway, to: str, text: str
) -> None:
    outcome = await gateway.send(uuid4(), to, said(text))
    assert isinstance(outcome, Delivered | Refused | Unknown)


async def test_logs_name_nobody(gateway: MailGateway, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await gateway.send(uuid4(), "marked@example.org", MAIL)
        await gateway.send(uuid4(), "refused.marked@example.org", MAIL)
    assert "marked" not in caplog.text


def test_a_server_is_shown_without_its_password() -> None:
    server = MailServer("mail.example", 587, "starttls", "agency", SecretStr("mulberry"))
    assert "mulberry" not in repr(server)
