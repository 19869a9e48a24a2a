"""What a bank says, read from `pain.002` and `camt.054` of any version into plain answers.

Only booked entries of `camt.054` move money. `pain.002` tells of refusals; that a payment is
accepted or even settled there says nothing that counts. A message is read whole or not at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from lxml import etree

from contracts.values import CURRENCY_EXPONENT

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(pain\.002|camt\.054)\.001\.[0-9]{2}")
_AMOUNT = re.compile(r"\+?([0-9]{0,15})(?:\.([0-9]{0,5}))?")
_ID = re.compile(r"[0-9A-Fa-f]{32}")
_REASON = re.compile(r"[A-Za-z0-9_.-]{1,35}")
_NO_REASON = "NARR"
"""ISO 20022 code for a reason told in free text, which we do not read."""

Side = Literal["CRDT", "DBIT"]


class UnreadableBankMessageError(Exception):
    """The message cannot be understood; nothing of it was taken.

    `code` says what is wrong and `place` where, never with a value. It is to be set aside for a
    person, and the messages after it are to be read.
    """

    def __init__(self, code: str, place: str = "") -> None:
        super().__init__(f"{code} {place}".rstrip())
        self.code = code
        self.place = place


@dataclass(frozen=True, slots=True)
class BatchRejected:
    """The bank carries out nothing of this file."""

    batch_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentRejected:
    """The bank does not carry out this payment of that file; no money has moved."""

    payment_id: UUID
    batch_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentBooked:
    """The account was debited for this payment, on this day of the bank."""

    payment_id: UUID
    amount_minor: int
    currency: str
    booked_on: date


@dataclass(frozen=True, slots=True)
class PaymentReturned:
    """Money of this payment has come back to the account, on this day of the bank."""

    payment_id: UUID
    amount_minor: int
    currency: str
    booked_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class StatusUnmatched:
    """A refusal of something that carries none of our ids; `reference` is what it does carry."""

    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class EntryUnmatched:
    """Money moved on the account for something that is none of our payments, or the wrong way."""

    reference: str
    amount_minor: int
    currency: str
    side: Side
    booked_on: date


BankAnswer = (
    BatchRejected
    | PaymentRejected
    | PaymentBooked
    | PaymentReturned
    | StatusUnmatched
    | EntryUnmatched
)


def read_bank_message(document: bytes) -> list[BankAnswer]:
    """Everything a message says that counts, in its order; maybe nothing.

    Raises `UnreadableBankMessageError` for what is no such message: other formats, document types
    and entities, more than 16 MiB, nesting beyond 256, an amount that is not exact in its
    currency, a day that is none.
    """
    root = _parse(document)
    namespace = etree.QName(root).namespace or ""
    known = _NAMESPACE.fullmatch(namespace)
    if known is None or etree.QName(root).localname != "Document":
        raise UnreadableBankMessageError("format")
    paths = {"": namespace}
    if known[1] == "pain.002":
        return list(_statuses(root, paths))
    return list(_entries(root, paths))


def _parse(document: bytes) -> etree._Element:
    if len(document) > MAX_MESSAGE_BYTES:
        raise UnreadableBankMessageError("too_large")
    # With UTF-8 enforced, these bytes are the only way to begin a document type.
    if b"<!DOCTYPE" in document:
        raise UnreadableBankMessageError("document_type")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableBankMessageError("not_xml", f"line {error.lineno}") from None


class _Place:
    """An element, and how to look below it whatever the version of its namespace."""

    def __init__(self, element: etree._Element, namespaces: dict[str, str]) -> None:
        self.element = element
        self.line = f"line {element.sourceline}"
        self._namespaces = namespaces

    def text(self, *paths: str) -> str:
        """The first text found below; empty if there is none."""
        for path in paths:
            found = (self.element.findtext(path, namespaces=self._namespaces) or "").strip()
            if found:
                return found
        return ""

    def all(self, path: str) -> list["_Place"]:
        """Every element below with this path."""
        found = self.element.findall(path, namespaces=self._namespaces)
        return [_Place(element, self._namespaces) for element in found]


def _statuses(root: etree._Element, namespaces: dict[str, str]) -> Iterator[BankAnswer]:
    for report in _Place(root, namespaces).all("CstmrPmtStsRpt"):
        original = report.text("OrgnlGrpInfAndSts/OrgnlMsgId")
        batch_id = _uuid(original)
        if report.text("OrgnlGrpInfAndSts/GrpSts") == "RJCT":
            (group,) = report.all("OrgnlGrpInfAndSts")
            yield _batch_rejected(batch_id, original, _reason(group, "StsRsnInf"))
            continue
        for block in report.all("OrgnlPmtInfAndSts"):
            if block.text("PmtInfSts") == "RJCT":
                # A batch is one block: the block refused is the batch refused.
                yield _batch_rejected(batch_id, original, _reason(block, "StsRsnInf"))
                continue
            for status in block.all("TxInfAndSts"):
                if status.text("TxSts") == "RJCT":
                    yield _rejected(status, batch_id)


def _batch_rejected(batch_id: UUID | None, original: str, reason: str) -> BankAnswer:
    if batch_id is None:
        return StatusUnmatched(original[:35], reason)
    return BatchRejected(batch_id, reason)


def _rejected(status: _Place, batch_id: UUID | None) -> BankAnswer:
    original = status.text("OrgnlEndToEndId")
    payment_id, reason = _uuid(original), _reason(status, "StsRsnInf")
    if payment_id is None or batch_id is None:
        return StatusUnmatched(original[:35], reason)
    return PaymentRejected(payment_id, batch_id, reason)


def _entries(root: etree._Element, namespaces: dict[str, str]) -> Iterator[BankAnswer]:
    for entry in _Place(root, namespaces).all("BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry"):
        if entry.text("Sts/Cd", "Sts") != "BOOK":
            continue
        details = entry.all("NtryDtls/TxDtls")
        if not details:
            yield _unmatched(entry, entry)
        for detail in details:
            yield _moved(entry, detail, alone=len(details) == 1)


def _moved(entry: _Place, detail: _Place, *, alone: bool) -> BankAnswer:
    payment_id = _uuid(detail.text("Refs/EndToEndId"))
    stated = detail if not alone or detail.all("Amt") else entry
    amount_minor, currency = _amount(stated)
    booked_on = _booked_on(entry)
    side = _side(entry, detail)
    reversed_entry = entry.text("RvslInd") in {"true", "1"}
    if payment_id is not None and side == "DBIT" and not reversed_entry:
        return PaymentBooked(payment_id, amount_minor, currency, booked_on)
    if payment_id is not None and side == "CRDT":
        reason = _reason(detail, "RtrInf")
        return PaymentReturned(payment_id, amount_minor, currency, booked_on, reason)
    return _unmatched(entry, stated)


def _unmatched(entry: _Place, stated: _Place) -> EntryUnmatched:
    amount_minor, currency = _amount(stated)
    reference = entry.text("NtryDtls/TxDtls/Refs/EndToEndId", "AcctSvcrRef", "NtryRef")
    side = _side(entry, stated)
    return EntryUnmatched(reference[:35], amount_minor, currency, side, _booked_on(entry))


def _side(entry: _Place, detail: _Place) -> Side:
    side = detail.text("CdtDbtInd") or entry.text("CdtDbtInd")
    if side == "CRDT":
        return "CRDT"
    if side == "DBIT":
        return "DBIT"
    raise UnreadableBankMessageError("side", entry.line)


def _amount(place: _Place) -> tuple[int, str]:
    amounts = place.all("Amt") or place.all("AmtDtls/TxAmt/Amt")
    if len(amounts) != 1:
        raise UnreadableBankMessageError("amount", place.line)
    currency = amounts[0].element.get("Ccy", "")
    digits = _AMOUNT.fullmatch(amounts[0].text("."))
    exponent = CURRENCY_EXPONENT.get(currency)
    if digits is None or exponent is None:
        raise UnreadableBankMessageError("amount", place.line)
    whole, fraction = digits[1], (digits[2] or "").rstrip("0")
    if not whole + (digits[2] or "") or len(fraction) > exponent:
        raise UnreadableBankMessageError("amount", place.line)
    return int(whole + fraction.ljust(exponent, "0") or "0"), currency


def _booked_on(entry: _Place) -> date:
    day = entry.text("BookgDt/Dt", "BookgDt/DtTm")[:10]
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise UnreadableBankMessageError("day", entry.line) from None


def _reason(place: _Place, information: str) -> str:
    reason = place.text(f"{information}/Rsn/Cd", f"{information}/Rsn/Prtry")
    return reason if _REASON.fullmatch(reason) else _NO_REASON


def _uuid(text: str) -> UUID | None:
    """Our id, if it is one as we write them; `UUID` itself would take other spellings too."""
    return UUID(hex=text) if _ID.fullmatch(text) else None
