"""One service of the bare pipe: `python -m tests.load.bare SERVICE TOPIC_IN TOPIC_OUT`."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic_core import from_json

from tests.load.bare.hops import HOPS

BATCH = 1000
DELETE = "delete from outbox where seq = any($1::bigint[])"


def credentials() -> dict[str, Any]:
    return {
        "bootstrap_servers": os.environ["HAMROH_KAFKA_BOOTSTRAP"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": os.environ["HAMROH_KAFKA_USERNAME"],
        "sasl_plain_password": os.environ["HAMROH_KAFKA_PASSWORD"],
    }


async def send(
    producer: AIOKafkaProducer, topic: str, rows: Sequence[tuple[int, str, bytes]]
) -> None:
    """Each event to the partition that its cause came from."""
    batches: dict[int, Any] = {}
    confirmed = []
    for partition, key, value in rows:
        batch = batches.get(partition) or producer.create_batch()
        if batch.append(key=key.encode(), value=value, timestamp=None) is None:
            confirmed.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key.encode(), value=value, timestamp=None)
        batches[partition] = batch
    confirmed += [await producer.send_batch(b, topic, partition=p) for p, b in batches.items()]
    await asyncio.gather(*confirmed)


async def run(service: str, topic_in: str, topic_out: str) -> None:
    hop = HOPS[service]
    connection = await asyncpg.connect(os.environ["HAMROH_DATABASE_URL"])
    producer = AIOKafkaProducer(
        **credentials(), acks="all", enable_idempotence=True, max_batch_size=262_144
    )
    consumer = AIOKafkaConsumer(
        topic_in,
        **credentials(),
        group_id=topic_in,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await producer.start()
    await consumer.start()
    while True:
        taken = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        records = [record for rows in taken.values() for record in rows]
        if not records:
            continue
        columns, sent = hop.columns([from_json(record.value) for record in records], topic_out)
        rows = await connection.fetch(hop.statement, *columns)
        if rows:
            # What came twice is in no outbox row; a benchmark's claims come once.
            outgoing = zip(records, sent, strict=True)
            await send(producer, topic_out, [(r.partition, *event) for r, event in outgoing])
            await connection.execute(DELETE, [row[0] for row in rows])
        await consumer.commit()


async def until_told(service: str, topic_in: str, topic_out: str) -> None:
    working = asyncio.create_task(run(service, topic_in, topic_out))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    gc.disable()
    uvloop.run(until_told(*sys.argv[1:]))
