"""What the registry's worker makes of a region's records: each is answered, facts follow."""

from collections import Counter
from uuid import uuid4

import pytest

from contracts.catalogue import BY_PAYLOAD, receipts_topic
from contracts.codec import decode, encode
from contracts.envelope import Envelope
from contracts.platform import EventAccepted, EventRejected
from contracts.regional import PersonRegistered
from services.beneficiary.worker import SUBSCRIPTIONS
from services.runtime.inbox import Record
from tests.beneficiary.forms import form, stranger
from tests.databases import Schema
from tests.events import NOW, REGION, claim
from tests.runtime.desk import Desk, record

pytestmark = pytest.mark.stack
CLAIMS = "regional.vn-07.beneficiary.v1"


def sent(event: Envelope[PersonRegistered]) -> Record:
    return record(event.data.record_id, encode(event), CLAIMS)


async def test_each_claim_of_a_batch_is_answered_once_and_what_holds_is_published(
    schema: Schema,
) -> None:
    # given good claims, one of them twice, one of another region's and one that is none
    good, other = claim(stranger("W-1", 1)), claim(stranger("W-2", 2))
    forged = claim(form("W-3"), "VN-01")
    broken = record("W-4", f'{{"id":"{uuid4()}"'.encode(), CLAIMS)
    async with schema.database(NOW) as database:
        desk = Desk(database, "beneficiary")
        handlers = SUBSCRIPTIONS[0].handlers
        consumer = desk.claims(handlers, "beneficiary")
        # when they are taken, and once more
        batch = [sent(good), sent(other), sent(good), sent(forged), broken]
        await consumer.process(batch)
        await consumer.process(batch)
    # then there are four answers, and the facts of two people
    answers = Counter(type(event.data) for event in desk.told(REGION))
    assert answers == {EventAccepted: 2, EventRejected: 2}
    codes = {getattr(event.data, "code", "accepted") for event in desk.told(REGION)}
    assert codes == {"accepted", "claim.wrong_source", "json.malformed"}
    facts = [decode(value) for topic, _, value in desk.sent if topic != receipts_topic(REGION)]
    registered = [one for one in facts if isinstance(one, Envelope) and one.sequence == 1]
    assert Counter(BY_PAYLOAD[type(one.data)].topic for one in registered) == {
        "beneficiary.person.v1": 2,
        "beneficiary.household.v1": 2,
    }
