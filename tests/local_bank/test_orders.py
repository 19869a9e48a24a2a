"""Broken, hostile and plainly wrong order files come to the bank: all are told off, none hurts."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.bank.fate import Fortune, Shares
from deploy.local.bank.orders import Order, Refusal, read_order
from tests.local_bank.files import XML, File, file_of, ledger, outbox, post, understand
from tests.local_bank.processes import Party, running
from tests.local_bank.schemas import faults

BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">&c;</Document>"""
FOREIGN_FILE = BOMB.replace(b"&c;", b"&x;").replace(
    b"<!ENTITY a", b'<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY a'
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    directory: Path = tmp_path_factory.mktemp("orders") / "bank"
    with running("deploy.local.bank", directory, "--seed", "1", "--twice-share", "0") as party:
        yield party


def one(amount: str = "5", payment_id: str | None = None, **changes: str) -> bytes:
    return bytes(File({payment_id or uuid4().hex: amount}, **{"total": "5", **changes}))


WRONG = {
    "nothing": (b"", "FF01"),
    "no XML": (b"pay everybody", "FF01"),
    "half a file": (one()[:-30], "FF01"),
    "another format": (b"<Document xmlns='urn:x'/>", "FF01"),
    "entities": (BOMB, "FF01"),
    "a file of the bank's machine": (FOREIGN_FILE, "FF01"),
    "UTF-16": (one().decode().encode("utf-16"), "FF01"),
    "too deep": (b"<a>" * 100_000, "FF01"),
    "a million attributes": (b"<a " + b"".join(b"x%d='' " % n for n in range(10**6)), "FF01"),
    "a million digits": (one("9" * 1_000_000), "FF01"),
    "a million digits after the mark": (one("1." + "0" * 1_000_000), "FF01"),
    "not a number": (one("NaN"), "FF01"),
    "exponent": (one("5e3"), "FF01"),
    "Arabic digits": (one("٥"), "FF01"),
    "negative": (one("-5"), "FF01"),
    "nothing to pay": (one("0", total="0"), "AM01"),
    "half a dong": (one("5.5", total="5.5"), "AM12"),
    "more than all money": (one("9" * 16, total="9" * 16), "AM02"),
    "unknown currency": (one(currency="EUR"), "AM03"),
    "wrong total": (one(total="6"), "AM10"),
    "wrong count": (one(count="2"), "AM18"),
    "somebody else's account": (one(account="MINISTRY"), "AC02"),
    "no id": (one(message_id=""), "FF01"),
    "long id": (one(message_id="x" * 36), "FF01"),
}


@pytest.mark.parametrize(("document", "code"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_whole_and_moves_nothing(
    bank: Party, document: bytes, code: str
) -> None:
    before = ledger(bank)
    answer = post(bank, document)
    assert answer.status_code == 422
    assert faults("pain.002.001.12", answer.content) == ""
    assert f"<Cd>{code}</Cd>" in answer.text
    assert "hostname" not in answer.text
    assert ledger(bank)["accounts"] == before["accounts"]
    assert ledger(bank)["totals"] == before["totals"]


def test_a_refused_file_that_says_who_it_is_is_reported_and_stays_refused(bank: Party) -> None:
    file = File({uuid4().hex: "5"}, total="6")
    first, second = post(bank, bytes(file)), post(bank, bytes(file))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert understand(outbox(bank)).files_refused[file.message_id] == "AM10"
    corrected = File(file.payments, message_id=file.message_id)
    assert "DU01" in post(bank, bytes(corrected)).text


def test_a_payment_that_stands_twice_in_a_file_refuses_the_file(bank: Party) -> None:
    file = file_of(2)
    ids = list(file.payments)
    document = bytes(file).replace(ids[0].encode(), ids[1].encode())
    assert "DU04" in post(bank, document).text


def test_files_too_large_or_of_another_kind_are_not_read(bank: Party) -> None:
    assert post(bank, b" " * (32 * 1024 * 1024 + 1)).status_code == 413
    answer = bank.post("/payments", json={"pay": "everybody"})
    assert answer.status_code == 415
    answer = bank.post("/payments", content=b"x", headers={**XML, "content-type": ""})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=101", f"after={10**30}"]
)
def test_nonsense_questions_get_422(bank: Party, query: str) -> None:
    assert bank.get(f"/messages?{query}").status_code == 422


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file in which bytes were overwritten, cut out or doubled."""
    document = bytearray(bytes(file_of(2)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(document)))
        end = draw(st.integers(start, min(start + 40, len(document))))
        piece = draw(
            st.sampled_from([b"", bytes(document[start:end]) * 2, b"<", b"&#0;", b"]]>", b"\xff"])
            | st.binary(max_size=8)
        )
        document[start:end] = piece
    return bytes(document)


@settings(max_examples=400, deadline=None)
@given(document=damaged() | st.binary(max_size=300))
def test_no_damage_makes_the_reader_fail(document: bytes) -> None:
    order = read_order(document)
    assert isinstance(order, Order | Refusal)
    if isinstance(order, Order):
        assert all(transfer.amount_minor > 0 for transfer in order.transfers)


@settings(max_examples=200, deadline=None)
@given(minor=st.integers(1, 10**15), currency=st.sampled_from(["VND", "UAH", "UZS"]))
def test_amounts_are_read_exactly(minor: int, currency: str) -> None:
    decimals = {"VND": 0, "UAH": 2, "UZS": 2}[currency]
    whole, rest = divmod(minor, 10**decimals)
    amount = f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)
    order = read_order(one(amount, total=amount, currency=currency))
    assert isinstance(order, Order)
    assert order.total_minor == minor


@pytest.mark.parametrize(
    "shares", [{"reject": 1.1}, {"late": -0.1}, {"reject": 0.6, "returned": 0.6}]
)
def test_shares_that_are_no_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Shares(**shares)


def test_fates_come_about_as_often_as_asked_for() -> None:
    fortune = Fortune(7, Shares(reject=0.1, returned=0.2, late=0.3))
    fates = [fortune.of_payment(f"payment-{n}") for n in range(20_000)]
    outcomes = [fate.outcome for fate in fates]
    assert outcomes.count("reject") == pytest.approx(2000, rel=0.1)
    assert outcomes.count("return") == pytest.approx(4000, rel=0.1)
    assert sum(fate.late for fate in fates) == pytest.approx(6000, rel=0.1)
    assert all(bool(fate.reason) == (fate.outcome != "book") for fate in fates)
