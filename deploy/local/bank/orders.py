"""Reading a payment order: `pain.001.001.09` as bytes in, an order or a refusal out.

The file is checked against the published XML schema, which comes with the package `sepaxml`; then
against what this bank's own guideline demands on top: one payment information block, one currency
that the account is held in, amounts above zero with no more decimals than the currency has, sums
and counts that agree, no end-to-end id twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lxml import etree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
DECIMALS = {"VND": 0, "UAH": 2, "UZS": 2}
"""Currencies the bank keeps accounts in, and digits after the mark (ISO 4217)."""
MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_TRANSFERS = 50_000
MAX_TOTAL_MINOR = 10**15
_MAX_ID = 35
_MAX_AMOUNT = 25


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment of an order, in whole minor units of the order's currency."""

    end_to_end_id: str
    amount_minor: int
    creditor_name: str
    creditor_account: str


@dataclass(frozen=True, slots=True)
class Order:
    """A file the bank can carry out."""

    message_id: str
    payment_information_id: str
    debtor_account: str
    currency: str
    execute_on: date
    transfers: tuple[Transfer, ...]

    @property
    def total_minor(self) -> int:
        """Sum of all transfers."""
        return sum(transfer.amount_minor for transfer in self.transfers)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is refused as a whole: a status reason code, and a place, never a value.

    `message_id` is `None` where the file does not even say who it is.
    """

    code: str
    detail: str
    message_id: str | None = None


class _RefusedError(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@cache
def schema() -> etree.XMLSchema:
    """The published schema; a `RuntimeError` if the package that carries it is missing."""
    package = find_spec("sepaxml")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the pain.001 schema is missing: install the extra `local`")
    folder = Path(package.submodule_search_locations[0])
    return etree.XMLSchema(etree.parse(folder / "schemas" / "pain.001.001.09.xsd"))


def read_order(document: bytes) -> Order | Refusal:
    """The order a file holds, or why the bank does not take it."""
    try:
        root = _parse(document)
    except _RefusedError as refused:
        return Refusal(refused.code, refused.detail)
    message_id = _text(root, "CstmrCdtTrfInitn/GrpHdr/MsgId")
    try:
        _check_schema(root)
        return _order(root, message_id)
    except _RefusedError as refused:
        known = message_id if 0 < len(message_id) <= _MAX_ID else None
        return Refusal(refused.code, refused.detail, known)


def _parse(document: bytes) -> etree._Element:
    # With UTF-8 enforced, these bytes are the only way to begin a document type.
    if b"<!DOCTYPE" in document:
        raise _RefusedError("FF01", "document type declared")
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
        raise _RefusedError("FF01", f"not XML: line {error.lineno}") from None


def _check_schema(root: etree._Element) -> None:
    if schema().validate(root):
        return
    findings: Any = schema().error_log  # the stubs know less of it than it offers
    error = findings[0]
    raise _RefusedError("FF01", f"line {error.line}: {error.type_name}")


def _order(root: etree._Element, message_id: str) -> Order:
    blocks = root.findall(_path("CstmrCdtTrfInitn/PmtInf"))
    if len(blocks) != 1:
        raise _RefusedError("FF01", "one payment information block is taken")
    block = blocks[0]
    transfers = tuple(_transfers(block, currency := _currency(block)))
    order = Order(
        message_id=message_id,
        payment_information_id=_text(block, "PmtInfId"),
        debtor_account=_text(block, "DbtrAcct/Id/Othr/Id"),
        currency=currency,
        execute_on=_execute_on(block),
        transfers=transfers,
    )
    _check_sums(root, order)
    return order


def _currency(block: etree._Element) -> str:
    names = {amount.get("Ccy") for amount in block.iterfind(_path("CdtTrfTxInf/Amt/InstdAmt"))}
    currency = names.pop()
    if names or currency not in DECIMALS:
        raise _RefusedError("AM03", "one currency of the account is taken")
    return currency


def _execute_on(block: etree._Element) -> date:
    day = _text(block, "ReqdExctnDt/Dt")
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise _RefusedError("DT01", "ReqdExctnDt: a day without a zone is taken") from None


def _transfers(block: etree._Element, currency: str) -> Iterator[Transfer]:
    elements = block.findall(_path("CdtTrfTxInf"))
    if len(elements) > MAX_TRANSFERS:
        raise _RefusedError("AM18", f"more than {MAX_TRANSFERS} transfers")
    for element in elements:
        account = _text(element, "CdtrAcct/Id/Othr/Id")
        if not account:
            raise _RefusedError("AC01", f"line {element.sourceline}: CdtrAcct/Id/Othr/Id")
        yield Transfer(
            end_to_end_id=_text(element, "PmtId/EndToEndId"),
            amount_minor=_minor(element, currency),
            creditor_name=_text(element, "Cdtr/Nm"),
            creditor_account=account,
        )


def _minor(element: etree._Element, currency: str) -> int:
    minor = _decimal(element, "Amt/InstdAmt").scaleb(DECIMALS[currency])
    if minor != minor.to_integral_value():
        raise _RefusedError("AM12", f"line {element.sourceline}: too many decimals")
    if minor <= 0:
        raise _RefusedError("AM01", f"line {element.sourceline}: amount is zero")
    return int(minor)


def _decimal(element: etree._Element, path: str) -> Decimal:
    """An amount, exact: the schema bounds the digits that count, but not the zeros around them."""
    text = _text(element, path)
    if len(text) > _MAX_AMOUNT:
        raise _RefusedError("FF01", f"line {element.sourceline}: {path} too long")
    return Decimal(text)


def _check_sums(root: etree._Element, order: Order) -> None:
    stated = Decimal(order.total_minor).scaleb(-DECIMALS[order.currency])
    for place in ("CstmrCdtTrfInitn/GrpHdr", "CstmrCdtTrfInitn/PmtInf"):
        count, total = _text(root, f"{place}/NbOfTxs"), f"{place}/CtrlSum"
        if count and int(count) != len(order.transfers):
            raise _RefusedError("AM18", f"{place}/NbOfTxs")
        if _text(root, total) and _decimal(root, total) != stated:
            raise _RefusedError("AM10", f"{place}/CtrlSum")
    if order.total_minor > MAX_TOTAL_MINOR:
        raise _RefusedError("AM02", "total too large")
    if len({transfer.end_to_end_id for transfer in order.transfers}) != len(order.transfers):
        raise _RefusedError("DU04", "an end-to-end id stands twice in the file")


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext(_path(path)) or "").strip()


@cache
def _path(path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/"))
