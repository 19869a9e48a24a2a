"""One service of the bare pipe: `python -m tests.load.bare SERVICE PREFIX-OF-TOPICS`."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.load.alike import TAKEN
from tests.load.bare.hops import HOPS

BATCH = 1000
DELETE = "delete from outbox where id = any($1::bigint[])"


def credentials() -> dict[str, Any]:
    return {
        "bootstrap_servers": os.environ["HAMROH_KAFKA_BOOTSTRAP"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": os.environ["HAMROH_KAFKA_USERNAME"],
        "sasl_plain_password": os.environ["HAMROH_KAFKA_PASSWORD"],
    }


async def send(producer: AIOKafkaProducer, records: Iterable[tuple[str, str, bytes]]) -> None:
    """Sends (topic, key, event), each to the partition of its key, a batch per partition."""
    partitions: dict[str, int] = {}
    batches: dict[tuple[str, int], Any] = {}
    confirmed = []
    for topic, key, event in records:
        if topic not in partitions:
            partitions[topic] = len(await producer.partitions_for(topic))
        raw = key.encode()
        place = topic, crc32(raw) % partitions[topic]
        batch = batches.get(place) or producer.create_batch()
        if batch.append(key=raw, value=event, timestamp=None) is None:
            confirmed.append(await producer.send_batch(batch, topic, partition=place[1]))
            batch = producer.create_batch()
            batch.append(key=raw, value=event, timestamp=None)
        batches[place] = batch
    for (topic, partition), batch in batches.items():
        confirmed.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*confirmed)


async def run(service: str, prefix: str) -> None:
    hop = HOPS[service]
    connection = await asyncpg.connect(os.environ["HAMROH_DATABASE_URL"])
    producer = AIOKafkaProducer(
        **credentials(), acks="all", enable_idempotence=True, max_batch_size=262_144
    )
    consumer = AIOKafkaConsumer(
        *(prefix + topic for topic in TAKEN[service]),
        **credentials(),
        group_id=prefix + service,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await producer.start()
    await consumer.start()
    while True:
        taken = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        if not taken:
            continue
        rows = hop.taken([record for part in taken.values() for record in part], prefix).rows
        [(ids, numbers)] = await connection.fetch(
            hop.statement.text, *hop.statement.arguments(rows)
        )
        if ids:
            fresh = set(numbers)
            await send(
                producer, ((prefix + t, k, e) for n, t, k, e in rows["outbox"] if n in fresh)
            )
            await connection.execute(DELETE, ids)
        await consumer.commit()


async def until_told(service: str, prefix: str) -> None:
    working = asyncio.create_task(run(service, prefix))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    gc.disable()
    uvloop.run(until_told(*sys.argv[1:]))
