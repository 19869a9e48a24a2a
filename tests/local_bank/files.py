"""Order files written by hand, right and wrong, and the bank's answers taken apart."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from lxml import etree

from tests.local_bank.processes import Party

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
XML = {"content-type": "application/xml"}


@dataclass(frozen=True)
class File:
    """A pain.001 with VND payments; every part can be made wrong."""

    payments: dict[str, str]
    message_id: str = field(default_factory=lambda: uuid4().hex)
    currency: str = "VND"
    account: str = "HAMROH-AGENCY"
    count: str | None = None
    total: str | None = None

    def __bytes__(self) -> bytes:
        count = self.count or str(len(self.payments))
        total = self.total or str(sum(int(amount) for amount in self.payments.values()))
        sums = f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
        transfers = "".join(self._transfers())
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>{self.message_id}</MsgId><CreDtTm>2026-09-28T08:00:00Z</CreDtTm>{sums}
<InitgPty><Nm>Agency</Nm></InitgPty></GrpHdr>
<PmtInf><PmtInfId>{self.message_id}</PmtInfId><PmtMtd>TRF</PmtMtd>{sums}
<ReqdExctnDt><Dt>2026-09-29</Dt></ReqdExctnDt><Dbtr><Nm>Agency</Nm></Dbtr>
<DbtrAcct><Id><Othr><Id>{self.account}</Id></Othr></Id></DbtrAcct>
<DbtrAgt><FinInstnId/></DbtrAgt>{transfers}</PmtInf></CstmrCdtTrfInitn></Document>""".encode()

    def _transfers(self) -> Iterator[str]:
        for number, (payment_id, amount) in enumerate(self.payments.items()):
            yield (
                f"<CdtTrfTxInf><PmtId><EndToEndId>{payment_id}</EndToEndId></PmtId>"
                f'<Amt><InstdAmt Ccy="{self.currency}">{amount}</InstdAmt></Amt>'
                f"<Cdtr><Nm>Payee {number}</Nm></Cdtr>"
                f"<CdtrAcct><Id><Othr><Id>ACC-{number}</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>"
            )


def file_of(count: int, amount: str = "500000") -> File:
    return File({uuid4().hex: amount for _ in range(count)})


def post(bank: Party, document: bytes) -> httpx.Response:
    return bank.post("/payments", content=document, headers=XML)


def ledger(bank: Party) -> Any:
    return bank.get("/ledger").json()


def outbox(bank: Party, after: int = 0) -> list[dict[str, Any]]:
    """All messages after a number, page by page."""
    messages: list[dict[str, Any]] = []
    while True:
        page = bank.get("/messages", params={"after": after}).json()
        if not page:
            return messages
        messages += page
        after = page[-1]["number"]


def wait_until(true: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.05)


def wait_until_idle(bank: Party) -> None:
    wait_until(lambda: bool(ledger(bank)["idle"]))


@dataclass
class Said:
    """What a bank's messages say about payments, by end-to-end id."""

    accepted: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)
    booked: list[str] = field(default_factory=list)
    returned: dict[str, str] = field(default_factory=dict)
    files_refused: dict[str, str] = field(default_factory=dict)


def understand(messages: list[dict[str, Any]]) -> Said:
    """Reads messages, each id once, as an auditor with XPath would."""
    said = Said()
    for message in {m["message_id"]: m for m in messages}.values():
        root = etree.fromstring(message["document"].encode())
        for group in root.iterfind(".//{*}OrgnlGrpInfAndSts"):
            if group.findtext("{*}GrpSts") == "RJCT":
                refused = group.findtext("{*}OrgnlMsgId") or ""
                said.files_refused[refused] = group.findtext("{*}StsRsnInf/{*}Rsn/{*}Cd") or ""
        for status in root.iterfind(".//{*}TxInfAndSts"):
            payment = status.findtext("{*}OrgnlEndToEndId") or ""
            if status.findtext("{*}TxSts") == "RJCT":
                said.rejected[payment] = status.findtext("{*}StsRsnInf/{*}Rsn/{*}Cd") or ""
            else:
                said.accepted.add(payment)
        for entry in root.iterfind(".//{*}Ntry"):
            payment = entry.findtext(".//{*}EndToEndId") or ""
            if entry.findtext("{*}CdtDbtInd") == "DBIT":
                said.booked.append(payment)
            else:
                said.returned[payment] = entry.findtext(".//{*}RtrInf/{*}Rsn/{*}Cd") or ""
    return said
