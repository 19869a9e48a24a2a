"""The three hops of the bare pipe: a statement each, and the columns of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, uuid5

AMOUNT_MINOR = 750_000
Event = dict[str, Any]
Columns = tuple[list[Any], ...]

PERSONS = """
with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::smallint[],
                         $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[])
        as given (event_id, id, household_id, birth_date, sex, place, language, status, topic,
                  event)
), fresh as (
    insert into inbox_persons (id) select event_id from given on conflict do nothing returning id
), stored as (
    insert into persons
    select id, household_id, birth_date, sex, place, language, status
    from given where event_id in (select id from fresh)
)
insert into outbox (topic, key, event)
select topic, id, event from given where event_id in (select id from fresh)
returning seq
"""
ENTITLEMENTS = """
with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                         $7::text[], $8::bytea[])
        as given (event_id, id, person_id, programme, from_month, payment_id, topic, event)
), fresh as (
    insert into inbox_entitlements (id) select event_id from given
    on conflict do nothing returning id
), stored as (
    insert into entitlements
    select id, person_id, programme, 750000, from_month
    from given where event_id in (select id from fresh)
), paid as (
    insert into payments
    select payment_id, id, from_month, 750000
    from given where event_id in (select id from fresh)
)
insert into outbox (topic, key, event)
select topic, person_id, event from given where event_id in (select id from fresh)
returning seq
"""
MESSAGES = """
with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
        as given (event_id, id, recipient_id, amount_minor, claim_id)
), fresh as (
    insert into inbox_messages (id) select event_id from given on conflict do nothing returning id
)
insert into messages
select id, recipient_id, 'entitlement_started', amount_minor, claim_id
from given where event_id in (select id from fresh)
"""


@dataclass(frozen=True, slots=True)
class Hop:
    """One service: its statement, and a batch as its columns and the events to send."""

    statement: str
    columns: Callable[[Sequence[Event], str], tuple[Columns, list[tuple[str, bytes]]]]


def named(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(parts)))


def envelope(cause: Event, kind: str, data: str) -> bytes:
    claim_id = cause.get("correlationid") or cause["id"]
    return (
        f'{{"specversion":"1.0","id":"{named(cause["id"], kind)}","source":"urn:load:{kind}",'
        f'"type":"{kind}.made","time":"{cause["time"]}","datacontenttype":"application/json",'
        f'"dataschema":"urn:load:{kind}:1","correlationid":"{claim_id}","data":{data}}}'
    ).encode()


def persons(events: Sequence[Event], topic: str) -> tuple[Columns, list[tuple[str, bytes]]]:
    rows, sent = [], []
    for event in events:
        data, source = event["data"], event["source"]
        who, home = named(source, data["record_id"]), named(source, data["form_id"])
        status = data["statuses"][0]["code"]
        text = (
            f'{{"person_id":"{who}","household_id":"{home}","birth_date":"{data["birth_date"]}",'
            f'"sex":{data["sex"]},"place":"{data["place"]}","language":"{data["language"]}",'
            f'"status":"{status}"}}'
        )
        raw = envelope(event, "person", text)
        born_on = date.fromisoformat(data["birth_date"])
        rows.append(
            (event["id"], who, home, born_on, data["sex"], data["place"], data["language"], status,
             topic, raw)
        )  # fmt: skip
        sent.append((who, raw))
    return tuple(map(list, zip(*rows, strict=True))), sent


def entitlements(events: Sequence[Event], topic: str) -> tuple[Columns, list[tuple[str, bytes]]]:
    rows, sent = [], []
    for event in events:
        who, month = event["data"]["person_id"], event["time"][:7]
        due = named(who, "entitlement")
        text = (
            f'{{"entitlement_id":"{due}","person_id":"{who}","programme":"VN-SA",'
            f'"amount_minor":{AMOUNT_MINOR},"from_month":"{month}"}}'
        )
        raw = envelope(event, "entitlement", text)
        rows.append((event["id"], due, who, "VN-SA", month, named(due, month), topic, raw))
        sent.append((who, raw))
    return tuple(map(list, zip(*rows, strict=True))), sent


def messages(events: Sequence[Event], _: str) -> tuple[Columns, list[tuple[str, bytes]]]:
    rows = [
        (
            event["id"],
            named(event["id"], "message"),
            event["data"]["person_id"],
            event["data"]["amount_minor"],
            event["correlationid"],
        )
        for event in events
    ]
    return tuple(map(list, zip(*rows, strict=True))), []


HOPS = {
    "persons": Hop(PERSONS, persons),
    "entitlements": Hop(ENTITLEMENTS, entitlements),
    "messages": Hop(MESSAGES, messages),
}
