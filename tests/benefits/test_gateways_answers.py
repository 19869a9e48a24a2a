"""Bank messages are read: what moves money, what refuses, and what must not be believed."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.bank import answers
from services.benefits.gateways import (
    BatchRejected,
    EntryUnmatched,
    PaymentBooked,
    PaymentRejected,
    PaymentReturned,
    StatusUnmatched,
    UnreadableBankMessageError,
    read_bank_message,
)
from tests.local_bank.schemas import faults

BATCH_ID, PAYMENT_ID = uuid4(), uuid4()
BOOKED_ON = date(2026, 9, 29)
HEADER = answers.Header("m1", datetime(2026, 9, 29, 9, 0, tzinfo=UTC))


def about(currency: str = "VND") -> answers.About:
    return answers.About(BATCH_ID.hex, BATCH_ID.hex, "AGENCY", currency, BOOKED_ON.isoformat())


def line(amount_minor: int = 500_000, reason: str = "", payment: str = "") -> answers.Line:
    return answers.Line(payment or PAYMENT_ID.hex, amount_minor, reason)


def camt(entries: str, version: str = "08") -> bytes:
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}">'
        f"<BkToCstmrDbtCdtNtfctn><Ntfctn>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def entry(
    amount: str = "500000",
    side: str = "DBIT",
    status: str = "<Cd>BOOK</Cd>",
    day: str = "<Dt>2026-09-29</Dt>",
    details: str = f"<TxDtls><Refs><EndToEndId>{PAYMENT_ID.hex}</EndToEndId></Refs></TxDtls>",
    more: str = "",
) -> str:
    return (
        f'<Ntry><Amt Ccy="VND">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}'
        f"<Sts>{status}</Sts><BookgDt>{day}</BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def test_a_debit_books_a_payment() -> None:
    document = answers.booked(HEADER, about(), [line(), line(7, payment=uuid4().hex)])
    assert faults("camt.054.001.08", document) == ""
    first, second = read_bank_message(document)
    assert first == PaymentBooked(PAYMENT_ID, 500_000, "VND", BOOKED_ON)
    assert isinstance(second, PaymentBooked)
    assert second.amount_minor == 7


def test_a_credit_returns_a_payment_with_its_reason() -> None:
    document = answers.returned(HEADER, about("UAH"), [line(200_005, "AC04")])
    assert read_bank_message(document) == [
        PaymentReturned(PAYMENT_ID, 200_005, "UAH", BOOKED_ON, "AC04")
    ]


def test_a_status_report_tells_of_rejections_and_of_nothing_else() -> None:
    accepted, rejected = line(), line(reason="AC01", payment=uuid4().hex)
    document = answers.status_report(HEADER, about(), [accepted, rejected])
    assert read_bank_message(document) == [
        PaymentRejected(UUID(hex=rejected.end_to_end_id), BATCH_ID, "AC01")
    ]


def test_a_settled_status_is_no_booking() -> None:
    document = answers.status_report(HEADER, about(), [line()]).replace(b"ACSP", b"ACSC")
    assert read_bank_message(document) == []


def test_a_file_refused_is_a_batch_rejected() -> None:
    document = answers.file_refused(HEADER, BATCH_ID.hex, "AM10", "CtrlSum")
    assert read_bank_message(document) == [BatchRejected(BATCH_ID, "AM10")]
    unknown = answers.file_refused(HEADER, None, "FF01", "not XML")
    assert read_bank_message(unknown) == [StatusUnmatched("NOTPROVIDED", "FF01")]


def test_a_refused_block_is_a_batch_rejected() -> None:
    document = answers.status_report(HEADER, about(), [line()])
    refused = b"<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>AC02</Cd></Rsn></StsRsnInf>"
    document = document.replace(b"<TxInfAndSts>", refused + b"<TxInfAndSts>")
    assert faults("pain.002.001.12", document) == ""
    assert read_bank_message(document) == [BatchRejected(BATCH_ID, "AC02")]


@pytest.mark.parametrize(
    "reference", ["SALARY 9", "x" * 32, "1_" * 16, "٠" * 32, str(PAYMENT_ID)[:35]]
)
def test_a_rejection_of_a_payment_that_is_not_ours_is_named(reference: str) -> None:
    document = answers.status_report(HEADER, about(), [line(reason="AC01", payment=reference)])
    assert read_bank_message(document) == [StatusUnmatched(reference, "AC01")]


def test_only_booked_entries_count() -> None:
    document = camt(entry(status="<Cd>PDNG</Cd>") + entry(status="<Cd>INFO</Cd>"))
    assert read_bank_message(document) == []


def test_older_and_newer_versions_are_read_alike() -> None:
    expected = [PaymentBooked(PAYMENT_ID, 500_000, "VND", BOOKED_ON)]
    assert read_bank_message(camt(entry(status="BOOK"), "02")) == expected
    assert read_bank_message(camt(entry(), "13")) == expected
    day = "<DtTm>2026-09-29T23:59:59+07:00</DtTm>"
    assert read_bank_message(camt(entry(day=day))) == expected


def test_one_entry_for_many_payments_is_taken_apart() -> None:
    ids = [uuid4(), uuid4()]
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>{one.hex}</EndToEndId></Refs>"
        f'<AmtDtls><TxAmt><Amt Ccy="VND">{amount}</Amt></TxAmt></AmtDtls></TxDtls>'
        for amount, one in enumerate(ids, start=1)
    )
    assert read_bank_message(camt(entry("3", details=details))) == [
        PaymentBooked(ids[0], 1, "VND", BOOKED_ON),
        PaymentBooked(ids[1], 2, "VND", BOOKED_ON),
    ]


def test_many_payments_without_their_own_amounts_are_not_guessed() -> None:
    details = f"<TxDtls><Refs><EndToEndId>{PAYMENT_ID.hex}</EndToEndId></Refs></TxDtls>" * 2
    with pytest.raises(UnreadableBankMessageError, match="amount"):
        read_bank_message(camt(entry("3", details=details)))


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        (entry(details=""), ""),
        (entry(details="", more="<AcctSvcrRef>FEE 1</AcctSvcrRef>"), "FEE 1"),
        (entry(details="<TxDtls><Refs><EndToEndId>RENT</EndToEndId></Refs></TxDtls>"), "RENT"),
        (entry(more="<RvslInd>true</RvslInd>"), PAYMENT_ID.hex),
    ],
    ids=["nothing", "a fee", "another's payment", "a return taken back"],
)
def test_money_that_moved_for_something_else_is_named_not_dropped(
    written: str, reference: str
) -> None:
    assert read_bank_message(camt(written)) == [
        EntryUnmatched(reference, 500_000, "VND", "DBIT", BOOKED_ON)
    ]


def test_a_reason_in_free_text_is_not_taken_over() -> None:
    details = (
        f"<TxDtls><Refs><EndToEndId>{PAYMENT_ID.hex}</EndToEndId></Refs><RtrInf><Rsn>"
        "<Prtry>Anna has moved to Lviv</Prtry></Rsn></RtrInf></TxDtls>"
    )
    (answer,) = read_bank_message(camt(entry(side="CRDT", details=details)))
    assert isinstance(answer, PaymentReturned)
    assert answer.reason == "NARR"


@pytest.mark.parametrize("amount", ["500000", "500000.00", "+500000.", "0500000.0"])
def test_an_amount_is_read_in_every_form_the_schema_allows(amount: str) -> None:
    (answer,) = read_bank_message(camt(entry(amount)))
    assert isinstance(answer, PaymentBooked)
    assert answer.amount_minor == 500_000


@pytest.mark.parametrize(
    "amount",
    ["", ".", "-5", "5.5", "5e3", "NaN", "INF", "٥٠", "5 000", "0x5", "9" * 1_000_000, "1" * 16],
    ids=lambda amount: amount[:10],
)
def test_an_amount_that_is_not_exact_is_not_read(amount: str) -> None:
    with pytest.raises(UnreadableBankMessageError, match="amount"):
        read_bank_message(camt(entry(amount)))


BOMB = b"""<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "not_xml"),
        (b"booked, all of it", "not_xml"),
        (b"<Document/>", "format"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'/>", "format"),
        (camt("").replace(b"Document", b"Other"), "format"),
        (BOMB + camt(entry("&b;")), "document_type"),
        (BOMB.replace(b"a ", b"a SYSTEM 'file:///etc/hostname' ") + camt("&a;"), "document_type"),
        ((BOMB + camt(entry("&b;"))).decode().encode("utf-16"), "not_xml"),
        (b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE d []>" + camt(""), "not_xml"),
        (camt("&undeclared;"), "not_xml"),
        (camt("<x>" * 300 + "</x>" * 300), "not_xml"),
        (b" " * (16 * 1024 * 1024 + 1), "too_large"),
        (camt(entry(side="")), "side"),
        (camt(entry(side="BOTH")), "side"),
        (camt(entry(day="<Dt>yesterday</Dt>")), "day"),
        (camt(entry(day="")), "day"),
        (camt(entry().replace("VND", "XAU")), "amount"),
    ],
)
def test_what_cannot_be_understood_is_said_to_be_so(document: bytes, code: str) -> None:
    with pytest.raises(UnreadableBankMessageError) as caught:
        read_bank_message(document)
    assert caught.value.code == code


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    reasons = draw(st.lists(st.sampled_from(["", "AC04"]), min_size=1, max_size=3))
    lines = [line(reason=reason, payment=uuid4().hex) for reason in reasons]
    write = draw(st.sampled_from([answers.booked, answers.returned, answers.status_report]))
    document = bytearray(write(HEADER, about(), lines))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(document)))
        end = draw(st.integers(start, min(start + 40, len(document))))
        document[start:end] = draw(st.sampled_from([b"", b"<", b"&#0;"]) | st.binary(max_size=8))
    return bytes(document)


@settings(max_examples=500, deadline=None)
@given(document=damaged() | st.binary(max_size=300))
def test_no_damage_makes_the_reader_fail_otherwise(document: bytes) -> None:
    try:
        read = read_bank_message(document)
    except UnreadableBankMessageError as error:
        assert error.code  # noqa: PT017 - either outcome is right, no other is
    else:
        assert isinstance(read, list)


@settings(max_examples=200, deadline=None)
@given(minor=st.integers(1, 10**15 - 1), currency=st.sampled_from(["VND", "UAH", "UZS"]))
def test_amounts_are_read_exactly(minor: int, currency: str) -> None:
    (answer,) = read_bank_message(answers.booked(HEADER, about(currency), [line(minor)]))
    assert answer == PaymentBooked(PAYMENT_ID, minor, currency, BOOKED_ON)
