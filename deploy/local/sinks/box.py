"""The box of a sink: every message once, numbered, on disk before the sender is answered."""

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    recipient  TEXT NOT NULL,
    content    TEXT NOT NULL,
    digest     BLOB NOT NULL,
    status     TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS attempts (
    id     TEXT PRIMARY KEY,
    tries  INTEGER NOT NULL
) STRICT;
"""
_COUNT_ATTEMPT = """
INSERT INTO attempts (id, tries) VALUES (?, 1)
ON CONFLICT (id) DO UPDATE SET tries = tries + 1 RETURNING tries
"""
_FIND = "SELECT number, id, recipient, content, digest, status FROM messages WHERE id = ?"
_INSERT = """
INSERT INTO messages (id, recipient, content, digest, status) VALUES (?, ?, ?, ?, ?)
"""
_PAGE = """
SELECT number, id, recipient, content, digest, status FROM messages
WHERE number > ? ORDER BY number LIMIT ?
"""
_COUNT = "SELECT count(*) FROM messages"
_TRIES = "SELECT tries FROM attempts WHERE id = ?"

MAX_PAGE = 1000


class Kept(Enum):
    """What the box did with a message."""

    NEW = auto()
    SAME = auto()
    """The id is known with this very content: nothing was added."""
    OTHER = auto()
    """The id is known with other content: nothing was added."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the box holds it; `number` counts from 1 without gaps."""

    number: int
    id: str
    recipient: str
    content: str
    status: str


class Box:
    """Messages of one sink, in SQLite. Used from one thread: the sink's event loop."""

    def __init__(self, directory: Path) -> None:
        """Opens the box of the directory, or makes an empty one."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            directory / "messages.sqlite", isolation_level=None, check_same_thread=False
        )
        # Written to the log before each answer: a killed process loses nothing it confirmed.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)

    def count_attempt(self, message_id: str) -> int:
        """Notes that somebody tried to deliver this id; the first time it is 1."""
        return int(self._database.execute(_COUNT_ATTEMPT, (message_id,)).fetchone()[0])

    def keep(self, message_id: str, recipient: str, content: str, status: str) -> Kept:
        """Keeps a message unless its id is known."""
        digest = hashlib.sha256(f"{recipient}\x00{content}".encode()).digest()
        with closing(self._database.execute(_FIND, (message_id,))) as rows:
            known = rows.fetchone()
        if known is not None:
            return Kept.SAME if known[4] == digest else Kept.OTHER
        self._database.execute(_INSERT, (message_id, recipient, content, digest, status))
        return Kept.NEW

    def find(self, message_id: str) -> Message | None:
        """The message with this id."""
        row = self._database.execute(_FIND, (message_id,)).fetchone()
        return _message(row) if row else None

    def page(self, after: int, limit: int) -> list[Message]:
        """Messages numbered above `after`, in order."""
        return [_message(row) for row in self._database.execute(_PAGE, (after, limit))]

    def count(self) -> int:
        """How many messages the box holds."""
        return int(self._database.execute(_COUNT).fetchone()[0])

    def tries(self, message_id: str) -> int:
        """How often delivery of this id was tried."""
        row = self._database.execute(_TRIES, (message_id,)).fetchone()
        return int(row[0]) if row else 0


def _message(row: tuple[int, str, str, str, bytes, str]) -> Message:
    number, message_id, recipient, content, _, status = row
    return Message(number, message_id, recipient, content, status)


def reading_routes(box: Box) -> APIRouter:
    """What every sink lets an auditor read: readiness, a count, the messages in order."""
    router = APIRouter()

    @router.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @router.get("/count")
    async def count() -> dict[str, int]:
        return {"messages": box.count()}

    @router.get("/messages")
    async def messages(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    ) -> list[dict[str, Any]]:
        return [
            {
                "number": message.number,
                "id": message.id,
                "to": message.recipient,
                "text": message.content,
                "status": message.status,
                "tries": box.tries(message.id),
            }
            for message in box.page(after, limit)
        ]

    return router
