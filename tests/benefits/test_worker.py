import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID

import httpx
import pytest

from contracts.beneficiary import Contact
from deploy.local.bank.orders import Order, read_order
from services.benefits.domain.answers import Booked, Refused, SentBack
from services.benefits.gateways import BankGateway, NumberedMessage
from services.benefits.handlers.books import FileRejected, Said, Unmatched
from services.benefits.settings import BenefitsSettings
from services.benefits.store.bank import Batch, BatchLine, SealedContact
from services.benefits.worker import Desk, read
from services.runtime.sealing import PersonKeys
from tests.benefits.stories import uid

KEYS = PersonKeys.of(b"k" * 32)
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"
PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"


def sealed(name: str, account: str | None, *, keys: PersonKeys = KEYS) -> SealedContact:
    key = keys.issue(uid(name))
    text = Contact(name=f"Nguyễn {name}", account=account).model_dump_json()
    return SealedContact(uid(name), key.version, key.wrapped, key.seal(text.encode()))


def batch(*lines: tuple[SealedContact, ...]) -> Batch:
    return Batch(
        uid("batch"),
        datetime(2026, 9, 15, tzinfo=UTC),
        date(2026, 9, 15),
        tuple(
            BatchLine(uid(f"payment {number}"), 750_000, "VND", contacts)
            for number, contacts in enumerate(lines)
        ),
    )


def reply(status: int, body: bytes = b"") -> httpx.Response:
    """An answer that is still to be read, as one that comes over the wire."""
    return httpx.Response(status, stream=httpx.ByteStream(body))


def desk(answer: Callable[[httpx.Request], httpx.Response]) -> Desk:
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Desk(BenefitsSettings(rehearsal=True), KEYS, BankGateway(client, "http://bank", 5.0))


def taking(files: list[bytes]) -> Desk:
    def answer(request: httpx.Request) -> httpx.Response:
        files.append(request.content)
        return reply(202)

    return desk(answer)


def order_of(document: bytes) -> Order:
    order = read_order(document)
    assert isinstance(order, Order), order
    return order


async def test_a_file_names_each_payment_once_with_its_payees_name_and_account() -> None:
    files: list[bytes] = []
    sent = await taking(files).send(batch((sealed("An", "123"),), (sealed("Mai", "456"),)))
    assert (sent.state, sent.unpayable) == ("taken", ())
    order = order_of(files[0])
    assert order.message_id == uid("batch").hex
    assert [(t.end_to_end_id, t.creditor_account, t.amount_minor) for t in order.transfers] == [
        (uid("payment 0").hex, "123", 750_000),
        (uid("payment 1").hex, "456", 750_000),
    ]
    assert order.transfers[0].creditor_name == "Nguyễn An"


async def test_the_same_batch_is_always_the_same_bytes() -> None:
    files: list[bytes] = []
    same = batch((sealed("An", "123"), sealed("Mai", "9")))
    await taking(files).send(same)
    await taking(files).send(same)
    assert files[0] == files[1]


async def test_who_has_no_account_is_paid_into_that_of_the_head_of_the_household() -> None:
    files: list[bytes] = []
    sent = await taking(files).send(batch((sealed("An", None), sealed("Mai", "456"))))
    assert sent.unpayable == ()
    (transfer,) = order_of(files[0]).transfers
    assert (transfer.creditor_account, transfer.creditor_name) == ("456", "Nguyễn Mai")


async def test_payments_without_a_usable_account_are_left_out() -> None:
    files: list[bytes] = []
    stranger = sealed("Lan", "1", keys=PersonKeys.of(b"x" * 32))
    sent = await taking(files).send(
        batch(
            (sealed("An", None),),
            (),
            (sealed("Mai", "not an account!"),),
            (stranger,),
            (sealed("Hoa", "5"),),
        )
    )
    assert sent.unpayable == tuple(uid(f"payment {number}") for number in range(4))
    assert len(order_of(files[0]).transfers) == 1


async def test_a_file_without_any_payment_is_not_sent() -> None:
    files: list[bytes] = []
    sent = await taking(files).send(batch((sealed("An", None),)))
    assert (sent.state, files) == ("taken", [])


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (504, b"", "open"),
        (413, b"", "refused"),
        (422, b"<no/>", "open"),
    ],
)
async def test_what_the_bank_answers_decides_whether_the_file_is_sent_again(
    status: int, body: bytes, state: str
) -> None:
    sent = await desk(lambda _: reply(status, body)).send(batch((sealed("An", "1"),)))
    assert sent.state == state


async def test_a_message_id_that_the_bank_knows_from_another_file_is_a_contradiction() -> None:
    report = _pain002(
        f"<OrgnlMsgId>{uid('batch').hex}</OrgnlMsgId><GrpSts>RJCT</GrpSts>"
        "<StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf>",
        "",
    )
    sent = await desk(lambda _: reply(422, report.encode())).send(batch((sealed("An", "1"),)))
    assert (sent.state, sent.reason) == ("contradicted", "DU01")


async def test_messages_are_read_as_what_they_say_of_payments() -> None:
    entries = _entry(uid("p"), "DBIT", "") + _entry(uid("q"), "CRDT", "AC04")
    unknown = _entry(uid("r"), "DBIT", "").replace(uid("r").hex, "THEIRS")
    statuses = (
        f"<TxInfAndSts><OrgnlEndToEndId>{uid('s').hex}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
        "<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf></TxInfAndSts>"
        "<TxInfAndSts><OrgnlEndToEndId>THEIRS</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>"
    )
    group = f"<OrgnlMsgId>{uid('batch').hex}</OrgnlMsgId>"
    documents = [
        _camt054(entries + unknown),
        _pain002(group, statuses),
        _pain002(f"{group}<GrpSts>RJCT</GrpSts>", ""),
        "not xml",
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["after"] == "6"
        rows = [
            {"number": 7 + n, "message_id": f"M{n}", "kind": "x", "document": document}
            for n, document in enumerate(documents)
        ]
        return reply(200, json.dumps(rows).encode())

    booked, refused, rejected, unreadable = await desk(answer).listen(6)
    day = date(2026, 9, 16)
    assert booked.sayings == (
        Said(uid("p"), Booked(7, 750_000, "VND", day)),
        Said(uid("q"), SentBack(7, 750_000, "VND", "AC04")),
        Unmatched("entry_unmatched", "THEIRS", 750_000, "VND"),
    )
    assert refused.sayings == (
        Said(uid("s"), Refused(8, "AC01"), uid("batch")),
        Unmatched("status_unmatched", "THEIRS"),
    )
    assert rejected.sayings == (FileRejected(uid("batch"), "NARR"),)
    assert (unreadable.sayings, unreadable.unreadable) == ((), "not_xml")


def test_a_message_is_known_by_the_digest_of_its_text() -> None:
    message = NumberedMessage(number=1, message_id="M", kind="camt.054", document=_camt054(""))
    assert len(read(message).digest) == 64


def _entry(payment_id: UUID, side: str, reason: str) -> str:
    returned = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    amount = f'<Amt Ccy="VND">750000</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    return (
        f"<Ntry>{amount}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-16</Dt></BookgDt>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{payment_id.hex}</EndToEndId></Refs>"
        f"{amount}{returned}</TxDtls></NtryDtls></Ntry>"
    )


def _camt054(entries: str) -> str:
    return (
        f'<Document xmlns="{CAMT}"><BkToCstmrDbtCdtNtfctn><Ntfctn>{entries}</Ntfctn>'
        "</BkToCstmrDbtCdtNtfctn></Document>"
    )


def _pain002(group: str, statuses: str) -> str:
    return (
        f'<Document xmlns="{PAIN}"><CstmrPmtStsRpt>'
        f"<OrgnlGrpInfAndSts>{group}</OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts>{statuses}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )
