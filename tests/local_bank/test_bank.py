"""An agency orders payments from the local bank, and an auditor looks over both shoulders."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.local_bank.files import (
    File,
    file_of,
    ledger,
    outbox,
    post,
    understand,
    wait_until,
    wait_until_idle,
)
from tests.local_bank.processes import ROOT, Party, free_port, running
from tests.local_bank.schemas import faults

CALM = ("--reject-share", "0", "--return-share", "0", "--late-share", "0", "--twice-share", "0")
STORMY = (
    *("--reject-share", "0.1", "--return-share", "0.1"),
    *("--late-share", "0.2", "--late-s", "0.2", "--twice-share", "0.5"),
)
OPENING_MINOR = 10**14


@pytest.fixture
def bank(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Party]:
    options = getattr(request, "param", ("--seed", "7", *STORMY))
    with running("deploy.local.bank", tmp_path / "bank", *options) as party:
        yield party


@pytest.fixture(scope="module")
def calm_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    directory = tmp_path_factory.mktemp("calm") / "bank"
    with running("deploy.local.bank", directory, "--seed", "1", *CALM) as party:
        yield party


def balance(bank: Party) -> int:
    accounts = ledger(bank)["accounts"]
    return int(next(a["balance_minor"] for a in accounts if a["currency"] == "VND"))


def wait_for_more_than(bank: Party, count: int) -> None:
    wait_until(lambda: len(outbox(bank, after=count)) > 0)


def test_every_payment_is_rejected_or_booked_and_the_books_agree_with_the_messages(
    bank: Party,
) -> None:
    file = file_of(1200)
    answer = post(bank, bytes(file))
    assert answer.status_code == 202
    assert answer.json() == {"message_id": file.message_id, "transfers": 1200}
    wait_until_idle(bank)

    said = understand(outbox(bank))
    assert said.accepted | said.rejected.keys() == file.payments.keys()
    assert said.accepted.isdisjoint(said.rejected)
    assert sorted(said.booked) == sorted(said.accepted)
    assert said.returned.keys() < said.accepted
    assert set(said.rejected.values()) <= {"AC01", "AC04", "AC06"}
    assert set(said.returned.values()) <= {"AC04", "AC06", "BE01", "MD07"}
    assert said.rejected
    assert said.returned

    books = ledger(bank)
    (batch,) = books["batches"]
    for name, count in {
        "instructed": 1200,
        "rejected": len(said.rejected),
        "booked": len(said.booked),
        "returned": len(said.returned),
        "pending": 0,
    }.items():
        assert batch[name] == {"count": count, "amount_minor": count * 500_000}
        assert books["totals"]["VND"][name] == batch[name]
    assert books["unbalanced_journals"] == 0
    spent = batch["booked"]["amount_minor"] - batch["returned"]["amount_minor"]
    assert balance(bank) == OPENING_MINOR - spent


def test_everything_the_bank_writes_is_valid(bank: Party) -> None:
    post(bank, bytes(file_of(300)))
    post(bank, bytes(File({uuid4().hex: "1"}, total="2")))
    wait_until_idle(bank)
    names = {"pain.002": "pain.002.001.12", "camt.054": "camt.054.001.08"}
    messages = outbox(bank)
    assert {message["kind"] for message in messages} == names.keys()
    for message in messages:
        assert faults(names[message["kind"]], message["document"].encode()) == ""


def test_numbers_are_contiguous_and_nothing_doubles_however_often_the_bank_is_killed(
    bank: Party,
) -> None:
    files = [file_of(1500) for _ in range(4)]
    seen: list[dict[str, object]] = []
    for number, file in enumerate(files):
        assert post(bank, bytes(file)).status_code == 202
        wait_for_more_than(bank, len(seen))
        bank.kill()
        bank.start_again()
        now = outbox(bank)
        assert now[: len(seen)] == seen, f"history changed at kill {number}"
        seen = now
    wait_until_idle(bank)

    messages = outbox(bank)
    assert [message["number"] for message in messages] == list(range(1, len(messages) + 1))
    said = understand(messages)
    ordered = {payment for file in files for payment in file.payments}
    assert sorted([*said.booked, *said.rejected]) == sorted(ordered)
    books = ledger(bank)
    assert books["totals"]["VND"]["booked"]["count"] == len(said.booked)
    assert books["unbalanced_journals"] == 0


@pytest.mark.parametrize(
    "bank",
    [("--seed", "7", *STORMY[:-2], "--twice-share", "1")],
    indirect=True,
    ids=["everything twice"],
)
def test_what_the_bank_says_twice_is_the_same_message_under_a_new_number(bank: Party) -> None:
    post(bank, bytes(file_of(50)))
    wait_until_idle(bank)
    messages = outbox(bank)
    documents = {message["message_id"]: message["document"] for message in messages}
    assert len(messages) == 2 * len(documents)
    assert all(documents[message["message_id"]] == message["document"] for message in messages)
    assert [message["number"] for message in messages] == list(range(1, len(messages) + 1))


def test_late_payments_are_booked_after_the_others_and_not_forgotten(bank: Party) -> None:
    file = file_of(100)
    post(bank, bytes(file))
    wait_until_idle(bank)
    bookings = [
        understand([message])
        for message in outbox(bank)
        if message["kind"] == "camt.054" and "DBIT" in message["document"]
    ]
    assert len(bookings) >= 2
    assert {p for said in bookings for p in said.booked} == understand(outbox(bank)).accepted


def test_the_same_file_again_gets_the_same_answer_and_is_carried_out_once(
    calm_bank: Party,
) -> None:
    file = bytes(file_of(3))
    before = balance(calm_bank)
    answers = [post(calm_bank, file) for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    wait_until_idle(calm_bank)
    assert balance(calm_bank) == before - 3 * 500_000


def test_another_file_under_a_known_id_is_refused_and_the_first_stands(calm_bank: Party) -> None:
    first = file_of(2)
    post(calm_bank, bytes(first))
    answer = post(calm_bank, bytes(File({uuid4().hex: "1"}, message_id=first.message_id)))
    assert answer.status_code == 422
    assert faults("pain.002.001.12", answer.content) == ""
    assert "DU01" in answer.text
    wait_until_idle(calm_bank)
    said = understand(outbox(calm_bank))
    assert first.message_id not in said.files_refused
    assert first.payments.keys() <= set(said.booked)


def test_a_payment_ordered_before_is_not_ordered_again(calm_bank: Party) -> None:
    first = file_of(2)
    post(calm_bank, bytes(first))
    second = File({**first.payments, uuid4().hex: "1"})
    assert "DU04" in post(calm_bank, bytes(second)).text
    wait_until_idle(calm_bank)
    said = understand(outbox(calm_bank))
    assert said.files_refused[second.message_id] == "DU04"
    assert sum(payment in first.payments for payment in said.booked) == 2


@pytest.mark.parametrize(
    "bank", [("--seed", "3", *CALM, "--lost-share", "1")], indirect=True, ids=["answers lost"]
)
def test_a_lost_answer_is_given_when_asked_again(bank: Party) -> None:
    file = file_of(2)
    assert post(bank, bytes(file)).status_code == 504
    assert post(bank, bytes(file)).status_code == 202
    wait_until_idle(bank)
    assert sorted(understand(outbox(bank)).booked) == sorted(file.payments)


def test_fates_hang_on_seed_and_payment_alone(tmp_path: Path) -> None:
    file = file_of(300)
    fates = []
    for place, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        with running("deploy.local.bank", tmp_path / place, "--seed", seed, *STORMY) as bank:
            post(bank, bytes(file))
            wait_until_idle(bank)
            said = understand(outbox(bank))
            fates.append((said.rejected, said.returned))
    assert fates[0] == fates[1] != fates[2]


@pytest.mark.parametrize(
    "bank",
    [("--seed", "3", *CALM, "--opening-minor", "1600000")],
    indirect=True,
    ids=["little money"],
)
def test_the_agencys_money_is_finite(bank: Party) -> None:
    post(bank, bytes(file_of(5)))
    wait_until_idle(bank)
    said = understand(outbox(bank))
    assert len(said.booked) == 3
    assert list(said.rejected.values()) == ["AM04", "AM04"]
    assert balance(bank) == 100_000


def test_two_banks_never_share_one_set_of_books(bank: Party, tmp_path: Path) -> None:
    second = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.local.bank", "--port", str(free_port())),
            *("--directory", str(tmp_path / "bank"), "--seed", "7"),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert second.returncode != 0
    assert bank.get("/health/ready").status_code == 200


def test_an_entry_taken_out_of_the_books_shows(bank: Party, tmp_path: Path) -> None:
    post(bank, bytes(file_of(10)))
    wait_until_idle(bank)
    bank.kill()
    with sqlite3.connect(tmp_path / "bank" / "bank.sqlite") as database:
        database.execute("DELETE FROM entries WHERE number = 7")
    bank.start_again()
    assert ledger(bank)["unbalanced_journals"] == 1


def test_entries_are_read_in_order_page_by_page(calm_bank: Party) -> None:
    post(calm_bank, bytes(file_of(4)))
    wait_until_idle(calm_bank)
    entries: list[dict[str, Any]] = []
    while page := calm_bank.get(
        "/ledger/entries",
        params={"after": entries[-1]["number"] if entries else 0, "limit": 5},
    ).json():
        entries += page
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))
    sides = {"debit": 1, "credit": -1}
    assert sum(sides[entry["side"]] * entry["amount_minor"] for entry in entries) == 0
