"""Holds what is there against what was sent: nothing lost, nothing twice, nothing without cause.

Pure: a history and an observation in, findings out. `lost`: something that was confirmed, decided
or published is missing further on. `duplicated`: it stands there twice, or says two things.
`uncaused`: it stands there and nobody asked for it; a refused claim with an effect among them.
`imbalance`: money that does not add up.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final

from contracts.catalogue import SERVICES, TOPICS
from tests.chaos.claims import Send
from tests.chaos.history import History
from tests.chaos.observation import Answer, Fact, Observation, Place

SHOWN: Final = 10
ACCEPTED, REJECTED = "platform.event.accepted", "platform.event.rejected"
CAUSED_BY_EVENTS: Final = ("beneficiary.", "workforce.", "casework.", "receipts.", "notifications.")
"""Topics whose facts follow from claims and facts alone; those of benefits from timers, too."""
COMPACTED: Final = frozenset(topic.name for topic in TOPICS if topic.compacted)
Name = tuple[str, str]


@dataclass(slots=True)
class Findings:
    """What does not hold, in sentences."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    uncaused: list[str] = field(default_factory=list)
    imbalance: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything holds."""
        return not (self.lost or self.duplicated or self.uncaused or self.imbalance)

    def sentences(self) -> list[str]:
        """The first few of each sort."""
        sorts = ("lost", "duplicated", "uncaused", "imbalance")
        return [f"{sort}: {one}" for sort in sorts for one in getattr(self, sort)[:SHOWN]]

    def compare(self, what: str, wanted: Mapping[str, int], found: Mapping[str, int]) -> None:
        """Holds counts against each other: what is short is lost, what is over stands twice."""
        for one in wanted.keys() | found.keys():
            short = wanted.get(one, 0) - found.get(one, 0)
            if short > 0:
                self.lost.append(f"{what} {one}: {short} of {wanted[one]} missing")
            elif short < 0 and one in wanted:
                self.duplicated.append(f"{what} {one}: {found[one]} instead of {wanted[one]}")
            elif short < 0:
                self.uncaused.append(f"{what} {one}: nothing says so")


def check(history: History, seen: Observation, services: tuple[str, ...] = SERVICES) -> Findings:
    """Every check, of these services."""
    findings = Findings()
    _answers(history, seen, findings)
    _receipts(seen, findings)
    _registrations(history, seen, findings)
    _numbers(seen, findings)
    _order(seen, findings)
    _causes(history, seen, findings)
    _readers(seen, findings, services)
    _left(seen, findings)
    if "beneficiary" in services:
        _households(seen, findings)
    _read_models(seen, findings)
    if "insights" in services:
        _cube(seen, findings)
    if "benefits" in services:
        _money(seen, findings)
    return findings


def _by_name(sends: Iterable[Send]) -> dict[Name, dict[str, Send]]:
    """(source, id) → digest → one of those that sent it."""
    names: defaultdict[Name, dict[str, Send]] = defaultdict(dict)
    for send in sends:
        names[send.source, send.claim_id].setdefault(send.digest, send)
    return dict(names)


def _answers(history: History, seen: Observation, findings: Findings) -> None:
    """Who was told that a claim was taken finds its answer; nobody else has one."""
    rows = {(row.source, row.id): row for row in seen.answers}
    for entry in history.entries:
        if entry.outcome == "ok" and _row_of(entry.send, rows) is None:
            findings.lost.append(f"claim {entry.send.claim_id} was taken and never answered")
        if entry.outcome == "fail" and entry.send.sound:
            findings.lost.append(f"claim {entry.send.claim_id} is sound and was turned away")
    sent = _by_name(history.sends)
    for row in seen.answers:
        send = sent.get((row.source, row.id.partition("#")[0]), {}).get(row.digest)
        if send is None:
            findings.uncaused.append(f"claim {row.id} was answered and nobody sent it")
        else:
            _judged(send, row, findings)


def _row_of(send: Send, rows: Mapping[Name, Answer]) -> Answer | None:
    """The answer to these very bytes: under the id, or under the id used for other bytes."""
    first = rows.get((send.source, send.claim_id))
    if first is not None and first.digest == send.digest:
        return first
    return rows.get((send.source, f"{send.claim_id}#{send.digest[:16]}"))


def _judged(send: Send, row: Answer, findings: Findings) -> None:
    if row.outcome == "pending":
        findings.lost.append(f"claim {row.id} has no final answer")
    elif send.sound is True and row.outcome != "accepted":
        findings.lost.append(f"claim {row.id} is sound and was refused: {row.code}")
    elif send.sound is False and row.outcome != "rejected":
        findings.uncaused.append(f"claim {row.id} is not sound and was accepted")


def _receipts(seen: Observation, findings: Findings) -> None:
    """Each answer went out, as one fact."""
    wanted = {_receipt_name(row): 1 for row in seen.answers if row.outcome != "pending"}
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for fact in seen.facts:
        if fact.type in (ACCEPTED, REJECTED):
            data = fact.data
            what = data["digest"] if fact.type == REJECTED else "accepted"
            ids[f"{data['claim_source']} {data.get('claim_id')} {what}"].add(fact.id)
    findings.compare("receipt", wanted, {name: len(found) for name, found in ids.items()})


def _receipt_name(row: Answer) -> str:
    what = "accepted" if row.outcome == "accepted" else row.digest
    return f"{row.source} {row.id.partition('#')[0]} {what}"


def _registrations(history: History, seen: Observation, findings: Findings) -> None:
    """Accepted claims have their effect, once; refused and unsent ones have none."""
    rows = {(row.source, row.id): row for row in seen.answers}
    wanted: dict[str, int] = {}
    deployed: set[str] = set()
    for send in history.sends:
        row = _row_of(send, rows)
        if row is not None and row.outcome == "accepted":
            if send.subject == "person":
                wanted[send.person_id] = 1
            else:
                deployed.add(send.deployment_id)
    findings.compare("person", wanted, dict.fromkeys(seen.persons, 1))
    facts = _ids_by_key(seen, "beneficiary.person.registered", "person_id")
    findings.compare("registration of person", wanted, facts)
    once = dict.fromkeys(deployed, 1)
    findings.compare("deployment", once, dict.fromkeys(seen.deployments, 1))
    facts = _ids_by_key(seen, "workforce.deployment.started", "deployment_id")
    findings.compare("fact of deployment", once, facts)


def _ids_by_key(seen: Observation, type_name: str, key: str) -> dict[str, int]:
    """Key → how many different facts of this type speak of it."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for fact in seen.facts:
        if fact.type == type_name:
            ids[str(fact.data[key])].add(fact.id)
    return {one: len(found) for one, found in ids.items()}


def _numbers(seen: Observation, findings: Findings) -> None:
    """The facts of a key are numbered from 1 without a gap, and no number says two things."""
    said: defaultdict[Place, dict[int, list[str]]] = defaultdict(dict)
    for fact in seen.facts:
        digests = said[fact.place].setdefault(fact.sequence, [])
        if fact.digest not in digests:
            digests.append(fact.digest)
    for place, numbers in said.items():
        last, (topic, key) = seen.sequences.get(place, 0), place
        findings.uncaused += [
            f"{topic} {key}: number {one} was never decided" for one in numbers if one > last
        ]
        findings.duplicated += [
            f"{topic} {key}: number {one} says two things" for one in numbers if numbers[one][1:]
        ]
    for (topic, key), last in seen.sequences.items():
        missing = set(range(1, last + 1)) - said.get((topic, key), {}).keys()
        if missing:
            findings.lost.append(f"{topic} {key}: {sorted(missing)[:5]} never arrived")


def _order(seen: Observation, findings: Findings) -> None:
    """Where the broker keeps the last fact of a key alone, it is the newest that stands last."""
    reached: dict[Place, int] = {}
    latest: dict[Place, int] = {}
    for fact in seen.facts:
        if fact.topic in COMPACTED:
            if reached.get(fact.place, 0) + 1 < fact.sequence:
                findings.lost.append(f"{fact.topic} {fact.key}: {fact.sequence} came too early")
            reached[fact.place] = max(reached.get(fact.place, 0), fact.sequence)
            latest[fact.place] = fact.sequence
    for place, number in latest.items():
        if number < reached[place]:
            findings.lost.append(f"{place[0]} {place[1]}: an older fact stands last")


def _causes(history: History, seen: Observation, findings: Findings) -> None:
    """Each fact names the event that it follows from, and that event exists."""
    known = {fact.id for fact in seen.facts}
    for send in history.sends:
        known |= {send.claim_id, send.digest}
    for fact in seen.facts:
        if fact.topic.startswith(CAUSED_BY_EVENTS) and fact.cause not in known:
            findings.uncaused.append(f"{fact.type} {fact.id}: its cause {fact.cause} is unknown")


def _readers(seen: Observation, findings: Findings, services: tuple[str, ...]) -> None:
    """Every reader applied every key as far as it goes, and no further."""
    last: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for fact in seen.facts:
        last[fact.topic][fact.key] = max(last[fact.topic].get(fact.key, 0), fact.sequence)
    for service in services:
        for subscription in import_module(f"services.{service}.worker").SUBSCRIPTIONS:
            topic = subscription.topic
            at = {
                key: number
                for (reader, place, key), number in seen.positions.items()
                if reader == service and place == topic
            }
            if not subscription.is_pattern:
                findings.compare(f"{service} on {topic}", last[topic], at)


def _left(seen: Observation, findings: Findings) -> None:
    findings.lost += [f"{many} rows left in {place}" for place, many in seen.left.items() if many]


def _households(seen: Observation, findings: Findings) -> None:
    """The last word about each household names all who live there, and benefits heard it."""
    members: defaultdict[str, set[str]] = defaultdict(set)
    for person, (_, home) in seen.persons.items():
        members[home].add(person)
    latest: dict[str, Fact] = {}
    for fact in seen.facts:
        if fact.type == "beneficiary.household.changed":
            latest[fact.key] = max(latest.get(fact.key, fact), fact, key=lambda one: one.sequence)
    for home in members.keys() | latest.keys():
        said = latest[home].data if home in latest else {}
        named = {one["person_id"] for one in said.get("members", ())}
        if missing := members[home] - named:
            findings.lost.append(f"household {home}: {len(missing)} members in no fact")
        if named - members[home]:
            findings.uncaused.append(f"household {home}: names who is not registered")
        if seen.heads and seen.heads.get(home) != said.get("head_id"):
            findings.lost.append(f"household {home}: benefits knows another head")


READ_MODELS: Final = {
    "casework.people": ("beneficiary.person.registered", "person_id"),
    "casework.deployments": ("workforce.deployment.started", "deployment_id"),
    "casework.cases": ("benefits.payment.returned", "payment_id"),
    "notifications.languages": ("beneficiary.person.registered", "person_id"),
    "notifications.contacts": ("beneficiary.contact.changed", "person_id"),
    "notifications.keys": ("beneficiary.key.issued", "person_id"),
    "benefits.persons": ("beneficiary.person.registered", "person_id"),
    "benefits.contacts": ("beneficiary.contact.changed", "person_id"),
    "benefits.entitlements": ("benefits.entitlement.started", "entitlement_id"),
    "benefits.payments": ("benefits.payment.ordered", "payment_id"),
}
"""Read model → the facts that it is a fold of, and whose ids it holds."""


def _read_models(seen: Observation, findings: Findings) -> None:
    """Read models hold what the topics say, each thing once."""
    for model, (type_name, key) in READ_MODELS.items():
        if model in seen.copies:
            wanted = dict.fromkeys(_ids_by_key(seen, type_name, key), 1)
            findings.compare(model, wanted, seen.copies[model])
    if "notifications.messages" in seen.copies:
        notices = len({fact.id for fact in seen.facts if fact.type == "benefits.notice.issued"})
        messages = len(seen.copies["notifications.messages"])
        findings.compare("messages", {"of notices": notices}, {"of notices": messages})


COUNTED: Final = {
    "beneficiary.person.registered": "registered",
    "beneficiary.duplicate.suspected": "suspected",
    "benefits.entitlement.started": "entitled",
    "benefits.payment.ordered": "ordered",
    "casework.case.opened": "cases",
    "workforce.deployment.started": "workers",
    "notifications.message.delivered": "messages",
    "notifications.message.failed": "messages",
}


def _cube(seen: Observation, findings: Findings) -> None:
    """The ministry counts each fact once, where it belongs."""
    wanted: Counter[str] = Counter()
    for fact in {fact.id: fact for fact in seen.facts}.values():
        if fact.type in COUNTED:
            wanted[f"{COUNTED[fact.type]} {fact.region}"] += 1
    measures = set(COUNTED.values())
    found = {
        f"{measure} {region}": count
        for (measure, region), (count, _) in seen.cube.items()
        if measure in measures
    }
    findings.compare("cube", wanted, found)


def _money(seen: Observation, findings: Findings) -> None:
    """What was ordered is paid, returned or on its way; the bank's books say the same."""
    postings: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for payment, posting, amount in seen.transfers:
        postings[payment][posting] = amount
    for payment, (state, amount) in seen.payments.items():
        own = postings.pop(payment, {})
        if any(posted != amount for posted in own.values()):
            findings.imbalance.append(f"payment {payment}: its postings differ in their amounts")
        if state not in _states(own):
            findings.imbalance.append(f"payment {payment} is {state}, its postings are {[*own]}")
        booked = seen.instructed.get(payment.replace("-", ""), 0)
        if booked != ("settled" in own):
            findings.imbalance.append(f"payment {payment}: booked {booked} times by the bank")
        if booked > 1:
            findings.duplicated.append(f"payment {payment} was paid {booked} times")
    findings.uncaused += [f"postings of {payment}, which is no payment" for payment in postings]
    ours = {payment.replace("-", "") for payment in seen.payments}
    findings.uncaused += [f"the bank paid {one}" for one in seen.instructed.keys() - ours]
    if unbalanced := seen.bank.get("unbalanced_journals"):
        findings.imbalance.append(f"{unbalanced} journals of the bank do not balance")
    _kept(seen, findings)


def _states(postings: Mapping[str, int]) -> tuple[str, ...]:
    """Which states a payment with these postings may have."""
    if "ordered" not in postings:
        return () if postings else ("open", "cancelled")
    if postings.keys() & {"returned", "rejected"}:
        return ("returned",)
    return ("settled",) if "settled" in postings else ("open",)


def _kept(seen: Observation, findings: Findings) -> None:
    """Entitled is paid, returned and pending, as the topics tell it and as the journal does."""
    facts = {fact.id: fact for fact in seen.facts}.values()
    told: Counter[str] = Counter()
    for fact in facts:
        if fact.type == "benefits.payment.ordered":
            told["ordered"] += int(fact.data["amount_minor"])
    journal: Counter[str] = Counter()
    for _, posting, amount in seen.transfers:
        journal[posting] += amount
    if told["ordered"] != journal["ordered"]:
        findings.imbalance.append(
            f"ordered: topics say {told['ordered']}, the journal {journal['ordered']}"
        )
    booked = seen.bank.get("totals", {}).get("VND", {}).get("booked", {}).get("amount_minor", 0)
    if booked != journal["settled"]:
        findings.imbalance.append(f"paid: bank {booked}, journal {journal['settled']}")
