"""A mail server that delivers to nobody: it keeps every message under its Message-ID.

It speaks SMTP with SMTPUTF8. A second delivery with a known Message-ID is confirmed and adds
nothing, as careful mailboxes do. What arrived is read over HTTP: `GET /messages?after=N&limit=M`
(`text` is the message as it came), `GET /count`, `GET /health/ready`.

Recipients whose name begins so misbehave, for rehearsal:

- `refused`: there is no such mailbox (550);
- `busy`: 451 the first time, and the message is not taken;
- `lost`: the message is taken, but the first time the connection breaks before the answer.
"""

import asyncio
import email
import email.policy
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import FastAPI

from deploy.local.sinks.box import Box, reading_routes

MAX_MESSAGE_BYTES = 256 * 1024
IDLE_TIMEOUT_S = 60


class _Mailroom:
    """Answers the two SMTP commands that decide something: who it is for, and the message."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_RCPT(  # noqa: N802 - the library looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if address.startswith("refused"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the library looks for this name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else bytes(content or b"")
        message_id = _message_id(raw)
        recipient = envelope.rcpt_tos[0]
        first = self._box.count_attempt(message_id) == 1
        if first and recipient.startswith("busy"):
            return "451 4.3.2 try again later"
        self._box.keep(message_id, recipient, raw.decode("utf-8", "replace"), "delivered")
        if first and recipient.startswith("lost"):
            cast("asyncio.WriteTransport", server.transport).abort()
        return "250 2.0.0 kept"


def create_mail_app(box: Box, host: str, smtp_port: int) -> FastAPI:
    """An ASGI application that shows the box and, while it lives, takes mail on `smtp_port`."""
    # The library logs addresses at INFO.
    logging.getLogger("mail").setLevel(logging.CRITICAL)

    @asynccontextmanager
    async def taking_mail(_app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        room = _Mailroom(box)
        server = await loop.create_server(lambda: _session(room, loop), host, smtp_port)
        try:
            yield
        finally:
            server.close()

    app = FastAPI(title="Local mail", docs_url=None, redoc_url=None, lifespan=taking_mail)
    app.include_router(reading_routes(box))
    return app


def _session(room: _Mailroom, loop: asyncio.AbstractEventLoop) -> SMTP:
    return SMTP(
        room,
        data_size_limit=MAX_MESSAGE_BYTES,
        enable_SMTPUTF8=True,
        hostname="localhost",
        ident="mail",
        timeout=IDLE_TIMEOUT_S,
        loop=loop,
    )


def _message_id(raw: bytes) -> str:
    """The message's own id, or a digest of it where it names none."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return str(message["Message-ID"] or hashlib.sha256(raw).hexdigest()).strip()
