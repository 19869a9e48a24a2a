"""Persons, households, suspected pairs, sealed contacts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from services.benefits.domain.persons import Person, Review, StatusEntry
from services.runtime.database import Connection, columns

NAMED: Final = """
select id, region, household_id, residence, birth_date, registered_at, review, statuses
from persons where id = any($1::uuid[])
"""
LOAD_PERSONS: Final = f"{NAMED} order by id"
LOCK_PERSONS: Final = f"{LOAD_PERSONS} for no key update"
LOAD_HOMES: Final = "select id, head_id, child_ids from households where id = any($1::uuid[])"
SAVE_PERSONS: Final = """
insert into persons (id, region, household_id, residence, birth_date, registered_at, review,
                     statuses)
select id, region, household_id, residence, birth_date, registered_at, review, statuses::jsonb
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::date[], $6::timestamptz[],
            $7::text[], $8::text[])
    as given (id, region, household_id, residence, birth_date, registered_at, review, statuses)
order by id
on conflict (id) do update
set region = excluded.region, household_id = excluded.household_id,
    residence = excluded.residence, birth_date = excluded.birth_date, review = excluded.review,
    statuses = excluded.statuses
"""
SAVE_HOUSEHOLDS: Final = """
with saved as (
    insert into households (id, region, head_id, child_ids)
    select id, region, head_id, string_to_array(child_ids, ',')::uuid[]
    from unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[])
        as given (id, region, head_id, child_ids)
    order by id
    on conflict (id) do update
    set region = excluded.region, head_id = excluded.head_id, child_ids = excluded.child_ids
)
select id, region, household_id, residence, birth_date, registered_at, review, statuses
from persons where id = any($1::uuid[])
  and (statuses @? '$[*] ? (@[0] == "single_parent")'
       or exists (select from entitlements e
                  where e.person_id = persons.id and e.payee_id is distinct from e.person_id))
order by id for no key update
"""
# Who is paid for the children they raise is looked at again when anybody at home changes.
REVIEW_PARENTS: Final = """
insert into timers (name, subject, due_at, data)
select $1, p.id::text, $4, jsonb_build_object('cause', home.cause)
from unnest($2::uuid[], $3::text[]) as home (id, cause)
join persons p on p.household_id = home.id
where p.id <> all ($5::uuid[]) and p.statuses @? '$[*] ? (@[0] == "single_parent")'
order by p.id
on conflict (name, subject) do update
set due_at = least(timers.due_at, excluded.due_at), data = timers.data || excluded.data
"""
LIST_PERSONS: Final = "select id from persons where id > $1 order by id limit $2"
FIND_WAITING: Final = """
select distinct e.person_id from entitlements e
join persons p on p.id = e.person_id
join households h on h.id = p.household_id
where e.phase = 'waiting' and h.head_id is not null
order by e.person_id limit $1
"""
SAVE_REVIEWS: Final = """
insert into reviews (pair_id, person_a, person_b, outcome)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
    as given (pair_id, person_a, person_b, outcome)
order by pair_id
on conflict (pair_id) do update set outcome = coalesce(excluded.outcome, reviews.outcome)
"""
STILL_SUSPECTED: Final = """
select person_a as id from reviews where person_a = any($1::uuid[]) and outcome is null
union
select person_b from reviews where person_b = any($1::uuid[]) and outcome is null
"""
SAVE_SEALED: Final = """
with reached as (
    insert into contacts (person_id, key_version, sealed)
    select * from unnest($1::uuid[], $2::integer[], $3::text[])
        as given (person_id, key_version, sealed)
    order by person_id
    on conflict (person_id) do update
    set key_version = excluded.key_version, sealed = excluded.sealed
)
insert into person_keys (person_id, version, wrapped)
select * from unnest($4::uuid[], $5::integer[], $6::text[]) as given (person_id, version, wrapped)
order by person_id, version
on conflict (person_id, version) do update set wrapped = excluded.wrapped
"""
FORGET_CONTACTS: Final = "delete from contacts where person_id = any($1::uuid[])"
FORGET_KEYS: Final = "delete from person_keys where person_id = any($1::uuid[])"


async def lock_persons(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Known persons among `ids`, locked until the transaction ends."""
    rows = await connection.fetch(LOCK_PERSONS, sorted(set(ids)))
    return {row["id"]: _person(row) for row in rows}


async def load_persons(connection: Connection, ids: Iterable[UUID]) -> list[Person]:
    """Known persons among `ids`, as they are now."""
    return [_person(row) for row in await connection.fetch(LOAD_PERSONS, sorted(set(ids)))]


@dataclass(frozen=True, slots=True)
class Home:
    """Who heads a household, and who are the head's children."""

    head_id: UUID | None
    child_ids: tuple[UUID, ...]


async def load_homes(connection: Connection, households: Iterable[UUID]) -> dict[UUID, Home]:
    """Household → who is who in it, where that is known."""
    rows = await connection.fetch(LOAD_HOMES, sorted(set(households)))
    return {row["id"]: Home(row["head_id"], tuple(row["child_ids"])) for row in rows}


async def review_parents(
    connection: Connection,
    timer: str,
    homes: Mapping[UUID, str],
    now: datetime,
    but: Iterable[UUID],
) -> None:
    """Sets the timer, due now, of single parents in households, but of those in hand.

    `homes` says by what event each household changed: two changes are two reviews, whatever the
    clock of a rehearsal says.
    """
    await connection.execute(REVIEW_PARENTS, timer, [*homes], [*homes.values()], now, [*but])


async def list_persons(connection: Connection, after: UUID, most: int) -> list[UUID]:
    """The next persons after an id, in order of ids."""
    return [row["id"] for row in await connection.fetch(LIST_PERSONS, after, most)]


async def save_persons(connection: Connection, persons: Iterable[Person]) -> None:
    """Stores persons, known or new."""
    rows = [
        (
            person.id,
            person.region,
            person.household_id,
            person.residence,
            person.birth_date,
            person.registered_at,
            person.review.value,
            to_json(person.statuses).decode(),
        )
        for person in persons
    ]
    if rows:
        await connection.execute(SAVE_PERSONS, *columns(rows, 8))


async def save_households(
    connection: Connection,
    rows: Sequence[tuple[UUID, str, UUID | None, Sequence[UUID]]],
    members: Iterable[UUID],
) -> dict[UUID, Person]:
    """Stores (household, region, head, the head's children), each household once.

    Returns, locked, the members whom it concerns who is at home: paid through others, or for their
    children.
    """
    flat = [(home, region, head, ",".join(map(str, ids))) for home, region, head, ids in rows]
    concerned = await connection.fetch(SAVE_HOUSEHOLDS, sorted(set(members)), *columns(flat, 4))
    return {row["id"]: _person(row) for row in concerned}


async def find_waiting(connection: Connection, limit: int) -> list[UUID]:
    """Persons with an entitlement that waits for its payee, though the head is known."""
    return [row["person_id"] for row in await connection.fetch(FIND_WAITING, limit)]


async def save_reviews(
    connection: Connection, rows: Sequence[tuple[UUID, UUID, UUID, str | None]]
) -> None:
    """Stores (pair, person, person, outcome), each pair once; None leaves a known outcome."""
    await connection.execute(SAVE_REVIEWS, *columns(rows, 4))


async def still_suspected(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Persons among `ids` of whom a pair is not decided."""
    rows = await connection.fetch(STILL_SUSPECTED, sorted(set(ids)))
    return {row["id"] for row in rows}


async def save_sealed(
    connection: Connection,
    contacts: Mapping[UUID, tuple[int, str]],
    keys: Mapping[tuple[UUID, int], str],
) -> None:
    """Stores contacts, person → (key version, sealed), and keys, (person, version) → wrapped."""
    sealed = [(person, *row) for person, row in contacts.items()]
    wrapped = [(*name, key) for name, key in keys.items()]
    await connection.execute(SAVE_SEALED, *columns(sealed, 3), *columns(wrapped, 3))


async def forget_contacts(connection: Connection, persons: Sequence[UUID]) -> None:
    """Drops the sealed contacts of persons."""
    await connection.execute(FORGET_CONTACTS, persons)


async def forget_keys(connection: Connection, persons: Sequence[UUID]) -> None:
    """Drops all keys of persons: what is sealed with them can be read no more, in files too."""
    await connection.execute(FORGET_KEYS, persons)


def _person(row: asyncpg.Record) -> Person:
    return Person(
        row["id"],
        row["region"],
        row["household_id"],
        row["residence"],
        row["birth_date"],
        row["registered_at"],
        Review(row["review"]),
        tuple(
            StatusEntry(code, level, state, date.fromisoformat(on), date.fromisoformat(known))
            for code, level, state, on, known in json.loads(row["statuses"])
        ),
    )
