"""One service of the obvious pipe: `python -m tests.load.obvious SERVICE TOPIC_IN TOPIC_OUT`."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512

from services.runtime.database import Pool
from tests.load.obvious.events import (
    Claim,
    Entitlement,
    EntitlementData,
    Person,
    PersonData,
    named,
)

PARTITIONS = 6
AMOUNT_MINOR = 750_000

service, topic_in, topic_out = sys.argv[1:]
broker = KafkaBroker(
    os.environ["HAMROH_KAFKA_BOOTSTRAP"],
    security=SASLScram512(os.environ["HAMROH_KAFKA_USERNAME"], os.environ["HAMROH_KAFKA_PASSWORD"]),
    acks="all",
    enable_idempotence=True,
)
app = FastStream(broker)


class Database:
    pool: Pool


database = Database()


@app.on_startup
async def connect() -> None:
    url = os.environ["HAMROH_DATABASE_URL"]
    database.pool = await asyncpg.create_pool(url, min_size=PARTITIONS)


async def on_claim(claim: Claim) -> None:
    data = claim.data
    person = Person(
        id=named(claim.id, "person"),
        source="urn:load:registry",
        type="person.registered",
        time=claim.time,
        dataschema="urn:load:person:1",
        correlationid=claim.id,
        data=PersonData(
            person_id=named(claim.source, data.record_id),
            household_id=named(claim.source, data.form_id),
            birth_date=data.birth_date,
            sex=data.sex,
            place=data.place,
            language=data.language,
            status=data.statuses[0].code,
        ),
    )
    one = person.data
    async with database.pool.acquire() as connection, connection.transaction():
        fresh = await connection.fetchval(
            "insert into inbox_persons (id) values ($1) on conflict do nothing returning id",
            claim.id,
        )
        if fresh is None:
            return
        await connection.execute(
            "insert into persons values ($1, $2, $3, $4, $5, $6, $7)",
            one.person_id,
            one.household_id,
            one.birth_date,
            one.sex,
            one.place,
            one.language,
            one.status,
        )
    await broker.publish(person, topic_out, key=one.person_id.encode())


async def on_person(person: Person) -> None:
    one = person.data
    entitlement = Entitlement(
        id=named(person.id, "entitlement"),
        source="urn:load:benefits",
        type="entitlement.started",
        time=person.time,
        dataschema="urn:load:entitlement:1",
        correlationid=person.correlationid,
        data=EntitlementData(
            entitlement_id=named(one.person_id, "entitlement"),
            person_id=one.person_id,
            programme="VN-SA",
            amount_minor=AMOUNT_MINOR,
            from_month=person.time[:7],
        ),
    )
    due = entitlement.data
    async with database.pool.acquire() as connection, connection.transaction():
        fresh = await connection.fetchval(
            "insert into inbox_entitlements (id) values ($1) on conflict do nothing returning id",
            person.id,
        )
        if fresh is None:
            return
        await connection.execute(
            "insert into entitlements values ($1, $2, $3, $4, $5)",
            due.entitlement_id,
            due.person_id,
            due.programme,
            due.amount_minor,
            due.from_month,
        )
        await connection.execute(
            "insert into payments values ($1, $2, $3, $4)",
            named(due.entitlement_id, due.from_month),
            due.entitlement_id,
            due.from_month,
            due.amount_minor,
        )
    await broker.publish(entitlement, topic_out, key=due.person_id.encode())


async def on_entitlement(entitlement: Entitlement) -> None:
    due = entitlement.data
    async with database.pool.acquire() as connection, connection.transaction():
        fresh = await connection.fetchval(
            "insert into inbox_messages (id) values ($1) on conflict do nothing returning id",
            entitlement.id,
        )
        if fresh is None:
            return
        await connection.execute(
            "insert into messages values ($1, $2, $3, $4, $5)",
            named(entitlement.id, "message"),
            due.person_id,
            "entitlement_started",
            due.amount_minor,
            entitlement.correlationid,
        )


HANDLERS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "persons": on_claim,
    "entitlements": on_person,
    "messages": on_entitlement,
}
subscriber = broker.subscriber(
    topic_in,
    group_id=topic_in,
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.NACK_ON_ERROR,
    max_workers=PARTITIONS,
)
subscriber(HANDLERS[service])

if __name__ == "__main__":
    asyncio.run(app.run())
