"""What twenty regions send: invented people and workers, repeated, contradicted, spoilt; seeded."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Final, Literal

from contracts import places
from contracts.catalogue import claims_topic
from contracts.codec import digest
from contracts.values import derived_id, person_id, region_source, worker_id
from deploy.demo.people.register import labelled
from services.cli.importing import KINDS, Row, claim_of

Channel = Literal["kafka", "http"]
Subject = Literal["person", "worker"]

REGIONS: Final = (
    "VN-01", "VN-04", "VN-05", "VN-06", "VN-07", "VN-09", "VN-13", "VN-18", "VN-21", "VN-22",
    "VN-23", "VN-24", "VN-26", "VN-29", "VN-31", "VN-33", "VN-34", "VN-35", "VN-39", "VN-41",
)  # fmt: skip
TODAY: Final = date(2026, 9, 15)
AT: Final = "2026-09-14T08:00:00+07:00"
HTTP_SHARE: Final = 0.15
WORKER_SHARE: Final = 0.12
AGAIN: Final = {
    "same claim": 0.10,
    "same id, other bytes": 0.03,
    "same record, other id": 0.03,
    "changed record": 0.03,
}
"""How often a claim is followed by another of that kind."""
SPOILT_SHARE: Final = 0.04


@dataclass(frozen=True, slots=True)
class Send:
    """One event that a centre sends: a claim, or the same claim again."""

    nth: int
    region: str
    channel: Channel
    subject: Subject
    claim_id: str
    record_id: str
    raw: bytes
    sound: bool | None
    """Whether the claim must be accepted, must be refused, or (None) either, as its rivals go."""

    @property
    def source(self) -> str:
        """Who sends it."""
        return region_source(self.region)

    @property
    def owner(self) -> str:
        """The service that answers."""
        return "beneficiary" if self.subject == "person" else "workforce"

    @property
    def topic(self) -> str:
        """Where it goes by Kafka."""
        return claims_topic(self.region, self.owner)

    @property
    def digest(self) -> str:
        """What its bytes are known by."""
        return digest(self.raw)

    @property
    def data(self) -> dict[str, Any]:
        """The claim's own words."""
        data: dict[str, Any] = json.loads(self.raw)["data"]
        return data

    @property
    def person_id(self) -> str:
        """Of the person that it registers."""
        return str(person_id(self.source, self.record_id))

    @property
    def deployment_id(self) -> str:
        """Of the deployment that it starts."""
        worker = worker_id(self.source, self.record_id)
        return str(derived_id(self.data["first_day"], "deployment", str(worker)))


def plan(seed: int, count: int, regions: Sequence[str] = REGIONS) -> list[Send]:
    """`count` sends in the order in which they go out. The same seed gives the same."""
    random = Random(f"chaos-claims:{seed}")
    originals = _originals(random, seed, count, regions)
    sends: list[Send] = []
    later: list[tuple[int, Send]] = []
    while len(sends) < count:
        due = [send for at, send in later if at <= len(sends)]
        later = [(at, send) for at, send in later if at > len(sends)]
        fresh = next(originals)
        again = _again(random, fresh)
        sends += [*due, fresh if again is None else _contested(fresh, again)]
        if again is not None:
            later.append((len(sends) + random.randrange(200), again))
    return [_numbered(send, nth) for nth, send in enumerate(sends[:count])]


def _numbered(send: Send, nth: int) -> Send:
    return _changed(send, nth=nth)


def _changed(send: Send, **changes: Any) -> Send:
    fields = {name: getattr(send, name) for name in Send.__slots__}
    return Send(**{**fields, **changes})


def _contested(fresh: Send, again: Send) -> Send:
    """Of two that contradict each other either may be the first to arrive."""
    return fresh if again.raw == fresh.raw else _changed(fresh, sound=None)


def _originals(random: Random, seed: int, count: int, regions: Sequence[str]) -> Iterator[Send]:
    """Claims that nobody made before."""
    drawn = [(asdict(row), label.kind) for row, label in labelled(seed, count)]
    homes = {region: sorted(places.in_force(region, TODAY)) for region in regions}
    at_home: dict[str, tuple[str, str]] = {}
    for nth, (drawn_row, kind) in enumerate(drawn):
        if random.random() < WORKER_SHARE:
            yield _worker(random, random.choice(regions), nth)
        form = drawn_row["form_id"]
        if form not in at_home:
            region = random.choice(regions)
            at_home[form] = region, random.choice(homes[region])
        region, place = at_home[form]
        row = drawn_row | {
            "record_id": f"C-{drawn_row['record_id']}",
            "form_id": f"C-{form}",
            "place_code": place,
        }
        spoilt = random.random() < SPOILT_SHARE
        sound = False if spoilt else (None if kind == "broken" else True)
        yield _send(random, region, "person", _spoilt(random, row) if spoilt else row, sound)


def _spoilt(random: Random, row: Row) -> Row:
    """A form that no registry may take."""
    spoils: list[Row] = [
        {"place_code": "99999"},
        {"birth_date": "2031-01-01"},
        {"statuses": "no_such_status::2026-01-01"},
        {"phone": "12"},
        {"family_name": ""},
    ]
    return {**row, **random.choice(spoils)}


def _worker(random: Random, region: str, nth: int) -> Send:
    first_day = TODAY - timedelta(days=random.randrange(200))
    last_day = first_day + timedelta(days=400)
    sound = random.random() >= SPOILT_SHARE
    row = {
        "record_id": f"W-{nth}",
        "communities": random.choice(sorted(places.in_force(region, TODAY))),
        "languages": "vi",
        "first_day": first_day.isoformat(),
        "last_day": (last_day if sound else first_day - timedelta(days=1)).isoformat(),
    }
    return _send(random, region, "worker", row, sound)


def _send(random: Random, region: str, subject: Subject, row: Row, sound: bool | None) -> Send:
    channel: Channel = "http" if random.random() < HTTP_SHARE else "kafka"
    claim_id, key, raw = claim_of(row, KINDS[f"{subject}s"], region, AT)
    return Send(0, region, channel, subject, claim_id, key, raw, sound)


def _again(random: Random, send: Send) -> Send | None:
    """What follows a claim, if anything: the same, or what contradicts it."""
    if send.sound is not True:
        return None
    drawn = random.random()
    for kind, share in AGAIN.items():
        if drawn < share:
            return _follower(random, send, kind)
        drawn -= share
    return None


def _follower(random: Random, send: Send, kind: str) -> Send:
    channel: Channel = random.choice(("kafka", "http"))
    if kind == "same claim":
        return _changed(send, channel=channel)
    document = json.loads(send.raw)
    if kind != "same record, other id":
        document["data"] |= _other_words(send)
    if kind != "same id, other bytes":
        document["id"] = f"{send.claim_id}.2"
    raw = json.dumps(document, ensure_ascii=False).encode()
    sound = True if kind == "same record, other id" else None
    return _changed(send, channel=channel, claim_id=document["id"], raw=raw, sound=sound)


def _other_words(send: Send) -> dict[str, Any]:
    """A second account of the same thing, sound by itself."""
    if send.subject == "worker":
        return {"languages": ["vi", "en"]}
    return {"address": "2"}
