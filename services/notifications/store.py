"""Every statement of notifications."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, assert_never
from uuid import UUID

import asyncpg

from contracts.beneficiary import ContactChanged, KeyIssued, PersonRegistered
from contracts.notifications import Channel
from services.notifications.domain.deliveries import Again, Delivered, Failed, Verdict
from services.notifications.domain.texts import Composition
from services.runtime.database import Connection, columns
from services.runtime.routes import Cause

SAVE_PERSONS: Final = """
with told as (
    insert into languages (person_id, region, language)
    select person_id, region, language
    from unnest($1::uuid[], $2::text[], $3::text[]) as given (person_id, region, language)
    order by person_id
    on conflict (person_id) do update
    set region = excluded.region, language = excluded.language
), reached as (
    insert into contacts (person_id, region, key_version, sealed)
    select person_id, region, key_version, sealed
    from unnest($4::uuid[], $5::text[], $6::integer[], $7::text[])
        as given (person_id, region, key_version, sealed)
    order by person_id
    on conflict (person_id) do update
    set region = excluded.region, key_version = excluded.key_version, sealed = excluded.sealed
)
insert into keys (person_id, region, key_version, wrapped_key)
select person_id, region, key_version, wrapped_key
from unnest($8::uuid[], $9::text[], $10::integer[], $11::text[])
    as given (person_id, region, key_version, wrapped_key)
order by person_id
on conflict (person_id) do update
set region = excluded.region, key_version = excluded.key_version,
    wrapped_key = excluded.wrapped_key, ended = false
"""
LOAD_LANGUAGES: Final = """
select person_id, l.language
from languages l join keys k using (person_id) left join contacts c using (person_id, key_version)
where person_id = any($1::uuid[]) and (c.person_id is not null or k.ended)
"""
FORGET_CONTACTS: Final = "delete from contacts where person_id = any($1::uuid[])"
# The end of a key that was never here is kept, too: its issue may lie before all that can be read.
FORGET_KEYS: Final = """
insert into keys (person_id, region, key_version, wrapped_key, ended)
select person_id, '', 0, '', true from unnest($1::uuid[]) as given (person_id)
order by person_id
on conflict (person_id) do update
set key_version = excluded.key_version, wrapped_key = excluded.wrapped_key, ended = true
"""
# An attempt that is being made ends as it ends: it alone has no reason of the one before.
END_WAITS: Final = """
update messages set next_attempt_at = now()
where recipient_id = any($1::uuid[]) and state = 'queued' and reason is not null
"""
QUEUE_MESSAGES: Final = """
insert into messages (message_id, region, recipient_id, template, language, amount_minor, currency,
                      month, cause_id, correlation_id, traceparent, queued_at)
select message_id, region, recipient_id, template, language, amount_minor, currency, month,
       cause_id, correlation_id, traceparent, $12
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[])
    as given (message_id, region, recipient_id, template, language, amount_minor, currency, month,
              cause_id, correlation_id, traceparent)
order by message_id
on conflict (message_id) do nothing
"""
LEASE_MESSAGES: Final = """
with due as (
    select message_id from messages
    where state = 'queued' and next_attempt_at <= now()
    order by next_attempt_at limit $1
    for update skip locked
), leased as (
    update messages m
    set attempts = attempts + 1, reason = null,
        next_attempt_at = now() + make_interval(secs => $2)
    from due where m.message_id = due.message_id
    returning m.message_id, m.recipient_id, m.region, m.template, m.language, m.amount_minor,
              m.currency, m.month, m.attempts, m.channel, m.queued_at, m.cause_id,
              m.correlation_id, m.traceparent
)
select leased.*, c.key_version, c.sealed, k.wrapped_key,
       coalesce(k.ended, false) as forgotten
from leased
left join keys k on k.person_id = leased.recipient_id
left join contacts c on c.person_id = k.person_id and c.key_version = k.key_version
"""
SETTLE_ATTEMPTS: Final = """
update messages m
set state = given.state, channel = given.channel, reason = given.reason, attempts = given.made,
    next_attempt_at = now() + case
        when exists (select from keys k where k.person_id = m.recipient_id and k.ended)
        then interval '0' else make_interval(secs => given.wait_s) end
from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::integer[],
            $7::float8[]) as given (message_id, attempt, state, channel, reason, made, wait_s)
where m.message_id = given.message_id and m.attempts = given.attempt and m.state = 'queued'
returning m.message_id
"""
PAGE_MESSAGES: Final = """
select message_id, recipient_id, template, language, channel, state, attempts, reason, queued_at
from messages
where recipient_id = $1 and ($2::uuid is null or message_id > $2)
order by message_id limit $3
"""


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told to whom, and why."""

    message_id: UUID
    recipient_id: UUID
    composition: Composition
    cause: Cause


@dataclass(frozen=True, slots=True)
class SealedContact:
    """A contact as the registry sealed it, with the wrapped key it was sealed with."""

    key_version: int
    sealed: str = field(repr=False)
    wrapped_key: str = field(repr=False)


Absence = Literal["away", "forgotten"]
"""Why there is no contact: it or its key may come (again), or the key has ended."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A message that this process may make the n-th attempt for."""

    message: Message
    attempt: int
    tried: Channel
    """Where the attempt before went, or `in_person` where none went anywhere."""
    contact: SealedContact | Absence
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class MessageRow:
    """What may be seen of a message: no words, no number."""

    message_id: UUID
    recipient_id: UUID
    template: str
    language: str
    channel: str
    state: str
    attempts: int
    reason: str | None
    queued_at: datetime


Told = PersonRegistered | ContactChanged | KeyIssued
"""What the registry tells of a person."""


async def save_persons(connection: Connection, told: Iterable[tuple[str, Told]]) -> None:
    """Adds or replaces what (region, fact)s say: languages, contacts as sealed, keys as wrapped."""
    languages: dict[UUID, tuple[Any, ...]] = {}
    contacts: dict[UUID, tuple[Any, ...]] = {}
    keys: dict[UUID, tuple[Any, ...]] = {}
    for region, data in told:
        who = data.person_id
        match data:
            case PersonRegistered():
                languages[who] = who, region, data.preferred_language
            case ContactChanged():
                contacts[who] = who, region, data.key_version, data.sealed
            case KeyIssued():
                keys[who] = who, region, data.key_version, data.wrapped_key
            case _:
                assert_never(data)
    await connection.execute(
        SAVE_PERSONS,
        *columns([*languages.values()], 3),
        *columns([*contacts.values()], 4),
        *columns([*keys.values()], 4),
    )


async def forget_contacts(connection: Connection, persons: Sequence[UUID]) -> None:
    """Drops the sealed contacts of persons."""
    await connection.execute(FORGET_CONTACTS, persons)


async def forget_keys(connection: Connection, persons: Sequence[UUID]) -> None:
    """Drops the keys of persons: what is sealed with them can be read no more.

    What is queued to them is due, unless somebody is at it: the next attempt finds no key.
    """
    await connection.execute(FORGET_KEYS, persons)
    await connection.execute(END_WAITS, persons)


async def load_languages(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Person → preferred language, of those whose contact and key are here or whose key ended."""
    rows = await connection.fetch(LOAD_LANGUAGES, ids)
    return {row[0]: row[1] for row in rows}


async def queue(connection: Connection, messages: Sequence[Message], at: datetime) -> None:
    """Adds messages to send; one that was added before stays as it is."""
    says = [message.composition for message in messages]
    causes = [message.cause for message in messages]
    await connection.execute(
        QUEUE_MESSAGES,
        [message.message_id for message in messages],
        [cause.region for cause in causes],
        [message.recipient_id for message in messages],
        [composition.template for composition in says],
        [composition.language for composition in says],
        [composition.amount_minor for composition in says],
        [composition.currency for composition in says],
        [composition.month for composition in says],
        [cause.id for cause in causes],
        [cause.correlation for cause in causes],
        [cause.traceparent for cause in causes],
        at,
    )


async def lease(connection: Connection, limit: int, lease_s: float) -> list[Lease]:
    """Takes the messages whose attempt has been due longest; nobody else does for so long."""
    return [_lease(row) for row in await connection.fetch(LEASE_MESSAGES, limit, lease_s)]


def _lease(row: asyncpg.Record) -> Lease:
    identity = row["message_id"]
    composition = Composition(
        row["template"], row["language"], row["amount_minor"], row["currency"], row["month"]
    )
    # What becomes of a message is known by the message, whatever it was that caused it.
    cause = Cause(
        str(identity), row["cause_id"], row["correlation_id"], row["region"], row["traceparent"]
    )
    message = Message(identity, row["recipient_id"], composition, cause)
    return Lease(message, row["attempts"], row["channel"], _contact(row), row["queued_at"])


def _contact(row: asyncpg.Record) -> SealedContact | Absence:
    if row["forgotten"]:
        return "forgotten"
    if row["sealed"] is None:
        return "away"
    return SealedContact(row["key_version"], row["sealed"], row["wrapped_key"])


async def settle(
    connection: Connection, attempts: Sequence[tuple[Lease, Verdict]]
) -> list[tuple[Lease, Verdict]]:
    """Records what became of attempts; returns those that still were this process's to settle."""
    rows = [(lease, verdict, *_outcome(lease, verdict)) for lease, verdict in attempts]
    settled = await connection.fetch(
        SETTLE_ATTEMPTS,
        [row[0].message.message_id for row in rows],
        [row[0].attempt for row in rows],
        *([row[column] for row in rows] for column in range(2, 7)),
    )
    mine = {row[0] for row in settled}
    return [pair for pair in attempts if pair[0].message.message_id in mine]


def _outcome(lease: Lease, verdict: Verdict) -> tuple[str, str, str | None, int, float]:
    """State, channel, reason, attempts made, seconds until the next one."""
    match verdict:
        case Failed(channel, reason, made):
            return "failed", channel, reason, made, 0.0
        case Again(channel, reason, wait_s):
            return "queued", channel, reason, lease.attempt, wait_s
        case Delivered(channel):
            return "delivered", channel, None, lease.attempt, 0.0
        case _:
            assert_never(verdict)


async def page_messages(
    connection: Connection, recipient_id: UUID, after: UUID | None, limit: int
) -> list[MessageRow]:
    """The next messages to a person, by id."""
    rows = await connection.fetch(PAGE_MESSAGES, recipient_id, after, limit)
    return [MessageRow(**row) for row in rows]
