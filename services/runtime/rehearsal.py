"""The rehearsal clock: business time moves forward by an event, in rehearsals only.

Every service keeps how far it was moved in its own schema; each transaction of a worker or an API
reads it there. Elsewhere the event moves nothing and is told in the log.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from contracts.envelope import Envelope
from contracts.platform import ClockAdvanced
from services.runtime.database import Transaction
from services.runtime.routes import Outcome, Subscription, on

CLOCK_TOPIC: Final = "platform.clock.v1"
ADVANCE: Final = """
insert into business_clock (business_time) values ($1)
on conflict (single) do update
set business_time = greatest(business_clock.business_time, excluded.business_time)
"""


def clock_subscription(service: str) -> Subscription:
    """What every worker listens to besides its own table."""
    return on(service, CLOCK_TOPIC, {ClockAdvanced: on_advanced})


async def on_advanced(tx: Transaction, events: Sequence[Envelope[ClockAdvanced]]) -> list[Outcome]:
    """Moves business time forward; an earlier instant changes nothing."""
    if tx.settings.rehearsal:
        await tx.connection.execute(ADVANCE, max(event.data.business_time for event in events))
    else:
        structlog.get_logger().warning("business time is not moved, this is no rehearsal")
    return []
