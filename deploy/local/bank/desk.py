"""The bank at work: takes order files in, and moves payments on, a few hundred at a time."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from deploy.local.bank.answers import (
    About,
    Header,
    Line,
    booked,
    file_refused,
    returned,
    status_report,
)
from deploy.local.bank.books import Action, Books, Instruction, Planned, Step
from deploy.local.bank.fate import Fortune
from deploy.local.bank.orders import Order, Refusal, read_order

PAYMENTS_PER_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the bank takes, in seconds."""

    delay_s: float = 0.0
    """Before each step: judging a file, booking it, returning, saying something again."""
    late_s: float = 2.0
    """How much later the late ones are booked."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The file is stored and will be worked on. `answer_lost`: its sender shall not be told yet."""

    message_id: str
    transfers: int
    answer_lost: bool = False


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """The file as a whole is refused; `document` is the status report that says so."""

    document: bytes


class Desk:
    """Takes order files and works them off. `now` is this machine's time, seconds since 1970."""

    def __init__(
        self, books: Books, fortune: Fortune, pace: Pace, now: Callable[[], float]
    ) -> None:
        """Opens the desk over the bank's books."""
        self._books = books
        self._fortune = fortune
        self._pace = pace
        self._now = now

    def take(self, document: bytes) -> Taken | TurnedDown:
        """Stores an order file, or refuses it; the same bytes always get the same answer."""
        digest = hashlib.sha256(document).digest()
        order = read_order(document)
        with self._books.transaction():
            known = self._books.find_batch(order.message_id) if order.message_id else None
            if known is None:
                return self._take_new(order, digest)
            if known.digest != digest:
                duplicate = Refusal("DU01", "another file has this message id", order.message_id)
                return TurnedDown(self._refusal(duplicate)[1])
            if known.refusal is not None:
                return TurnedDown(known.refusal)
            return Taken(str(order.message_id), known.transfers)

    def work(self) -> float | None:
        """Does the next piece of work that is due, in one transaction.

        Returns the seconds until the next one is due, `None` if there is none.
        """
        with self._books.transaction():
            step = self._books.next_step()
            if step is None:
                return None
            wait_s = step.due_at - self._now()
            if wait_s > 0:
                return wait_s
            self._do(step)
            return 0.0

    def _take_new(self, order: Order | Refusal, digest: bytes) -> Taken | TurnedDown:
        if isinstance(order, Refusal):
            return self._turn_down(order, digest)
        objection = self._objection(order)
        if objection is not None:
            return self._turn_down(objection, digest)
        fates = ((t, self._fortune.of_payment(t.end_to_end_id)) for t in order.transfers)
        planned = (Planned(t, fate.outcome, fate.reason, fate.late) for t, fate in fates)
        self._books.save_order(order, digest, planned)
        self._books.add_step(self._in(self._pace.delay_s), "judge", order.message_id, late=False)
        lost = self._fortune.loses_answer(order.message_id)
        return Taken(order.message_id, len(order.transfers), answer_lost=lost)

    def _turn_down(self, refusal: Refusal, digest: bytes) -> TurnedDown:
        """Refuses a file and, if it says who it is, remembers that and reports it as well."""
        header, document = self._refusal(refusal)
        if refusal.message_id is not None:
            self._books.save_refused(refusal, digest, document)
            self._publish(header.message_id, "pain.002", document)
        return TurnedDown(document)

    def _objection(self, order: Order) -> Refusal | None:
        if not self._books.holds(order.debtor_account, order.currency):
            return Refusal("AC02", "CstmrCdtTrfInitn/PmtInf/DbtrAcct", order.message_id)
        if self._books.knows_payment(order.transfers):
            return Refusal("DU04", "an end-to-end id was used before", order.message_id)
        return None

    def _refusal(self, refusal: Refusal) -> tuple[Header, bytes]:
        header = self._header("refused", refusal.message_id or "", refusal.code)
        return header, file_refused(header, refusal.message_id, refusal.code, refusal.detail)

    def _do(self, step: Step) -> None:
        match step.action:
            case "judge":
                more = self._judge(step)
            case "book":
                more = self._book(step)
            case "return":
                more = self._return(step)
            case "repeat":
                self._books.repeat(step.subject)
                more = False
            case _:
                assert_never(step.action)
        if not more:
            self._books.finish(step)

    def _judge(self, step: Step) -> bool:
        """Accepts or rejects; when the whole file is judged, booking is planned."""
        waiting = self._waiting(step)
        about = self._books.about(step.subject)
        lines = self._judged(about, waiting)
        accepted = [line.end_to_end_id for line in lines if not line.reason]
        self._books.set_status("accepted", accepted)
        self._books.set_status("rejected", (p.end_to_end_id for p in lines if p.reason))
        if lines:
            header = self._header("status", step.subject, lines[0].end_to_end_id)
            document = status_report(header, about, lines)
            self._publish(header.message_id, "pain.002", document)
        if len(waiting) == PAYMENTS_PER_MESSAGE:
            return True
        self._plan("book", step.subject, self._pace.delay_s, late=False)
        self._plan("book", step.subject, self._pace.delay_s + self._pace.late_s, late=True)
        return False

    def _judged(self, about: About, waiting: list[Instruction]) -> list[Line]:
        available = self._books.available_minor(about.debtor_account, about.currency)
        left, lines = available, []
        for payment in waiting:
            reason = payment.reason if payment.outcome == "reject" else ""
            if not reason and payment.amount_minor > left:
                reason = "AM04"
            if not reason:
                left -= payment.amount_minor
            lines.append(Line(payment.end_to_end_id, payment.amount_minor, reason))
        self._books.change_available(about.debtor_account, about.currency, left - available)
        return lines

    def _book(self, step: Step) -> bool:
        """Moves the money; when all of it has moved, returns are planned."""
        waiting = self._waiting(step)
        if waiting:
            about = self._books.about(step.subject)
            self._books.post("booking", about, waiting)
            self._books.set_status("booked", (p.end_to_end_id for p in waiting))
            header = self._header("booked", step.subject, waiting[0].end_to_end_id)
            lines = [Line(p.end_to_end_id, p.amount_minor, "") for p in waiting]
            self._publish(header.message_id, "camt.054", booked(header, about, lines))
        if len(waiting) == PAYMENTS_PER_MESSAGE:
            return True
        self._plan("return", step.subject, self._pace.delay_s, late=step.late)
        return False

    def _return(self, step: Step) -> bool:
        """Moves money back for payments that the payee's bank could not credit."""
        waiting = self._waiting(step)
        if waiting:
            about = self._books.about(step.subject)
            self._books.post("return", about, waiting)
            self._books.set_status("returned", (p.end_to_end_id for p in waiting))
            total = sum(payment.amount_minor for payment in waiting)
            self._books.change_available(about.debtor_account, about.currency, total)
            header = self._header("returned", step.subject, waiting[0].end_to_end_id)
            lines = [Line(p.end_to_end_id, p.amount_minor, p.reason) for p in waiting]
            self._publish(header.message_id, "camt.054", returned(header, about, lines))
        return len(waiting) == PAYMENTS_PER_MESSAGE

    def _waiting(self, step: Step) -> list[Instruction]:
        return self._books.waiting_for(
            step.action, step.subject, late=step.late, limit=PAYMENTS_PER_MESSAGE
        )

    def _plan(self, action: Action, batch: str, wait_s: float, *, late: bool) -> None:
        """Plans a step of a file if any payment waits for it."""
        if self._books.waiting_for(action, batch, late=late, limit=1):
            self._books.add_step(self._in(wait_s), action, batch, late=late)

    def _publish(self, message_id: str, kind: str, document: bytes) -> None:
        self._books.publish(message_id, kind, document)
        if self._fortune.says_twice(message_id):
            again_at = self._in(self._pace.delay_s + self._pace.late_s)
            self._books.add_step(again_at, "repeat", message_id, late=True)

    def _header(self, *about: str) -> Header:
        written_at = datetime.fromtimestamp(self._now(), UTC)
        return Header(self._fortune.message_id(*about), written_at)

    def _in(self, wait_s: float) -> float:
        return self._now() + wait_s
