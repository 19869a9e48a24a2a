"""What a transaction adds up to: facts decided, claims answered, who waits and who is released."""

from dataclasses import dataclass, field
from uuid import UUID

from contracts.catalogue import region_of_topic
from contracts.platform import EventAccepted, EventRejected
from contracts.values import region_source
from services.runtime.dead_letters import Fault
from services.runtime.inbox import Answer, Read, fingerprint, sequence_of
from services.runtime.routes import Cause, Decided

Item = Read | Fault


@dataclass(slots=True)
class Effects:
    """What one transaction adds up to."""

    decisions: list[Decided] = field(default_factory=list)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    waits: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """(topic, key) → the first sequence that waits, and its cause; what follows waits, too."""
    releases: set[str] = field(default_factory=set)
    taken: list[Read] = field(default_factory=list)
    """What handlers were given and took."""
    turned: bool = False
    """Whether parked records may have become ready."""

    def wait(self, read: Read, cause: str) -> None:
        """Holds a fact back, and what follows of its key."""
        if not self.holds(read):
            self.waits[read.place] = sequence_of(read), cause

    def holds(self, read: Read) -> bool:
        """Whether a fact, or one before it of its key, waits for a cause."""
        first = self.waits.get(read.place) if self.waits else None
        return first is not None and sequence_of(read) >= first[0]


def name_of(item: Item) -> tuple[str, str]:
    """What the guard knows a claim by: the source its topic proves, and its id or its position."""
    source = region_source(region_of_topic(item.record.topic))
    event_id = item.event.id if isinstance(item, Read) else item.event_id
    return source, event_id or f"@{item.record.position}"


def reused_name(item: Item) -> tuple[str, str]:
    """The name of a second claim that came under an id already used for other bytes."""
    source, event_id = name_of(item)
    return source, f"{event_id}#{fingerprint(item.record)[:16]}"


def answer_to(item: Item, outcome: str, name: tuple[str, str] | None = None) -> Answer:
    """The inbox row of a claim."""
    source, event_id = name or name_of(item)
    region = region_of_topic(item.record.topic)
    return Answer(source, event_id, fingerprint(item.record), region, outcome)


def note(effects: Effects, name: tuple[str, str], answer: Answer) -> None:
    """Adds an answer; a `LookupError` if the claim has one already."""
    if effects.answers.setdefault(name, answer) is not answer:
        raise LookupError("a claim was answered twice")


def accept(effects: Effects, read: Read, person_id: UUID | None) -> None:
    """Answers a claim: it took effect."""
    answer = answer_to(read, "accepted")
    answer.person_id = person_id
    note(effects, name_of(read), answer)
    event = read.event
    receipt = EventAccepted(claim_id=event.id, claim_source=event.source, person_id=person_id)
    effects.decisions.append(Decided(Cause.of(event), receipt))


def reject(
    effects: Effects, item: Item, code: str, path: str, name: tuple[str, str] | None = None
) -> None:
    """Answers a claim: it had no effect, and why. The path never holds a value."""
    answer = answer_to(item, "rejected", name)
    answer.code, answer.path = code, path
    note(effects, name or name_of(item), answer)
    record = item.record
    claim_id = item.event.id if isinstance(item, Read) else item.event_id
    receipt = EventRejected(
        claim_id=claim_id,
        claim_source=answer.source,
        code=code,
        path=path,
        digest=answer.digest,
        position=record.position,
    )
    wire_id = claim_id or answer.digest
    cause = Cause(f"{answer.source}\x1f{answer.id}", wire_id, wire_id, answer.region)
    effects.decisions.append(Decided(cause, receipt))
