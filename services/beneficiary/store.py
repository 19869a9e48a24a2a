"""Every statement of the registry, and the rows it keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.runtime.database import Connection, columns

Row = asyncpg.Record

BLOCK_LIMIT: Final = 60
"""A matching key that more people share tells nothing; it is passed over."""

NumberDigests = tuple[int | None, int | None, int | None]
"""The digests of the three parts of a sound national number, or none."""

KNOWN: Final = "select * from known($1::text[], $2::text[], $3::uuid[])"
# Members are looked up one by one, each below its `limit 1`: a plan made for a batch expects ten
# members of every key, where there is hardly one, and would join by reading everybody (ADR 12).
FIND_SIMILAR: Final = """
with met as (
    select distinct given.key, member.person_id
    from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
        as given (key, first, second, third)
    cross join lateral (
        select array_agg(person_id) as ids
        from (select person_id from match_keys where match_keys.key = given.key limit $5 + 1)
            as members
    ) as block
    cross join lateral unnest(block.ids) as member (person_id)
    cross join lateral (
        select number_parts as parts from person_keys
        where person_keys.person_id = member.person_id limit 1
    ) as number
    where cardinality(block.ids) <= $5
      and (given.first is null or number.parts is null
           or number.parts && array[given.first, given.second, given.third])
)
select met.key, person.*
from met
cross join lateral (
    select persons.id, persons.region, persons.household_id, persons.key_version,
           persons.sealed, person_keys.wrapped
    from persons join person_keys on person_keys.person_id = persons.id
    where persons.id = met.person_id limit 1
) as person
"""
SAVE_PERSONS: Final = """
with registered as (
    insert into persons (id, region, source, record_id, household_id, role, claim_digest,
                         birth_date, birth_precision, sex, place, language, under_review,
                         key_version, sealed, registered_on)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[],
                         $7::text[], $8::date[], $9::text[], $10::smallint[], $11::text[],
                         $12::text[], $13::boolean[], $14::integer[], $15::text[], $16::date[])
), keyed as (
    insert into person_keys (person_id, region, version, wrapped, number_parts)
    select person_id, region, version, wrapped,
           case when first is not null then array[first, second, third] end
    from unnest($1::uuid[], $2::text[], $14::integer[], $17::text[], $18::bigint[],
                $19::bigint[], $20::bigint[])
        as given (person_id, region, version, wrapped, first, second, third)
), stated as (
    insert into person_statuses (person_id, region, code, level, valid_from)
    select * from unnest($21::uuid[], $22::text[], $23::text[], $24::text[], $25::date[])
    on conflict do nothing
)
insert into match_keys (key, person_id)
select * from unnest($26::bigint[], $27::uuid[]) as given (key, person_id) order by key, person_id
"""
SAVE_PAIRS: Final = """
insert into pairs (id, region, person_a, person_b, score, reasons, holds, suspected_on)
select id, region, person_a, person_b, score, string_to_array(reasons, ','), holds, suspected_on
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::float8[], $6::text[],
            $7::boolean[], $8::date[])
    as given (id, region, person_a, person_b, score, reasons, holds, suspected_on)
on conflict do nothing
"""
LIST_PERSONS: Final = """
select id, region, household_id, role, birth_date, birth_precision, sex, place, language,
       under_review, registered_on
from persons where ($1::uuid is null or id > $1) order by id limit $2
"""
FIND_PERSON: Final = """
select id, region, household_id, role, birth_date, birth_precision, sex, place, language,
       under_review, registered_on
from persons where id = $1
"""
LIST_STATUSES: Final = """
select code, level, valid_from from person_statuses where person_id = $1 order by valid_from, code
"""
LIST_PAIRS: Final = """
select id, region, person_a, person_b, score, reasons, holds, suspected_on, outcome, decided_at
from pairs
where (outcome is null or not $1) and ($2::uuid is null or id > $2)
order by id limit $3
"""
LOCK_PAIR: Final = """
select id, region, person_a, person_b, score, reasons, holds, suspected_on, outcome, decided_at
from pairs where id = $1 for update
"""
RESOLVE_PAIR: Final = """
update pairs set outcome = $2, decided_by = $3, decided_at = $4 where id = $1
"""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as stored; the order of the fields is that of `SAVE_PERSONS`."""

    id: UUID
    region: str
    source: str
    record_id: str
    household_id: UUID
    role: str
    claim_digest: str
    birth_date: date
    birth_precision: str
    sex: int
    place: str
    language: str
    under_review: bool
    key_version: int
    sealed: str
    registered_on: date


@dataclass(frozen=True, slots=True)
class PersonView:
    """What officers see of a person: no name, no number."""

    id: UUID
    region: str
    household_id: UUID
    role: str
    birth_date: date
    birth_precision: str
    sex: int
    place: str
    language: str
    under_review: bool
    registered_on: date


@dataclass(frozen=True, slots=True)
class StatusView:
    """A status, its level if it has any, and since when."""

    code: str
    level: str | None
    valid_from: date


@dataclass(frozen=True, slots=True)
class PairView:
    """Two persons who may be one, why, and what an officer decided."""

    id: UUID
    region: str
    person_a: UUID
    person_b: UUID
    score: float
    reasons: list[str]
    holds: bool
    suspected_on: date
    outcome: str | None
    decided_at: datetime | None


class Known(NamedTuple):
    """What the registry knows already."""

    digests: dict[tuple[str, str], str]
    """(source, record id) → digest of the claim that registered it."""
    members: dict[UUID, list[tuple[UUID, str]]]
    """Household → its members so far, as (person, role) in the order they came."""


async def load_known(
    connection: Connection, names: Sequence[tuple[str, str]], household_ids: Iterable[UUID]
) -> Known:
    """What is known of records and households; until the commit nobody else registers any."""
    columns = [name[0] for name in names], [name[1] for name in names], [*household_ids]
    known = Known({}, {})
    for row in await connection.fetch(KNOWN, *columns):
        if row["household_id"] is None:
            known.digests[row["source"], row["record_id"]] = row["claim_digest"]
        else:
            known.members.setdefault(row["household_id"], []).append((row["id"], row["role"]))
    return known


async def find_similar(
    connection: Connection, wanted: Sequence[tuple[int, *NumberDigests]]
) -> list[Row]:
    """Persons who share a telling key: key, id, household, key version, sealed, wrapped.

    Who shares no part of the number beside the key is another person, and left out.
    """
    return await connection.fetch(FIND_SIMILAR, *columns(wanted, 4), BLOCK_LIMIT)


StatusRow = tuple[UUID, str, str, str | None, date]
"""Person, region, code, level, valid from."""


async def save_persons(
    connection: Connection,
    persons: Sequence[PersonRow],
    opening: Sequence[tuple[str, *NumberDigests]],
    statuses: Sequence[StatusRow],
    match_keys: Sequence[tuple[int, UUID]],
) -> None:
    """Stores new persons with their wrapped keys and numbers, statuses and (digest, person)."""
    fields = PersonRow.__slots__
    rows = [tuple(getattr(person, name) for name in fields) for person in persons]
    await connection.execute(
        SAVE_PERSONS,
        *columns(rows, len(fields)),
        *columns(opening, 4),
        *columns(statuses, 5),
        *columns(match_keys, 2),
    )


async def save_pairs(
    connection: Connection,
    rows: Sequence[tuple[UUID, str, UUID, UUID, float, str, bool, date]],
) -> None:
    """Stores (pair, region, person, person, score, reasons by comma, holds, suspected on)."""
    if rows:
        await connection.execute(SAVE_PAIRS, *columns(rows, 8))


async def resolve_pair(
    connection: Connection, pair_id: UUID, outcome: str, decided_by: str, decided_at: datetime
) -> None:
    """Records an officer's decision about a pair."""
    await connection.execute(RESOLVE_PAIR, pair_id, outcome, decided_by, decided_at)


async def page_persons(connection: Connection, after: UUID | None, limit: int) -> list[PersonView]:
    """The next persons by id."""
    return [PersonView(**row) for row in await connection.fetch(LIST_PERSONS, after, limit)]


async def find_person(connection: Connection, person_id: UUID) -> PersonView | None:
    """One person."""
    row: Row | None = await connection.fetchrow(FIND_PERSON, person_id)
    return PersonView(**row) if row else None


async def load_statuses(connection: Connection, person_id: UUID) -> list[StatusView]:
    """What was granted to a person, by date."""
    return [StatusView(**row) for row in await connection.fetch(LIST_STATUSES, person_id)]


async def page_pairs(
    connection: Connection, after: UUID | None, limit: int, *, open_only: bool
) -> list[PairView]:
    """The next suspected pairs by id."""
    return [PairView(**row) for row in await connection.fetch(LIST_PAIRS, open_only, after, limit)]


async def lock_pair(connection: Connection, pair_id: UUID) -> PairView | None:
    """One pair, which nobody else decides until the transaction ends."""
    row: Row | None = await connection.fetchrow(LOCK_PAIR, pair_id)
    return PairView(**row) if row else None
