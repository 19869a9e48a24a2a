"""Applications, decisions, entitlements and their terms, rule packs in force."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, assert_never
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from services.benefits.domain.entitlements import (
    Cancelled,
    Entitlement,
    Held,
    Phase,
    Running,
    Term,
    Waiting,
)
from services.benefits.domain.judgement import Application, File
from services.runtime.database import Connection, columns

Files = dict[str, File]
"""Programme → what is kept of a person under it."""

LOAD_FILES: Final = """
select a.person_id, a.programme, a.id as application_id, a.outcome, a.due_on, a.signed,
       e.id, e.component, e.currency, e.phase, e.payee_id, e.held_until, e.announced,
       (select jsonb_agg(jsonb_build_array(t.from_month, t.amount_minor, t.group_code,
                                           t.coefficient, t.standard_minor) order by t.from_month)
        from terms t where t.entitlement_id = e.id) as terms
from applications a
left join entitlements e on e.person_id = a.person_id and e.programme = a.programme
where a.person_id = any($1::uuid[])
"""
SAVE_FILES: Final = """
with applied as (
    insert into applications (id, region, person_id, programme, outcome, due_on, signed)
    select id, region, person_id, programme, outcome, due_on, signed::jsonb
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::date[],
                $7::text[])
        as given (id, region, person_id, programme, outcome, due_on, signed)
    order by id
    on conflict (id) do update set outcome = excluded.outcome, signed = excluded.signed
), reasoned as (
    insert into decisions (region, application_id, outcome, reasons, pack_version, facts,
                           decided_on)
    select region, application_id, outcome, string_to_array(reasons, ','), pack_version,
           facts::jsonb, decided_on
    from unnest($8::text[], $9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[],
                $14::date[])
        as given (region, application_id, outcome, reasons, pack_version, facts, decided_on)
), entitled as (
    insert into entitlements (id, region, person_id, programme, component, currency, phase,
                              payee_id, held_until, announced)
    select id, region, person_id, programme, component, currency, phase, payee_id, held_until,
           announced::jsonb
    from unnest($15::uuid[], $16::text[], $17::uuid[], $18::text[], $19::text[], $20::text[],
                $21::text[], $22::uuid[], $23::date[], $24::text[])
        as given (id, region, person_id, programme, component, currency, phase, payee_id,
                  held_until, announced)
    order by id
    on conflict (id) do update
    set phase = excluded.phase, payee_id = excluded.payee_id, held_until = excluded.held_until,
        announced = excluded.announced
), dropped as (
    delete from terms using unnest($25::uuid[], $26::text[]) as gone (entitlement_id, from_month)
    where terms.entitlement_id = gone.entitlement_id and terms.from_month = gone.from_month
)
insert into terms (entitlement_id, from_month, region, amount_minor, group_code, coefficient,
                   standard_minor)
select * from unnest($27::uuid[], $28::text[], $29::text[], $30::bigint[], $31::text[],
                     $32::text[], $33::bigint[])
on conflict (entitlement_id, from_month) do update
set amount_minor = excluded.amount_minor, group_code = excluded.group_code,
    coefficient = excluded.coefficient, standard_minor = excluded.standard_minor
"""
KNOWN_PACKS: Final = "select programme, version, digest from activated_packs"
SAVE_PACK: Final = """
insert into activated_packs (programme, version, digest, activated_on) values ($1, $2, $3, $4)
on conflict do nothing returning programme
"""
MAKE_DIGEST_ANEW: Final = """
update activated_packs set digest = $3 where programme = $1 and version = $2 and digest = ''
"""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision with the law and the facts it used."""

    region: str
    application_id: UUID
    outcome: str
    reasons: tuple[str, ...]
    pack_version: str
    facts: str
    decided_on: date


@dataclass(frozen=True, slots=True)
class Change:
    """What a judgement changed of one person under one programme, and why."""

    region: str
    before: File
    after: File
    decision: DecisionRow | None = None


async def load_files(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Files]:
    """Person → programme → application and entitlements."""
    files: defaultdict[UUID, Files] = defaultdict(dict)
    for row in await connection.fetch(LOAD_FILES, sorted(set(ids))):
        own, programme = files[row["person_id"]], row["programme"]
        file = own.get(programme) or File(_application(row))
        if row["id"] is not None:
            entitlement = _entitlement(row)
            known = {**file.entitlements, entitlement.component: entitlement}
            file = replace(file, entitlements=known)
        own[programme] = file
    return files


async def save_files(connection: Connection, changes: Sequence[Change]) -> None:
    """Stores what changed of applications, entitlements and terms, and the decisions on it."""
    applications: list[tuple[Any, ...]] = []
    decisions: list[tuple[Any, ...]] = []
    entitlements: list[tuple[Any, ...]] = []
    dropped: list[tuple[Any, ...]] = []
    terms: list[tuple[Any, ...]] = []
    for change in changes:
        if change.after.application and change.after.application != change.before.application:
            applications.append(_application_row(change.region, change.after.application))
        if change.decision is not None:
            decisions.append(_decision_row(change.decision))
        for component, after in change.after.entitlements.items():
            before = change.before.entitlements.get(component)
            if before == after:
                continue
            entitlements.append(_entitlement_row(change.region, after))
            known = before.terms if before else ()
            kept = {term.from_month for term in after.terms}
            dropped += [(after.id, t.from_month) for t in known if t.from_month not in kept]
            terms += [_term_row(change.region, after.id, t) for t in after.terms if t not in known]
    if applications or decisions or entitlements:
        await connection.execute(
            SAVE_FILES,
            *columns(applications, 7),
            *columns(decisions, 7),
            *columns(entitlements, 10),
            *columns(dropped, 2),
            *columns(terms, 7),
        )


async def known_packs(connection: Connection) -> dict[tuple[str, str], str]:
    """(programme, version) of the rule packs that were announced → digest, '' to be made anew."""
    rows = await connection.fetch(KNOWN_PACKS)
    return {(row["programme"], row["version"]): row["digest"] for row in rows}


async def save_pack(
    connection: Connection, programme: str, version: str, digest: str, today: date
) -> bool:
    """Remembers a rule pack as in force; False if it was before."""
    saved = await connection.fetchval(SAVE_PACK, programme, version, digest, today)
    if saved is None:
        await connection.execute(MAKE_DIGEST_ANEW, programme, version, digest)
    return saved is not None


def _application(row: asyncpg.Record) -> Application:
    signed = ((group, date.fromisoformat(on)) for group, on in json.loads(row["signed"]))
    return Application(
        row["application_id"],
        row["person_id"],
        row["programme"],
        row["outcome"],
        row["due_on"],
        tuple(signed),
    )


def _application_row(region: str, one: Application) -> tuple[Any, ...]:
    signed = to_json(one.signed).decode()
    return one.id, region, one.person_id, one.programme, one.outcome, one.due_on, signed


def _decision_row(one: DecisionRow) -> tuple[Any, ...]:
    return (
        one.region,
        one.application_id,
        one.outcome,
        ",".join(one.reasons),
        one.pack_version,
        one.facts,
        one.decided_on,
    )


def _entitlement(row: asyncpg.Record) -> Entitlement:
    return Entitlement(
        id=row["id"],
        person_id=row["person_id"],
        programme=row["programme"],
        component=row["component"],
        currency=row["currency"],
        phase=_phase(row),
        terms=tuple(Term(*term) for term in json.loads(row["terms"] or "[]")),
        announced=tuple((month, amount) for month, amount in json.loads(row["announced"])),
    )


def _phase(row: asyncpg.Record) -> Phase:
    match row["phase"]:
        case "held":
            return Held(row["held_until"])
        case "running":
            return Running(row["payee_id"])
        case "cancelled":
            return Cancelled()
        case _:
            return Waiting()


def _phase_columns(phase: Phase) -> tuple[str, UUID | None, date | None]:
    match phase:
        case Held(until):
            return "held", None, until
        case Running(payee_id):
            return "running", payee_id, None
        case Waiting():
            return "waiting", None, None
        case Cancelled():
            return "cancelled", None, None
        case _:
            assert_never(phase)


def _entitlement_row(region: str, one: Entitlement) -> tuple[Any, ...]:
    return (
        one.id,
        region,
        one.person_id,
        one.programme,
        one.component,
        one.currency,
        *_phase_columns(one.phase),
        to_json(one.announced).decode(),
    )


def _term_row(region: str, entitlement_id: UUID, term: Term) -> tuple[Any, ...]:
    return (
        entitlement_id,
        term.from_month,
        region,
        term.amount_minor,
        term.group,
        term.coefficient,
        term.standard_minor,
    )
