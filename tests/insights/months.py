"""A month that was paid: people of two wards, of whom some payments came back."""

from uuid import UUID, uuid4

from services.insights.handlers import on_ordered, on_registered, on_returned, on_settled
from services.runtime.database import Transaction
from tests.insights.facts import NEXT_WARD, WARD, ordered, registered, returned, settled

PAID_WOMEN, PAID_MEN, PAID_NEXT_DOOR, CAME_BACK = 14, 2, 9, 6


async def paid_month(tx: Transaction, cycle: UUID) -> None:
    """14 women and 2 men of one ward and 9 women of the next are paid; 6 women's money is back."""
    kinds = [(WARD, 2, PAID_WOMEN), (WARD, 1, PAID_MEN), (NEXT_WARD, 2, PAID_NEXT_DOOR)]
    people = {uuid4(): (ward, sex) for ward, sex, many in kinds for _ in range(many)}
    back = {uuid4(): (WARD, 2) for _ in range(CAME_BACK)}
    await on_registered(
        tx,
        [
            registered(who, ward, 1 if sex == 1 else 2)
            for who, (ward, sex) in (people | back).items()
        ],
    )
    payments = {who: uuid4() for who in people | back}
    await on_ordered(tx, [ordered(who, cycle, payment) for who, payment in payments.items()])
    await on_settled(tx, [settled(who, payments[who]) for who in people])
    await on_returned(tx, [returned(who, payments[who]) for who in back])
