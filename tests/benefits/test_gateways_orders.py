"""Batches become order files: valid whatever a name holds, exact to the last minor unit."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pydantic import ValidationError

from deploy.local.bank.orders import Order, read_order
from services.benefits.gateways import PaymentBatch, PaymentOrder, pain001
from tests.local_bank.schemas import faults

BATCH_ID = UUID("0b0e0d3c-0000-4000-8000-000000000001")
FIRST = UUID("0b0e0d3c-0000-4000-8000-000000000002")
NAMES = [
    "Nguyễn Thị Ánh Tuyết",
    "Софія Ковальчук-Ґудзь",
    "أمينة بنت محمد",
    "Gʻofurov Oʻtkir",
    "陈小明 𠮷野",
    "สมชาย ใจดี",
    "Ẓ̌́ombie 👩🏽‍👧",
]


def order(name: str = "Anna", amount_minor: int = 1, **changes: Any) -> PaymentOrder:
    values = {"payment_id": uuid4(), "currency": "VND", "creditor_account": "1234 5678"}
    return PaymentOrder(creditor_name=name, amount_minor=amount_minor, **{**values, **changes})


def batch(*orders: PaymentOrder, **changes: Any) -> PaymentBatch:
    values = {
        "batch_id": BATCH_ID,
        "created_at": datetime(2026, 9, 28, 8, 0, tzinfo=UTC),
        "execute_on": date(2026, 9, 29),
        "debtor_name": "Bảo trợ xã hội & Co",
        "debtor_account": "HAMROH-AGENCY",
    }
    return PaymentBatch(orders=orders, **{**values, **changes})


def read_by_the_bank(document: bytes) -> Order:
    """What an independent reader makes of the file, after the published schema had its say."""
    assert faults("pain.001.001.09", document) == ""
    read = read_order(document)
    assert isinstance(read, Order)
    return read


def test_a_batch_is_read_by_the_bank_as_it_was_meant() -> None:
    orders = [order(name, amount) for amount, name in enumerate(NAMES, start=500_000)]
    read = read_by_the_bank(pain001(batch(*orders)))
    assert (read.message_id, read.payment_information_id) == (BATCH_ID.hex, BATCH_ID.hex)
    assert (read.debtor_account, read.currency) == ("HAMROH-AGENCY", "VND")
    assert read.execute_on == date(2026, 9, 29)
    assert [transfer.end_to_end_id for transfer in read.transfers] == [
        one.payment_id.hex for one in orders
    ]
    assert [transfer.amount_minor for transfer in read.transfers] == [
        one.amount_minor for one in orders
    ]
    assert [transfer.creditor_name for transfer in read.transfers] == NAMES
    assert {transfer.creditor_account for transfer in read.transfers} == {"1234 5678"}


def test_the_same_batch_makes_the_same_bytes_whatever_the_zone_it_is_told_in() -> None:
    one = order(payment_id=FIRST)
    in_hanoi = datetime(2026, 9, 28, 15, 0, tzinfo=timezone(timedelta(hours=7)))
    assert pain001(batch(one)) == pain001(batch(one, created_at=in_hanoi))


any_text = st.text(st.characters(exclude_categories=()), max_size=200)


@settings(max_examples=400, deadline=None)
@given(names=st.lists(any_text, min_size=1, max_size=5), debtor=any_text)
def test_no_name_makes_a_file_invalid_or_changes_who_gets_what(
    names: list[str], debtor: str
) -> None:
    orders = [order(name, amount) for amount, name in enumerate(names, start=1)]
    read = read_by_the_bank(pain001(batch(*orders, debtor_name=debtor)))
    assert [(t.end_to_end_id, t.amount_minor) for t in read.transfers] == [
        (one.payment_id.hex, one.amount_minor) for one in orders
    ]
    assert all(0 < len(transfer.creditor_name) <= 140 for transfer in read.transfers)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("</Nm><Nm>Eve", "</Nm><Nm>Eve"),
        ("A & B ]]> 'C' \"D\"", "A & B ]]> 'C' \"D\""),
        ("An\x00na\r\nMaria", "An na Maria"),
        ("half \ud83d character", "half character"),
        (" \t ", "NOTPROVIDED"),
        ("", "NOTPROVIDED"),
        ("x" * 141, "x" * 140),
        ("&" * 141, "&" * 140),
    ],
)
def test_a_name_arrives_as_text_and_only_as_text(name: str, written: str) -> None:
    (transfer,) = read_by_the_bank(pain001(batch(order(name)))).transfers
    assert transfer.creditor_name == written


@settings(max_examples=200, deadline=None)
@given(
    amounts=st.lists(st.integers(1, 10**13), min_size=1, max_size=20),
    currency=st.sampled_from(["VND", "UAH", "UZS"]),
)
def test_amounts_and_their_sum_are_exact(amounts: list[int], currency: str) -> None:
    orders = [order(amount_minor=amount, currency=currency) for amount in amounts]
    read = read_by_the_bank(pain001(batch(*orders)))
    assert [transfer.amount_minor for transfer in read.transfers] == amounts


@pytest.mark.parametrize(
    ("currency", "amount_minor", "written"),
    [("VND", 500_000, "500000"), ("UAH", 200_005, "2000.05"), ("UZS", 7, "0.07")],
)
def test_minor_units_are_written_in_major_ones(
    currency: str, amount_minor: int, written: str
) -> None:
    document = pain001(batch(order(amount_minor=amount_minor, currency=currency)))
    root = etree.fromstring(document)
    (amount,) = root.iterfind(".//{*}InstdAmt")
    (total, _) = root.iterfind(".//{*}CtrlSum")
    assert (amount.text, amount.get("Ccy"), total.text) == (written, currency, written)


def test_a_file_says_nothing_of_why_somebody_is_paid() -> None:
    root = etree.fromstring(pain001(batch(order())))
    names = {etree.QName(element).localname for element in root.iter()}
    assert names.isdisjoint({"RmtInf", "Purp", "RltdRmtInf", "InstrForCdtrAgt"})


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"amount_minor": 10**15 + 1},
        {"amount_minor": 1.0},
        {"amount_minor": "1"},
        {"currency": "vnd"},
        {"creditor_account": ""},
        {"creditor_account": "</Id>"},
        {"creditor_account": "1" * 35},
        {"creditor_account": "١٢٣"},
        {"creditor_account": "12\n"},
    ],
)
def test_an_order_that_no_file_could_carry_cannot_be_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        order(**changes)


def test_a_batch_that_no_file_could_carry_cannot_be_made() -> None:
    twice = order(payment_id=FIRST)
    for orders in (
        [],
        [twice, twice],
        [order(), order(currency="UAH")],
        [order(currency="XAU")],
        [order(amount_minor=10**15), order()],
    ):
        with pytest.raises(ValidationError):
            batch(*orders)
    with pytest.raises(ValidationError):
        batch(order(), created_at=datetime(2026, 9, 28, 8, 0))  # noqa: DTZ001 - naive on purpose


def test_an_order_is_shown_without_name_and_account() -> None:
    shown = repr(batch(order("Marked Person", creditor_account="MARKED-1")))
    assert "Marked" not in shown
    assert "MARKED" not in shown
