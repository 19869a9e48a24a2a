"""Benefits of the obvious pipe."""

import json
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from services.runtime.database import Connection
from tests.load import alike
from tests.load.alike import named
from tests.load.obvious.app import Handlers, is_next, number, publish, transaction
from tests.load.obvious.events import (
    ContactData,
    Fact,
    HouseholdData,
    KeyData,
    PersonRegistered,
    StatusChanged,
    decided,
)

PERSON = """
insert into persons (id, region, household_id, residence, birth_date, registered_at, review,
                     statuses)
values ($1, $2, $3, $4, $5, $6, 'none', '[]')
"""
STATED = "update persons set statuses = $2 where id = $1 returning birth_date"
HOUSEHOLD = """
insert into households (id, region, head_id, child_ids) values ($1, $2, $3, '{}')
"""
CONTACT = "insert into contacts (person_id, key_version, sealed) values ($1, $2, $3)"
KEY = "insert into person_keys (person_id, version, wrapped) values ($1, $2, $3)"
APPLICATION = """
insert into applications (id, region, person_id, programme, outcome, due_on, signed)
values ($1, $2, $3, $4, 'approved', $5, $6)
"""
DECISION = """
insert into decisions (region, application_id, outcome, reasons, pack_version, facts, decided_on)
values ($1, $2, 'approved', $3, $4, $5, $6)
"""
ENTITLEMENT = """
insert into entitlements (id, region, person_id, programme, component, currency, phase, payee_id,
                          announced)
values ($1, $2, $3, $4, 'allowance', $5, 'running', $3, $6)
"""
TERM = """
insert into terms (entitlement_id, from_month, region, amount_minor, group_code, coefficient,
                   standard_minor)
values ($1, $2, $3, $4, $5, $6, $7)
"""
TIMER = "insert into timers (name, subject, due_at) values ('review', $1, $2)"

PersonEvent = Annotated[PersonRegistered | StatusChanged, Field(discriminator="type")]


async def on_person(event: PersonEvent) -> None:
    if isinstance(event, StatusChanged):
        await on_status(event)
    else:
        await on_registered(event)


async def on_registered(event: PersonRegistered) -> None:
    data = event.data
    async with transaction() as connection:
        if await is_next(connection, alike.PERSON.topic, event):
            await connection.execute(
                PERSON,
                data.person_id,
                event.regioncode,
                data.household_id,
                data.residence_region,
                date.fromisoformat(data.birth_date),
                datetime.fromisoformat(event.time),
            )


async def on_status(event: StatusChanged) -> None:
    facts = decided(event)
    async with transaction() as connection:
        if not await is_next(connection, alike.STATUS.topic, event):
            return
        await decide(connection, event)
        await number(connection, facts)
    await publish(facts)


async def decide(connection: Connection, event: StatusChanged) -> None:
    said, region, today = event.data, event.regioncode, event.time[:10]
    who, day = said.person_id, date.fromisoformat(today)
    application = named(who, alike.PROGRAMME)
    entitlement = named(application, "allowance")
    stated = [[said.code, said.level, said.state, said.effective_on, today]]
    born_on = await connection.fetchval(STATED, who, json.dumps(stated))
    due_on, signed = date.fromisoformat(alike.DUE_ON), json.dumps([[alike.GROUP, today]])
    await connection.execute(APPLICATION, application, region, who, alike.PROGRAMME, due_on, signed)
    used = json.dumps({"statuses": stated, "birth_date": str(born_on)})
    await connection.execute(
        DECISION, region, application, [alike.REASON], alike.VERSION, used, day
    )
    told = json.dumps([[today[:7], alike.AMOUNT_MINOR]])
    await connection.execute(
        ENTITLEMENT, entitlement, region, who, alike.PROGRAMME, alike.CURRENCY, told
    )
    amount = alike.AMOUNT_MINOR, alike.GROUP, alike.COEFFICIENT, alike.STANDARD_MINOR
    await connection.execute(TERM, entitlement, today[:7], region, *amount)
    if alike.changes_later(who):
        await connection.execute(TERM, entitlement, alike.LATER, region, *amount)
        await connection.execute(TIMER, who, datetime.fromisoformat(alike.REVIEW_AT))


async def on_household(event: Fact[HouseholdData]) -> None:
    data = event.data
    async with transaction() as connection:
        if await is_next(connection, alike.HOUSEHOLD.topic, event):
            row = data.household_id, event.regioncode, data.head_id
            await connection.execute(HOUSEHOLD, *row)


async def on_contact(event: Fact[ContactData]) -> None:
    data = event.data
    async with transaction() as connection:
        if await is_next(connection, alike.CONTACT.topic, event):
            await connection.execute(CONTACT, data.person_id, data.key_version, data.sealed)


async def on_key(event: Fact[KeyData]) -> None:
    data = event.data
    async with transaction() as connection:
        if await is_next(connection, alike.KEY.topic, event):
            await connection.execute(KEY, data.person_id, data.key_version, data.wrapped_key)


HANDLERS: Handlers = {
    alike.PERSON.topic: on_person,
    alike.HOUSEHOLD.topic: on_household,
    alike.CONTACT.topic: on_contact,
    alike.KEY.topic: on_key,
}
