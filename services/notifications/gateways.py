"""How a message leaves the platform: text messages over HTTP, mail over SMTP.

Both gateways take the message's own id as the key that makes a repetition harmless, and answer
with one of three values. None of them raises for what the other side does, and no reason, log or
exception carries a number, an address or a text: reasons are codes.
"""

import asyncio
import json
import re
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Final, Literal
from uuid import UUID

import aiosmtplib
import httpx
from pydantic import SecretStr

from contracts.values import EMAIL_ADDRESS

MAX_SMS_CHARACTERS = 1600
MAX_MAIL_CHARACTERS = 100_000
MAX_ANSWER_BYTES = 64 * 1024

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_ADDRESS = re.compile(EMAIL_ADDRESS)
_REASON = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_REFUSING_STATUSES = frozenset({400, 409, 413, 422})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The provider has taken the message; repeating it sends nothing twice."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The message will never be taken as it is; repeating it is useless. `reason` is a code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Taken or not: nobody knows. Send again later with the same id. `reason` is a code."""

    reason: str


Outcome = Delivered | Refused | Unknown
SILENCE: Final = Unknown("provider.timeout")
"""The provider took longer than it may."""


def _encodable(text: str) -> str:
    """The text with halves of characters, which no encoding can carry, as question marks."""
    return text.encode("utf-8", "replace").decode()


class SmsGateway:
    """Sends text messages to a provider that takes `POST {url}/messages` with id, to and text."""

    def __init__(self, client: httpx.AsyncClient, url: str, timeout_s: float) -> None:
        """`timeout_s` bounds one attempt as a whole, from connecting to the last byte."""
        self._client = client
        self._url = f"{url.rstrip('/')}/messages"
        self._timeout_s = timeout_s

    async def send(self, message_id: UUID, to: str, text: str) -> Outcome:
        """Sends a text of at most 1,600 characters to a number in E.164 (`+84912345678`)."""
        if not _PHONE.fullmatch(to):
            return Refused("number.malformed")
        if not 0 < len(text) <= MAX_SMS_CHARACTERS:
            return Refused("text.length")
        body = {"id": message_id.hex, "to": to, "text": _encodable(text)}
        try:
            async with asyncio.timeout(self._timeout_s):
                status, answer = await self._post(body)
        except TimeoutError:
            return SILENCE
        except httpx.HTTPError:
            return Unknown("provider.unreachable")
        return _outcome(status, answer)

    async def _post(self, body: dict[str, str]) -> tuple[int, bytes]:
        # Uncompressed, so that a small answer cannot unfold into a large one.
        headers = {"Accept-Encoding": "identity"}
        async with self._client.stream("POST", self._url, json=body, headers=headers) as response:
            answer = bytearray()
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    return response.status_code, b""
            return response.status_code, bytes(answer)


def _outcome(status: int, answer: bytes) -> Outcome:
    if status == httpx.codes.ACCEPTED:
        provider_id = _member(answer, "provider_id")
        return Delivered(provider_id) if provider_id else Unknown("provider.answer_unreadable")
    code = _member(answer, "code")
    reason = code if _REASON.fullmatch(code) else f"http.{status}"
    return Refused(reason) if status in _REFUSING_STATUSES else Unknown(reason)


def _member(answer: bytes, name: str) -> str:
    """A short text in the answer's JSON object; empty if there is none."""
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) and len(value) <= 100 else ""  # noqa: PLR2004 - a bound


Encryption = Literal["tls", "starttls", "opportunistic"]
"""TLS from the first byte; STARTTLS or nothing else; STARTTLS if offered, which whoever is on the
way can take away: it is for a rehearsal, and no password is told that way."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, and how it is protected on the way."""

    host: str
    port: int
    encryption: Encryption = "starttls"
    username: str | None = None
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """What is sent. A repetition has the same `written_at`: it is the same letter."""

    subject: str
    """Shows on locked screens and in logs: it says what may be known to all."""
    text: str
    written_at: datetime


class MailGateway:
    """Sends plain text mail."""

    def __init__(self, server: MailServer, sender: str, timeout_s: float) -> None:
        """`sender` is an address; its domain completes Message-IDs and is who greets the server."""
        self._server = server
        self._sender = Address(addr_spec=sender)
        self._own_name = self._sender.domain.encode("idna").decode()
        self._timeout_s = timeout_s
        self._trust = ssl.create_default_context()

    async def send(self, message_id: UUID, to: str, mail: Mail) -> Outcome:
        """Sends to an address; the Message-ID is the id, so that receivers drop repeats."""
        if not 0 < len(mail.text) <= MAX_MAIL_CHARACTERS:
            return Refused("text.length")
        letter = self._letter(message_id, to, mail)
        if letter is None:
            return Refused("address.malformed")
        client, outcome = self._client(), None
        try:
            async with asyncio.timeout(self._timeout_s):
                await client.connect()
                outcome = await _handed_over(client, letter)
                await client.quit()
        except (aiosmtplib.SMTPException, OSError) as fault:
            # Once the server has answered to the letter, no farewell changes the answer.
            return outcome or _mail_outcome(fault)
        finally:
            client.close()
        return outcome

    def _letter(self, message_id: UUID, to: str, mail: Mail) -> EmailMessage | None:
        if not _ADDRESS.fullmatch(to):
            return None
        username, _, domain = to.partition("@")
        try:
            recipient = Address(username=username, domain=domain)
        except (ValueError, IndexError, MessageError):
            return None
        letter = EmailMessage(policy=SMTP_POLICY)
        letter["From"] = self._sender
        letter["To"] = recipient
        letter["Subject"] = mail.subject
        letter["Date"] = mail.written_at
        letter["Message-ID"] = f"<{message_id.hex}@{self._sender.domain}>"
        # Machines that answer letters by themselves shall not answer this one (RFC 3834).
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(_encodable(mail.text), charset="utf-8", cte="base64")
        return letter

    def _client(self) -> aiosmtplib.SMTP:
        password = self._server.password
        start_tls = {"tls": False, "starttls": True}.get(self._server.encryption)
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username,
            password=password.get_secret_value() if password else None,
            local_hostname=self._own_name,
            timeout=self._timeout_s,
            use_tls=self._server.encryption == "tls",
            start_tls=start_tls,
            tls_context=self._trust,
        )


async def _handed_over(client: aiosmtplib.SMTP, letter: EmailMessage) -> Outcome:
    """What the server answers to a letter."""
    try:
        await client.send_message(letter)
    except aiosmtplib.SMTPNotSupported:
        return Refused("address.not_supported")
    except aiosmtplib.SMTPException as fault:
        return _mail_outcome(fault)
    return Delivered(str(letter["Message-ID"]))


def _mail_outcome(fault: Exception) -> Outcome:
    """Only the receiver's own permanent answer to this letter refuses it (RFC 5321, 4.2.1)."""
    match fault:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[refusal, *_]):
            code = refusal.code
        case aiosmtplib.SMTPDataError() | aiosmtplib.SMTPRecipientRefused():
            code = fault.code
        case TimeoutError() | aiosmtplib.SMTPTimeoutError():
            return SILENCE
        case aiosmtplib.SMTPResponseException(code=code) if code > 0:
            return Unknown(f"smtp.{code}")
        case _:
            return Unknown("provider.unreachable")
    permanent = 500 <= code < 600  # noqa: PLR2004 - RFC 5321: 5yz is a permanent refusal
    return Refused(f"smtp.{code}") if permanent else Unknown(f"smtp.{code}")
