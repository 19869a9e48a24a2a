"""Every statement of insights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from contracts.benefits import CycleClosed
from contracts.insights import IndicatorPublished
from services.insights.aggregates import Delta, Spot, State
from services.runtime.database import Connection, columns

Row = asyncpg.Record

SAVE_SUBJECTS: Final = """
insert into subjects (pseudonym, region, ward, sex, birth_month)
select * from unnest($1::bytea[], $2::text[], $3::text[], $4::smallint[], $5::date[])
on conflict (pseudonym) do nothing
"""
LOAD_SUBJECTS: Final = """
select pseudonym, region, ward, sex from subjects where pseudonym = any($1::bytea[])
"""
LOAD_LATEST: Final = """
select pseudonym, state, month, region, ward, sex, amount_minor, cycle_id from latest
where kind = $1 and pseudonym = any($2::bytea[])
"""
SAVE_LATEST: Final = """
insert into latest (kind, pseudonym, state, month, region, ward, sex, amount_minor, cycle_id)
select $1, * from unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[],
                         $7::smallint[], $8::bigint[], $9::text[])
on conflict (kind, pseudonym) do update set state = excluded.state
"""
ADD_TO_CUBE: Final = """
insert into cube (measure, month, region, ward, sex, count, amount_minor)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::bigint[],
                     $7::bigint[])
on conflict (measure, month, ward, sex) do update
set count = cube.count + excluded.count, amount_minor = cube.amount_minor + excluded.amount_minor
"""
SAVE_CYCLES: Final = """
insert into cycles (cycle_id, month, programme, region, currency, ordered, ordered_minor, settled,
                    settled_minor, returned, returned_minor, closed_at)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                     $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                     $12::timestamptz[])
on conflict (cycle_id) do nothing
"""
COUNT_ENDED: Final = """
select count(*) from latest where cycle_id = $1 and state in ('settled', 'returned')
"""
CLOSED_CYCLES: Final = "select cycle_id::text from cycles where month = $1 and region = $2"
MONTH_CELLS: Final = """
select state, ward, sex, count(*) as count from latest
where cycle_id = any($1::text[]) and state in ('settled', 'returned') group by state, ward, sex
"""
SAVE_INDICATORS: Final = """
insert into indicators (cell_id, indicator, period, region, breakdown, count, amount_minor,
                        suppressed, revision)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                     $7::bigint[], $8::boolean[], $9::integer[])
on conflict (cell_id) do update
set count = excluded.count, amount_minor = excluded.amount_minor,
    suppressed = excluded.suppressed, revision = excluded.revision
"""
TOTALS: Final = """
select measure, sum(count)::bigint as count, sum(amount_minor)::bigint as amount_minor
from cube where ($1::text is null or region = $1) group by measure
"""
LIST_INDICATORS: Final = """
select indicator, period, region, breakdown, count, amount_minor, suppressed, revision
from indicators
where ($1::text is null or period = $1) and ($2::text is null or indicator = $2)
  and ($3::text is null or region = $3 or region like $3 || '-%')
  and ($4::text is null or (indicator, period, region, breakdown) > ($4, $5, $6, $7))
order by indicator, period, region, breakdown limit $8
"""
PUBLISHED: Final = """
select region, breakdown, count, suppressed from indicators
where indicator = $1 and period = $2 order by region, breakdown
"""
PUBLISHED_IN: Final = """
select region, breakdown, count from indicators
where indicator = $1 and period = $2 and (region = $3 or region like $3 || '-%')
"""
LATEST_CYCLE: Final = "select month, region from cycles order by closed_at desc, month desc limit 1"
COUNT_CYCLES: Final = "select count(*) from cycles"


@dataclass(frozen=True, slots=True)
class Figures:
    """How many, and how much in minor units of the region's currency."""

    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """A published cell; `count` and `amount_minor` are None where it is hidden."""

    indicator: str
    period: str
    region: str
    breakdown: str
    count: int | None
    amount_minor: int | None
    suppressed: bool
    revision: int

    @property
    def name(self) -> tuple[str, str, str, str]:
        """Where it stands in the order of all cells."""
        return self.indicator, self.period, self.region, self.breakdown


async def save_subjects(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Stores (pseudonym, region, ward, sex, birth month)."""
    await connection.execute(SAVE_SUBJECTS, *columns(rows, 5))


async def load_subjects(connection: Connection, pseudonyms: Sequence[bytes]) -> dict[bytes, Spot]:
    """Pseudonym → where the person counts."""
    rows = await connection.fetch(LOAD_SUBJECTS, pseudonyms)
    return {row["pseudonym"]: Spot(row["region"], row["ward"], row["sex"]) for row in rows}


async def load_latest(
    connection: Connection, kind: str, pseudonyms: Sequence[bytes]
) -> dict[bytes, State]:
    """What was last said about things of a kind."""
    rows = await connection.fetch(LOAD_LATEST, kind, pseudonyms)
    return {
        row["pseudonym"]: State(
            row["state"],
            row["month"],
            Spot(row["region"], row["ward"], row["sex"]),
            row["amount_minor"],
            row["cycle_id"],
        )
        for row in rows
    }


async def save_latest(connection: Connection, kind: str, states: Mapping[bytes, State]) -> None:
    """Stores what is now said about things of a kind."""
    rows = [
        (
            key,
            s.state,
            s.month,
            s.spot.region,
            s.spot.ward,
            s.spot.sex,
            s.amount_minor,
            s.cycle_id,
        )
        for key, s in sorted(states.items())
    ]
    await connection.execute(SAVE_LATEST, kind, *columns(rows, 8))


async def add_to_cube(connection: Connection, deltas: Sequence[Delta]) -> None:
    """Adds folded deltas: one row per cell."""
    rows = [
        (d.measure, d.month, d.spot.region, d.spot.ward, d.spot.sex, d.count, d.amount_minor)
        for d in deltas
    ]
    if rows:
        await connection.execute(ADD_TO_CUBE, *columns(rows, 7))


async def save_cycles(connection: Connection, rows: Sequence[tuple[CycleClosed, Any]]) -> None:
    """Stores closed cycles with the instant of closing."""
    records = [
        (
            c.cycle_id,
            c.month,
            c.programme,
            c.region,
            c.currency,
            c.ordered,
            c.ordered_minor,
            c.settled,
            c.settled_minor,
            c.returned,
            c.returned_minor,
            closed_at,
        )
        for c, closed_at in rows
    ]
    await connection.execute(SAVE_CYCLES, *columns(records, 12))


async def count_ended(connection: Connection, cycle_id: UUID) -> int:
    """How many payments of a cycle were booked or came back."""
    return int(await connection.fetchval(COUNT_ENDED, str(cycle_id)))


async def load_month(connection: Connection, month: str, region: str) -> tuple[int, list[Row]]:
    """How many cycles of a region's month are closed; how many of their payments ended how.

    Rows are state, ward, sex, count.
    """
    cycles = [row[0] for row in await connection.fetch(CLOSED_CYCLES, month, region)]
    return len(cycles), await connection.fetch(MONTH_CELLS, cycles)


async def load_published(
    connection: Connection, indicator: str, month: str, region: str
) -> dict[tuple[str, str], int | None]:
    """(place, breakdown) → count as it is published of a region's month, None where hidden."""
    rows = await connection.fetch(PUBLISHED_IN, indicator, month, region)
    return {(row["region"], row["breakdown"]): row["count"] for row in rows}


async def save_indicators(connection: Connection, cells: Sequence[IndicatorPublished]) -> None:
    """Stores published cells."""
    rows = [
        (
            cell.cell_id,
            cell.indicator,
            cell.period,
            cell.region,
            cell.breakdown,
            cell.count,
            cell.amount_minor,
            cell.suppressed,
            cell.revision,
        )
        for cell in cells
    ]
    if rows:
        await connection.execute(SAVE_INDICATORS, *columns(rows, 9))


async def totals(connection: Connection, region: str | None) -> dict[str, Figures]:
    """Measure → figures, over all wards, both sexes and all months."""
    rows = await connection.fetch(TOTALS, region)
    return {row["measure"]: Figures(row["count"], row["amount_minor"]) for row in rows}


async def page_indicators(
    connection: Connection,
    filters: tuple[str | None, str | None, str | None],
    after: Sequence[str],
    limit: int,
) -> list[IndicatorRow]:
    """The next published cells by name; `filters` are period, indicator and region."""
    start: list[str | None] = [*after, None, None, None, None][:4]
    rows = await connection.fetch(LIST_INDICATORS, *filters, *start, limit)
    return [IndicatorRow(**row) for row in rows]
