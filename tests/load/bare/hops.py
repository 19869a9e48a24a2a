"""What each service of the bare pipe does with a batch: rows by table, and facts to send."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from aiokafka import ConsumerRecord
from pydantic_core import from_json, to_json

from tests.load import alike
from tests.load.alike import Kind, named
from tests.load.bare.statements import BENEFICIARY, BENEFITS, NOTIFICATIONS, Statement

Event = dict[str, Any]


@dataclass(slots=True)
class Batch:
    """What a batch comes to; every row begins with the number of the record that caused it."""

    rows: defaultdict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    """Table → rows."""
    statuses: dict[str, str] = field(default_factory=dict)
    """Person → statuses that this batch grants."""

    def add(self, table: str, *row: Any) -> None:
        """A row of a table."""
        self.rows[table].append(row)

    def send(self, number: int, cause: Event, kind: Kind, data: Event, sequence: int = 1) -> None:
        """A fact about what stands first in its data, which has the sequence in its key."""
        key = next(iter(data.values()))
        head = (
            f'{{"specversion":"1.0","id":"{named(cause["id"], kind.event_type)}",'
            f'"source":"{kind.source}","type":"{kind.event_type}","time":"{cause["time"]}",'
            f'"subject":"{key}","datacontenttype":"application/json",'
            f'"dataschema":"{kind.dataschema}",'
            f'"correlationid":"{cause.get("correlationid") or cause["id"]}",'
            f'"causationid":"{cause["id"]}","regioncode":"{cause["regioncode"]}",'
            f'"dataclass":"{kind.dataclass}","sequence":{sequence},"data":'
        )
        self.add("outbox", number, kind.topic, key, b"%b%b}" % (head.encode(), to_json(data)))

    def number(self, number: int, *last: tuple[Kind, str, int]) -> None:
        """The last sequences of keys: all are new, so nobody looks what they were."""
        for kind, key, sequence in last:
            self.add("sequences", number, kind.topic, key, sequence)


Handle = Callable[[Batch, int, Event], None]


@dataclass(frozen=True, slots=True)
class Hop:
    """One service: its statement, and what it does with each type, in this order."""

    statement: Statement
    handlers: Mapping[str, Handle]

    def taken(self, records: Sequence[ConsumerRecord[bytes, bytes]], prefix: str) -> Batch:
        """What a batch of records comes to; topics are named without the prefix."""
        batch = Batch()
        by_type: defaultdict[str, list[tuple[int, Event]]] = defaultdict(list)
        for number, record in enumerate(records):
            event = from_json(record.value or b"")
            by_type[event["type"]].append((number, event))
            if "sequence" in event:
                topic, key = record.topic.removeprefix(prefix), (record.key or b"").decode()
                batch.add("positions", number, topic, key, event["sequence"])
            else:
                origin = event["source"], event["id"], alike.digest(record.value or b"")
                who = named(event["source"], event["data"]["record_id"])
                batch.add("inbox", number, *origin, event["regioncode"], who)
        for name, handle in self.handlers.items():
            for number, event in by_type[name]:
                handle(batch, number, event)
        return batch


def on_claim(batch: Batch, n: int, claim: Event) -> None:
    data, source, region = claim["data"], claim["source"], claim["regioncode"]
    who, home = named(source, data["record_id"]), named(source, data["form_id"])
    document, number = to_json(data), data["identifiers"][0]["value"]
    family, given = data["name"]["family"], data["name"]["given"]
    born, place, address = data["birth_date"], data["place"], data["address"]
    batch.add(
        *("persons", n, who, region, source, data["record_id"], home, data["role"]),
        *(alike.digest(document), date.fromisoformat(born), data["birth_precision"], data["sex"]),
        *(place, data["language"], alike.sealed(document), date.fromisoformat(claim["time"][:10])),
    )
    parts = ",".join(map(str, alike.number_parts(number)))
    batch.add("person_keys", n, who, region, alike.WRAPPED, f"{{{parts}}}")
    for status in data["statuses"]:
        since = date.fromisoformat(status["valid_from"])
        batch.add("person_statuses", n, who, region, status["code"], status["level"], since)
    met = number, data["phone"], born + given, born + family, born + place, given + family + place
    for key in alike.digests(*met, place + address):
        batch.add("match_keys", n, key, who)
    announce(batch, n, claim, who, home)
    batch.number(
        n,
        *((alike.RECEIPT, claim["id"], 1), (alike.KEY, who, 1), (alike.CONTACT, who, 1)),
        *((alike.PERSON, who, 1 + len(data["statuses"])), (alike.HOUSEHOLD, home, 1)),
    )


def announce(batch: Batch, n: int, claim: Event, who: str, home: str) -> None:
    data = claim["data"]
    residence = f"{claim['regioncode']}-{data['place']}"
    receipt = {"claim_id": claim["id"], "claim_source": claim["source"], "person_id": who}
    batch.send(n, claim, alike.RECEIPT, receipt)
    key = {"person_id": who, "key_version": 1, "wrapped_key": alike.WRAPPED}
    batch.send(n, claim, alike.KEY, key)
    name = " ".join(filter(None, data["name"].values()))
    contact = alike.contact(name, data["phone"], data["account"])
    reached = {"person_id": who, "key_version": 1, "sealed": alike.sealed(contact)}
    batch.send(n, claim, alike.CONTACT, reached)
    person = {
        "person_id": who,
        "household_id": home,
        "birth_date": data["birth_date"],
        "birth_precision": data["birth_precision"],
        "sex": data["sex"],
        "residence_region": residence,
        "identifier_kinds": [one["kind"] for one in data["identifiers"]],
        "preferred_language": data["language"],
        "under_review": False,
    }
    batch.send(n, claim, alike.PERSON, person)
    for sequence, one in enumerate(data["statuses"], 2):
        status = {
            "person_id": who,
            "code": one["code"],
            "level": one["level"],
            "state": "granted",
            "effective_on": one["valid_from"],
            "evidence": "centre",
        }
        batch.send(n, claim, alike.STATUS, status, sequence)
    household = {
        "household_id": home,
        "members": [{"person_id": who, "role": data["role"]}],
        "head_id": who,
        "residence_region": residence,
    }
    batch.send(n, claim, alike.HOUSEHOLD, household)


def on_status(batch: Batch, n: int, event: Event) -> None:
    data, today = event["data"], event["time"][:10]
    who, month, region = data["person_id"], today[:7], event["regioncode"]
    application = named(who, alike.PROGRAMME)
    entitlement = named(application, "allowance")
    stated = [[data["code"], data["level"], data["state"], data["effective_on"], today]]
    # The fact has no birthday; another date is as long.
    facts = to_json({"statuses": stated, "birth_date": data["effective_on"]}).decode()
    batch.statuses[who] = to_json(stated).decode()
    batch.add("stated", n, who, batch.statuses[who])
    batch.add("applications", n, application, region, who, f'[["{alike.GROUP}", "{today}"]]')
    batch.add("decisions", n, region, application, facts, date.fromisoformat(today))
    announced = f'[["{month}", {alike.AMOUNT_MINOR}]]'
    batch.add("entitlements", n, entitlement, region, who, who, announced)
    batch.add("terms", n, entitlement, month, region)
    if alike.changes_later(who):
        batch.add("terms", n, entitlement, alike.LATER, region)
        batch.add("timers", n, who)
    decide(batch, n, event, application, entitlement)
    batch.number(
        n,
        *((alike.APPLICATION, application, 1), (alike.ENTITLEMENT, entitlement, 1)),
        (alike.NOTICE, who, 1),
    )


def decide(batch: Batch, n: int, event: Event, application: str, entitlement: str) -> None:
    who, today = event["data"]["person_id"], event["time"][:10]
    decided = {
        "application_id": application,
        "person_id": who,
        "programme": alike.PROGRAMME,
        "outcome": "approved",
        "reasons": [alike.REASON],
        "rulepack_version": alike.VERSION,
        "decided_on": today,
        "due_on": alike.DUE_ON,
    }
    batch.send(n, event, alike.APPLICATION, decided)
    started = {
        "entitlement_id": entitlement,
        "person_id": who,
        "payee_id": who,
        "programme": alike.PROGRAMME,
        "group": alike.GROUP,
        "coefficient": alike.COEFFICIENT,
        "standard_minor": alike.STANDARD_MINOR,
        "amount_minor": alike.AMOUNT_MINOR,
        "currency": alike.CURRENCY,
        "from_month": today[:7],
    }
    batch.send(n, event, alike.ENTITLEMENT, started)
    notice = {
        "payee_id": who,
        "notice_id": named(entitlement, "notice"),
        "template": alike.TEMPLATE,
        "amount_minor": alike.AMOUNT_MINOR,
        "currency": alike.CURRENCY,
        "month": today[:7],
        "reason": "new_entitlement",
    }
    batch.send(n, event, alike.NOTICE, notice)


def on_person(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    batch.add(
        *("persons", n, data["person_id"], event["regioncode"], data["household_id"]),
        *(data["residence_region"], date.fromisoformat(data["birth_date"])),
        *(datetime.fromisoformat(event["time"]), batch.statuses.get(data["person_id"], "[]")),
    )


def on_household(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    batch.add("households", n, data["household_id"], event["regioncode"], data["head_id"])


def on_contact(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    batch.add("contacts", n, data["person_id"], data["key_version"], data["sealed"])


def on_key(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    batch.add("person_keys", n, data["person_id"], data["key_version"], data["wrapped_key"])


def on_reachable(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    region, version = event["regioncode"], data["key_version"]
    batch.add("contacts", n, data["person_id"], region, version, data["sealed"])


def on_opening(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    region, version = event["regioncode"], data["key_version"]
    batch.add("keys", n, data["person_id"], region, version, data["wrapped_key"])


def on_language(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    batch.add("languages", n, data["person_id"], event["regioncode"], data["preferred_language"])


def on_notice(batch: Batch, n: int, event: Event) -> None:
    data = event["data"]
    batch.add(
        *("messages", n, named(data["notice_id"], "message"), event["regioncode"]),
        *(data["payee_id"], data["template"], data["amount_minor"], data["currency"]),
        *(data["month"], datetime.fromisoformat(event["time"]), event["id"]),
        event["correlationid"],
    )


HOPS = {
    "beneficiary": Hop(BENEFICIARY, {"regional.beneficiary.person.registered": on_claim}),
    "benefits": Hop(
        BENEFITS,
        {
            # Before persons: one statement cannot insert a row and update it.
            alike.STATUS.event_type: on_status,
            alike.PERSON.event_type: on_person,
            alike.HOUSEHOLD.event_type: on_household,
            alike.CONTACT.event_type: on_contact,
            alike.KEY.event_type: on_key,
        },
    ),
    "notifications": Hop(
        NOTIFICATIONS,
        {
            alike.PERSON.event_type: on_language,
            alike.CONTACT.event_type: on_reachable,
            alike.KEY.event_type: on_opening,
            alike.NOTICE.event_type: on_notice,
        },
    ),
}
