"""One service of the obvious pipe: `python -m tests.load.obvious SERVICE PREFIX-OF-TOPICS`."""

import asyncio

from faststream import AckPolicy

from tests.load.alike import TAKEN, TOPICS
from tests.load.obvious import beneficiary, benefits, notifications
from tests.load.obvious.app import Handlers, app, broker, prefix, service

HANDLERS: dict[str, Handlers] = {
    "beneficiary": beneficiary.HANDLERS,
    "benefits": benefits.HANDLERS,
    "notifications": notifications.HANDLERS,
}

for topic in TAKEN[service]:
    subscriber = broker.subscriber(
        prefix + topic,
        group_id=f"{prefix}{service}.{topic}",
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_workers=TOPICS[topic].partitions,
    )
    subscriber(HANDLERS[service][topic])

if __name__ == "__main__":
    asyncio.run(app.run())
