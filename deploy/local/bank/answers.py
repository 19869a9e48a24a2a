"""What the bank writes: status reports (`pain.002.001.12`) and notifications (`camt.054.001.08`).

Only ids, amounts, days and codes travel back: the payer knows who its payees are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from xml.sax.saxutils import escape

from deploy.local.bank.orders import DECIMALS

_PAIN_002 = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"
_CAMT_054 = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"
_UNKNOWN = "NOTPROVIDED"


@dataclass(frozen=True, slots=True)
class Header:
    """Who a message is, and when it was written (UTC)."""

    message_id: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class About:
    """The order file that a message answers."""

    message_id: str
    payment_information_id: str
    debtor_account: str
    currency: str
    execute_on: str
    """The day it was to be carried out, which is the day the bank books it: `2026-09-28`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One payment in a message; `reason` is empty where nothing went wrong."""

    end_to_end_id: str
    amount_minor: int
    reason: str


def file_refused(header: Header, message_id: str | None, code: str, detail: str) -> bytes:
    """A status report: the whole file is refused."""
    return _document(
        _PAIN_002,
        f"<CstmrPmtStsRpt>{_group_header(header)}<OrgnlGrpInfAndSts>"
        f"<OrgnlMsgId>{escape(message_id or _UNKNOWN)}</OrgnlMsgId>"
        "<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>RJCT</GrpSts>"
        f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn>"
        f"<AddtlInf>{escape(detail[:105])}</AddtlInf></StsRsnInf>"
        "</OrgnlGrpInfAndSts></CstmrPmtStsRpt>",
    )


def status_report(header: Header, about: About, lines: Iterable[Line]) -> bytes:
    """A status report: each payment is accepted for settlement, or rejected with a reason."""
    return _document(
        _PAIN_002,
        f"<CstmrPmtStsRpt>{_group_header(header)}<OrgnlGrpInfAndSts>"
        f"<OrgnlMsgId>{escape(about.message_id)}</OrgnlMsgId>"
        "<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>"
        f"<OrgnlPmtInfId>{escape(about.payment_information_id)}</OrgnlPmtInfId>"
        f"{''.join(map(_status, lines))}</OrgnlPmtInfAndSts></CstmrPmtStsRpt>",
    )


def booked(header: Header, about: About, lines: Iterable[Line]) -> bytes:
    """A notification: the account was debited, one entry for each payment."""
    return _notification(header, about, "".join(_entry(about, line, "DBIT") for line in lines))


def returned(header: Header, about: About, lines: Iterable[Line]) -> bytes:
    """A notification: money came back, one entry with its reason for each payment."""
    return _notification(header, about, "".join(_entry(about, line, "CRDT") for line in lines))


def _status(line: Line) -> str:
    status = "RJCT" if line.reason else "ACSP"
    reason = f"<StsRsnInf><Rsn><Cd>{line.reason}</Cd></Rsn></StsRsnInf>" if line.reason else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{escape(line.end_to_end_id)}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts>{reason}</TxInfAndSts>"
    )


def _notification(header: Header, about: About, entries: str) -> bytes:
    return _document(
        _CAMT_054,
        f"<BkToCstmrDbtCdtNtfctn>{_group_header(header)}<Ntfctn><Id>{header.message_id}</Id>"
        f"<CreDtTm>{_instant(header)}</CreDtTm>"
        f"<Acct><Id><Othr><Id>{escape(about.debtor_account)}</Id></Othr></Id>"
        f"<Ccy>{about.currency}</Ccy></Acct>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn>",
    )


def _entry(about: About, line: Line, side: str) -> str:
    family, returned_for = "ESCT", ""
    if line.reason:
        family = "RRTN"
        returned_for = f"<RtrInf><Rsn><Cd>{line.reason}</Cd></Rsn></RtrInf>"
    value = Decimal(line.amount_minor).scaleb(-DECIMALS[about.currency])
    amount = f'<Amt Ccy="{about.currency}">{value:f}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    day = f"<Dt>{about.execute_on}</Dt>"
    return (
        f"<Ntry>{amount}<Sts><Cd>BOOK</Cd></Sts><BookgDt>{day}</BookgDt><ValDt>{day}</ValDt>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{family}</SubFmlyCd></Fmly>"
        "</Domn></BkTxCd><NtryDtls><TxDtls><Refs>"
        f"<MsgId>{escape(about.message_id)}</MsgId>"
        f"<PmtInfId>{escape(about.payment_information_id)}</PmtInfId>"
        f"<EndToEndId>{escape(line.end_to_end_id)}</EndToEndId></Refs>"
        f"{amount}{returned_for}</TxDtls></NtryDtls></Ntry>"
    )


def _group_header(header: Header) -> str:
    return (
        f"<GrpHdr><MsgId>{header.message_id}</MsgId><CreDtTm>{_instant(header)}</CreDtTm></GrpHdr>"
    )


def _instant(header: Header) -> str:
    return header.written_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _document(namespace: str, body: str) -> bytes:
    prologue = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{prologue}\n<Document xmlns="{namespace}">{body}</Document>'.encode()
