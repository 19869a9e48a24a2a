"""The bank's books: accounts, orders, double entry and the numbered outbox, in one SQLite file.

Every change is one transaction that is on disk before anybody hears of it, so the process may be
killed at any instant. Nothing is ever deleted but finished steps of work.
"""

import fcntl
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deploy.local.bank.answers import About
from deploy.local.bank.orders import Order, Refusal, Transfer

Action = Literal["judge", "book", "return", "repeat"]
Side = Literal["debit", "credit"]
EQUITY = "OPENING"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    number           TEXT NOT NULL,
    currency         TEXT NOT NULL,
    available_minor  INTEGER NOT NULL CHECK (available_minor >= 0),
    PRIMARY KEY (number, currency)
) STRICT;
CREATE TABLE IF NOT EXISTS batches (
    message_id              TEXT PRIMARY KEY,
    digest                  BLOB NOT NULL,
    refusal                 BLOB,
    payment_information_id  TEXT NOT NULL,
    debtor_account          TEXT NOT NULL,
    currency                TEXT NOT NULL,
    execute_on              TEXT NOT NULL,
    transfers               INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS instructions (
    end_to_end_id     TEXT PRIMARY KEY,
    batch             TEXT NOT NULL REFERENCES batches,
    position          INTEGER NOT NULL,
    amount_minor      INTEGER NOT NULL,
    creditor_name     TEXT NOT NULL,
    creditor_account  TEXT NOT NULL,
    outcome           TEXT NOT NULL,
    reason            TEXT NOT NULL,
    late              INTEGER NOT NULL,
    status            TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS instructions_in_order ON instructions (batch, status, position);
CREATE TABLE IF NOT EXISTS entries (
    number         INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL,
    account        TEXT NOT NULL,
    currency       TEXT NOT NULL,
    side           TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
    batch          TEXT NOT NULL,
    end_to_end_id  TEXT NOT NULL,
    booked_on      TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    number      INTEGER PRIMARY KEY,
    message_id  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    document    BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS steps (
    number   INTEGER PRIMARY KEY,
    due_at   REAL NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    late     INTEGER NOT NULL
) STRICT;
"""
_OPEN_ACCOUNT = (
    "INSERT OR IGNORE INTO accounts (number, currency, available_minor) VALUES (?, ?, ?)"
)
_FIND_ACCOUNT = "SELECT 1 FROM accounts WHERE number = ? AND currency = ?"
_AVAILABLE = "SELECT available_minor FROM accounts WHERE number = ? AND currency = ?"
_CHANGE_AVAILABLE = """
UPDATE accounts SET available_minor = available_minor + ? WHERE number = ? AND currency = ?
"""
_FIND_BATCH = "SELECT digest, refusal, transfers FROM batches WHERE message_id = ?"
_INSERT_BATCH = "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_ABOUT = """
SELECT message_id, payment_information_id, debtor_account, currency, execute_on
FROM batches WHERE message_id = ?
"""
_INSERT_INSTRUCTION = "INSERT INTO instructions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'received')"
_KNOWN_PAYMENT = "SELECT 1 FROM instructions WHERE end_to_end_id = ?"
_COLUMNS = "SELECT end_to_end_id, amount_minor, creditor_account, outcome, reason FROM instructions"
_WAITING = {
    "judge": f"""{_COLUMNS}
        WHERE batch = :batch AND status = 'received' ORDER BY position LIMIT :limit""",
    "book": f"""{_COLUMNS}
        WHERE batch = :batch AND status = 'accepted' AND late = :late
        ORDER BY position LIMIT :limit""",
    "return": f"""{_COLUMNS}
        WHERE batch = :batch AND status = 'booked' AND late = :late AND outcome = 'return'
        ORDER BY position LIMIT :limit""",
}
_SET_STATUS = "UPDATE instructions SET status = ? WHERE end_to_end_id = ?"
_INSERT_ENTRY = """
INSERT INTO entries (kind, account, currency, side, amount_minor, batch, end_to_end_id, booked_on)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_PUBLISH = """
INSERT INTO outbox (number, message_id, kind, document)
SELECT coalesce(max(number), 0) + 1, ?, ?, ? FROM outbox
"""
_REPEAT = """
INSERT INTO outbox (number, message_id, kind, document)
SELECT (SELECT max(number) + 1 FROM outbox), message_id, kind, document
FROM outbox WHERE message_id = ? ORDER BY number LIMIT 1
"""
_OUTBOX_PAGE = """
SELECT number, message_id, kind, document FROM outbox WHERE number > ? ORDER BY number LIMIT ?
"""
_INSERT_STEP = "INSERT INTO steps (due_at, action, subject, late) VALUES (?, ?, ?, ?)"
_NEXT_STEP = (
    "SELECT number, due_at, action, subject, late FROM steps ORDER BY due_at, number LIMIT 1"
)
_DELETE_STEP = "DELETE FROM steps WHERE number = ?"


@dataclass(frozen=True, slots=True)
class Known:
    """An order file the bank has seen: what it was, and how it was answered."""

    digest: bytes
    refusal: bytes | None
    transfers: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payment the bank is working on."""

    end_to_end_id: str
    amount_minor: int
    creditor_account: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A transfer of an order with what is going to happen to it."""

    transfer: Transfer
    outcome: str
    reason: str
    late: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of work that is due at a time of this machine (seconds since 1970)."""

    number: int
    due_at: float
    action: Action
    subject: str
    late: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """A message of the outbox."""

    number: int
    message_id: str
    kind: str
    document: bytes


class Books:
    """The bank's only storage. Its methods may be called from several threads."""

    def __init__(self, directory: Path) -> None:
        """Opens the books of the directory, or makes empty ones.

        A `BlockingIOError` if another process has them open: two banks with one set of books
        would book twice.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._alone = (directory / "lock").open("w")
        fcntl.flock(self._alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._turn = threading.RLock()
        self._database = sqlite3.connect(
            directory / "bank.sqlite", isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes made inside are kept, or none."""
        with self._turn:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Every row of a query, read at one instant."""
        with self._turn:
            return self._database.execute(sql, values).fetchall()

    def open_account(self, number: str, currency: str, opening_minor: int, opened_on: str) -> None:
        """Opens an account with money in it, unless it is open already."""
        with self.transaction():
            inserted = self._database.execute(_OPEN_ACCOUNT, (number, currency, opening_minor))
            if inserted.rowcount == 0:
                return
            for account, side in ((EQUITY, "debit"), (number, "credit")):
                entry = ("opening", account, currency, side, opening_minor, "", "", opened_on)
                self._database.execute(_INSERT_ENTRY, entry)

    def holds(self, account: str, currency: str) -> bool:
        """Whether there is such an account."""
        return bool(self.rows(_FIND_ACCOUNT, account, currency))

    def available_minor(self, account: str, currency: str) -> int:
        """What the account can still order."""
        return int(self.rows(_AVAILABLE, account, currency)[0][0])

    def change_available(self, account: str, currency: str, by_minor: int) -> None:
        """Sets money aside (negative), or gives it back."""
        self._database.execute(_CHANGE_AVAILABLE, (by_minor, account, currency))

    def find_batch(self, message_id: str) -> Known | None:
        """The order file with this id, if the bank has seen it."""
        rows = self.rows(_FIND_BATCH, message_id)
        return Known(*rows[0]) if rows else None

    def knows_payment(self, transfers: Iterable[Transfer]) -> bool:
        """Whether any of these payments was ordered before."""
        return any(self.rows(_KNOWN_PAYMENT, transfer.end_to_end_id) for transfer in transfers)

    def save_refused(self, refusal: Refusal, digest: bytes, document: bytes) -> None:
        """Remembers how a file was refused, so that the same bytes get the same answer."""
        row = (refusal.message_id, digest, document, "", "", "", "", 0)
        self._database.execute(_INSERT_BATCH, row)

    def save_order(self, order: Order, digest: bytes, planned: Iterable[Planned]) -> None:
        """Stores an order with what is going to happen to each of its payments."""
        head = (order.message_id, digest, None, order.payment_information_id)
        about = (order.debtor_account, order.currency, order.execute_on.isoformat())
        self._database.execute(_INSERT_BATCH, (*head, *about, len(order.transfers)))
        self._database.executemany(
            _INSERT_INSTRUCTION,
            (
                (
                    plan.transfer.end_to_end_id,
                    order.message_id,
                    position,
                    plan.transfer.amount_minor,
                    plan.transfer.creditor_name,
                    plan.transfer.creditor_account,
                    plan.outcome,
                    plan.reason,
                    plan.late,
                )
                for position, plan in enumerate(planned)
            ),
        )

    def about(self, message_id: str) -> About:
        """What messages about an order file repeat of it."""
        return About(*self.rows(_ABOUT, message_id)[0])

    def waiting_for(
        self, action: Action, batch: str, *, late: bool, limit: int
    ) -> list[Instruction]:
        """The next payments of a file that are to be judged, booked or returned, in its order."""
        values = {"batch": batch, "late": late, "limit": limit}
        with self._turn:
            rows = self._database.execute(_WAITING[action], values).fetchall()
        return [Instruction(*row) for row in rows]

    def set_status(self, status: str, end_to_end_ids: Iterable[str]) -> None:
        """Moves payments on."""
        self._database.executemany(_SET_STATUS, ((status, one) for one in end_to_end_ids))

    def post(self, kind: str, about: About, lines: Iterable[Instruction]) -> None:
        """Posts both sides of each payment: from payer to payee, or back if `kind` is return."""
        payer, payee = ("debit", "credit") if kind == "booking" else ("credit", "debit")
        day, currency = about.execute_on, about.currency
        entries: list[tuple[object, ...]] = []
        for line in lines:
            amount, subject = line.amount_minor, (about.message_id, line.end_to_end_id, day)
            entries.append((kind, about.debtor_account, currency, payer, amount, *subject))
            entries.append((kind, line.creditor_account, currency, payee, amount, *subject))
        self._database.executemany(_INSERT_ENTRY, entries)

    def publish(self, message_id: str, kind: str, document: bytes) -> None:
        """Puts a message into the outbox under the next number."""
        self._database.execute(_PUBLISH, (message_id, kind, document))

    def repeat(self, message_id: str) -> None:
        """Puts a message into the outbox once more, under the next number."""
        self._database.execute(_REPEAT, (message_id,))

    def messages(self, after: int, limit: int) -> list[Numbered]:
        """Messages numbered above `after`, in order."""
        return [Numbered(*row) for row in self.rows(_OUTBOX_PAGE, after, limit)]

    def add_step(self, due_at: float, action: Action, subject: str, *, late: bool) -> None:
        """Plans a piece of work."""
        self._database.execute(_INSERT_STEP, (due_at, action, subject, late))

    def next_step(self) -> Step | None:
        """The piece of work that is due first, be it due yet or not."""
        rows = self.rows(_NEXT_STEP)
        if not rows:
            return None
        number, due_at, action, subject, late = rows[0]
        return Step(number, due_at, action, subject, late=bool(late))

    def finish(self, step: Step) -> None:
        """Forgets a piece of work that is done."""
        self._database.execute(_DELETE_STEP, (step.number,))
