"""Payment orders as a file: `pain.001.001.09`, one payment information block for a batch."""

import re
from collections.abc import Iterator
from datetime import UTC, date
from typing import Annotated, Self
from uuid import UUID
from xml.sax.saxutils import escape

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from contracts.values import CURRENCY_EXPONENT, AmountMinor, CurrencyCode

MAX_ORDERS = 50_000
MAX_TOTAL_MINOR = 10**15
MAX_NAME = 140

Account = Annotated[
    str, StringConstraints(max_length=34, pattern=r"^[A-Za-z0-9]([A-Za-z0-9 ./:_-]*[A-Za-z0-9])?$")
]
"""An account number as the payee's bank writes it; IBANs fit."""

# Everything XML 1.0 forbids (section 2.2), and every control character besides.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# A name without any of these goes into the file as it is.
_TO_CLEAN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff&<>]|^\\s|\\s$|\\s\\s")
_NO_NAME = "NOTPROVIDED"


class PaymentOrder(BaseModel):
    """One payment: who gets how much, in whole minor units of the currency."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    payment_id: UUID
    amount_minor: Annotated[AmountMinor, Field(gt=0)]
    currency: CurrencyCode
    creditor_name: str = Field(repr=False)
    creditor_account: Account = Field(repr=False)


class PaymentBatch(BaseModel):
    """Payments that one file orders, all in one currency, each once, in this order."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    batch_id: UUID
    created_at: AwareDatetime
    execute_on: date
    debtor_name: str
    debtor_account: Account
    orders: Annotated[tuple[PaymentOrder, ...], Field(min_length=1, max_length=MAX_ORDERS)]

    @model_validator(mode="after")
    def _fits_one_file(self) -> Self:
        currencies = {order.currency for order in self.orders}
        if len(currencies) != 1 or not currencies <= CURRENCY_EXPONENT.keys():
            raise ValueError("a batch has one currency, whose decimals are known")
        if len({order.payment_id for order in self.orders}) != len(self.orders):
            raise ValueError("a payment stands twice in the batch")
        if self.total_minor > MAX_TOTAL_MINOR:
            raise ValueError("the total is too large for one file")
        return self

    @property
    def currency(self) -> str:
        """The currency of every order."""
        return self.orders[0].currency

    @property
    def total_minor(self) -> int:
        """Sum of all orders."""
        return sum(order.amount_minor for order in self.orders)


def pain001(batch: PaymentBatch) -> bytes:
    """The file that orders a batch: valid `pain.001.001.09`, the same bytes for the same batch.

    Message id and payment information id are the batch id, each end-to-end id the payment id, as
    32 hexadecimal digits. Names lose what XML forbids and what exceeds 140 characters. Nothing
    tells why somebody is paid.
    """
    return "".join(_parts(batch)).encode()


def _parts(batch: PaymentBatch) -> Iterator[str]:
    exponent = CURRENCY_EXPONENT[batch.currency]
    created_at = batch.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    debtor = _name(batch.debtor_name)
    sums = (
        f"<NbOfTxs>{len(batch.orders)}</NbOfTxs>"
        f"<CtrlSum>{_decimal(batch.total_minor, exponent)}</CtrlSum>"
    )
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{batch.batch_id.hex}</MsgId><CreDtTm>{created_at}</CreDtTm>{sums}"
        f"<InitgPty><Nm>{debtor}</Nm></InitgPty></GrpHdr>"
        f"<PmtInf><PmtInfId>{batch.batch_id.hex}</PmtInfId><PmtMtd>TRF</PmtMtd>"
        f"<BtchBookg>false</BtchBookg>{sums}"
        f"<ReqdExctnDt><Dt>{batch.execute_on.isoformat()}</Dt></ReqdExctnDt>"
        f"<Dbtr><Nm>{debtor}</Nm></Dbtr>"
        f"<DbtrAcct><Id><Othr><Id>{batch.debtor_account}</Id></Othr></Id>"
        f"<Ccy>{batch.currency}</Ccy></DbtrAcct>"
        "<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>"
        "<ChrgBr>SLEV</ChrgBr>"
    )
    for order in batch.orders:
        yield (
            f"<CdtTrfTxInf><PmtId><EndToEndId>{order.payment_id.hex}</EndToEndId></PmtId>"
            f'<Amt><InstdAmt Ccy="{order.currency}">{_decimal(order.amount_minor, exponent)}'
            f"</InstdAmt></Amt><Cdtr><Nm>{_name(order.creditor_name)}</Nm></Cdtr>"
            f"<CdtrAcct><Id><Othr><Id>{order.creditor_account}</Id></Othr></Id></CdtrAcct>"
            "</CdtTrfTxInf>"
        )
    yield "</PmtInf></CstmrCdtTrfInitn></Document>"


def _decimal(amount_minor: int, exponent: int) -> str:
    """Minor units in major ones, exact: 12345 with two decimals is `123.45`."""
    if exponent == 0:
        return str(amount_minor)
    whole, rest = divmod(amount_minor, 10**exponent)
    return f"{whole}.{rest:0{exponent}d}"


def _name(name: str) -> str:
    if len(name) <= MAX_NAME and name and not _TO_CLEAN.search(name):
        return name
    cleaned = " ".join(_FORBIDDEN.sub(" ", name).split())[:MAX_NAME].rstrip()
    return escape(cleaned) or _NO_NAME
