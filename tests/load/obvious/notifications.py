"""Notifications of the obvious pipe."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from tests.load import alike
from tests.load.obvious.app import Handlers, is_next, transaction
from tests.load.obvious.events import (
    ContactData,
    Fact,
    KeyData,
    NoticeData,
    PersonRegistered,
    StatusChanged,
)

LANGUAGE = "insert into languages (person_id, region, language) values ($1, $2, $3)"
CONTACT = """
insert into contacts (person_id, region, key_version, sealed) values ($1, $2, $3, $4)
"""
KEY = "insert into keys (person_id, region, key_version, wrapped_key) values ($1, $2, $3, $4)"
MESSAGE = """
insert into messages (message_id, region, recipient_id, template, language, amount_minor, currency,
                      month, queued_at, cause_id, correlation_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

PersonEvent = Annotated[PersonRegistered | StatusChanged, Field(discriminator="type")]


async def on_person(event: PersonEvent) -> None:
    async with transaction() as connection:
        fresh = await is_next(connection, alike.PERSON.topic, event)
        if fresh and isinstance(event, PersonRegistered):
            row = event.data.person_id, event.regioncode, event.data.preferred_language
            await connection.execute(LANGUAGE, *row)


async def on_contact(event: Fact[ContactData]) -> None:
    data = event.data
    async with transaction() as connection:
        if await is_next(connection, alike.CONTACT.topic, event):
            row = data.person_id, event.regioncode, data.key_version, data.sealed
            await connection.execute(CONTACT, *row)


async def on_key(event: Fact[KeyData]) -> None:
    data = event.data
    async with transaction() as connection:
        if await is_next(connection, alike.KEY.topic, event):
            row = data.person_id, event.regioncode, data.key_version, data.wrapped_key
            await connection.execute(KEY, *row)


async def on_notice(event: Fact[NoticeData]) -> None:
    data = event.data
    async with transaction() as connection:
        if await is_next(connection, alike.NOTICE.topic, event):
            await connection.execute(
                MESSAGE,
                alike.named(data.notice_id, "message"),
                event.regioncode,
                data.payee_id,
                data.template,
                alike.LANGUAGE,
                data.amount_minor,
                data.currency,
                data.month,
                datetime.fromisoformat(event.time),
                event.id,
                event.correlationid,
            )


HANDLERS: Handlers = {
    alike.PERSON.topic: on_person,
    alike.CONTACT.topic: on_contact,
    alike.KEY.topic: on_key,
    alike.NOTICE.topic: on_notice,
}
