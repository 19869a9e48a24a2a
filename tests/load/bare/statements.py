"""The one statement of each service of the bare pipe: guard, rows and outbox of a whole batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.load import alike

PROGRAMME = f"'{alike.PROGRAMME}'"
FRESH = "where n in (select n from fresh)"
CLAIMS = """
claims as (select * from {given}
), noted as (
    insert into inbox (source, id, digest, region, outcome, person_id, answered_at)
    select source, id, digest, region, 'accepted', person_id, now() from claims
    on conflict do nothing returning source, id
), fresh as (
    select min(n) as n from claims join noted using (source, id) group by source, id
)
"""
FACTS = """
facts as (select * from {given}
), fresh as (
    select min(n) as n from facts
    where sequence > coalesce((select p.sequence from positions p
                               where p.topic = facts.topic and p.key = facts.key), 0)
    group by topic, key, sequence
), moved as (
    insert into positions as p (topic, key, sequence)
    select topic, key, max(sequence) from facts group by topic, key order by topic, key
    on conflict (topic, key) do update set sequence = excluded.sequence
    where p.sequence < excluded.sequence
)
"""
STATED = f"""
update persons set statuses = given.statuses from {{given}} {FRESH} and persons.id = given.id
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a statement: what it is given, a column each, and its text around `{given}`."""

    name: str
    given: str
    """Columns with their types: `id uuid, region text`; the number of a record comes before."""
    text: str

    @property
    def columns(self) -> list[list[str]]:
        """(name, type) of what it is given."""
        return [column.split() for column in f"n integer, {self.given}".split(", ")]


def insert(
    table: str, given: str, more: dict[str, str] | None = None, order: str = "", end: str = ""
) -> Part:
    """Inserts what is given, and besides or instead of it columns made by expressions.

    In the order of its first column if no other is named: an index takes neighbours more cheaply.
    """
    values = {column.split()[0]: column.split()[0] for column in given.split(", ")} | (more or {})
    text = f"insert into {table} ({', '.join(values)}) select {', '.join(values.values())}"
    order = order or next(iter(values))
    return Part(table, given, f"{text} from {{given}} {FRESH} order by {order} {end}")


class Statement:
    """A guard and parts in one; returns ids of outbox rows, and numbers of fresh records."""

    def __init__(self, guard: Part, *parts: Part) -> None:
        self.parts = (guard, *parts)
        texts, place = [], 1
        for part in self.parts:
            names = ", ".join(name for name, _ in part.columns)
            types = ", ".join(f"${place + n}::{kind}[]" for n, (_, kind) in enumerate(part.columns))
            place += len(part.columns)
            texts.append(part.text.replace("{given}", f"unnest({types}) as given ({names})"))
        written = [f"{part.name}_ as ({text})" for part, text in zip(parts, texts[1:], strict=True)]
        sent = any(part.name == "outbox" for part in parts)
        ids = "array(select id from outbox_)" if sent else "'{}'::bigint[]"
        self.text = f"with {', '.join((texts[0], *written))} select {ids}, array(table fresh)"

    def arguments(self, rows: Mapping[str, Sequence[tuple[Any, ...]]]) -> list[Sequence[Any]]:
        """Rows by part as the columns of the statement."""
        found: list[Sequence[Any]] = []
        for part in self.parts:
            own = rows.get(part.name, ())
            found += zip(*own, strict=True) if own else [()] * len(part.columns)
        return found


ONCE = Part("inbox", "source text, id text, digest text, region text, person_id uuid", CLAIMS)
IN_TURN = Part("positions", "topic text, key text, sequence bigint", FACTS)
SENT = (
    insert("sequences", "topic text, key text, last bigint", order="topic, key"),
    insert(
        "outbox",
        "topic text, key text, event bytea",
        {"inline": "true"},
        order="n",
        end="returning id",
    ),
)
BENEFICIARY = Statement(
    ONCE,
    insert(
        "persons",
        "id uuid, region text, source text, record_id text, household_id uuid, role text,"
        " claim_digest text, birth_date date, birth_precision text, sex smallint, place text,"
        " language text, sealed text, registered_on date",
        {"under_review": "false", "key_version": "1"},
    ),
    insert(
        "person_keys",
        "person_id uuid, region text, wrapped text, number_parts text",
        {"version": "1", "number_parts": "number_parts::bigint[]"},
    ),
    insert(
        "person_statuses", "person_id uuid, region text, code text, level text, valid_from date"
    ),
    insert("match_keys", "key bigint, person_id uuid"),
    *SENT,
)
BENEFITS = Statement(
    IN_TURN,
    insert(
        "persons",
        "id uuid, region text, household_id uuid, residence text, birth_date date,"
        " registered_at timestamptz, statuses jsonb",
        {"review": "'none'"},
    ),
    Part("stated", "id uuid, statuses jsonb", STATED),
    insert("households", "id uuid, region text, head_id uuid", {"child_ids": "'{}'"}),
    insert("contacts", "person_id uuid, key_version integer, sealed text"),
    insert("person_keys", "person_id uuid, version integer, wrapped text"),
    insert(
        "applications",
        "id uuid, region text, person_id uuid, signed jsonb",
        {"programme": PROGRAMME, "outcome": "'approved'", "due_on": f"'{alike.DUE_ON}'::date"},
    ),
    insert(
        "decisions",
        "region text, application_id uuid, facts jsonb, decided_on date",
        {
            "outcome": "'approved'",
            "reasons": f"array['{alike.REASON}']",
            "pack_version": f"'{alike.VERSION}'",
        },
        order="n",
    ),
    insert(
        "entitlements",
        "id uuid, region text, person_id uuid, payee_id uuid, announced jsonb",
        {
            "programme": PROGRAMME,
            "component": "'allowance'",
            "currency": f"'{alike.CURRENCY}'",
            "phase": "'running'",
        },
    ),
    insert(
        "terms",
        "entitlement_id uuid, from_month text, region text",
        {
            "amount_minor": f"{alike.AMOUNT_MINOR}",
            "group_code": f"'{alike.GROUP}'",
            "coefficient": f"'{alike.COEFFICIENT}'",
            "standard_minor": f"{alike.STANDARD_MINOR}",
        },
    ),
    insert(
        "timers",
        "subject text",
        {"name": "'review'", "due_at": f"'{alike.REVIEW_AT}'::timestamptz"},
    ),
    *SENT,
)
NOTIFICATIONS = Statement(
    IN_TURN,
    insert("languages", "person_id uuid, region text, language text"),
    insert("contacts", "person_id uuid, region text, key_version integer, sealed text"),
    insert("keys", "person_id uuid, region text, key_version integer, wrapped_key text"),
    insert(
        "messages",
        "message_id uuid, region text, recipient_id uuid, template text, amount_minor bigint,"
        " currency text, month text, queued_at timestamptz, cause_id text, correlation_id text",
        {"language": f"'{alike.LANGUAGE}'"},
    ),
)
