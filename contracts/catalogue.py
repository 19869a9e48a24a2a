"""THE table: which event travels on which topic under which key, and who may read it.

Topics, users, access lists, schemas, AsyncAPI and the README's event table are all made from here.
Adding an event: its class in `contracts/<owner>.py`, one row in `EVENTS`, one golden example.
"""

from dataclasses import dataclass
from typing import Final

from contracts import (
    beneficiary,
    benefits,
    casework,
    insights,
    notifications,
    platform,
    regional,
    workforce,
)
from contracts.envelope import Claim, Payload, schema_name
from contracts.values import DataClass, data_class

SERVICES: Final = (
    "beneficiary",
    "benefits",
    "casework",
    "workforce",
    "notifications",
    "insights",
)
OPERATOR: Final = "operator"
"""Whoever runs the platform: the principal of the rehearsal clock and of dead-letter reports."""
MINISTRY: Final = "ministry"
"""The principal of ministry dashboards: published aggregates and nothing else."""

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: who writes, who reads, how it is kept. `retention_days` None keeps it for ever."""

    name: str
    owner: str
    readers: tuple[str, ...]
    partitions: int = 6
    retention_days: int | None = None
    compacted: bool = False

    @property
    def settings(self) -> dict[str, str]:
        """The broker's configuration of this topic."""
        days = self.retention_days
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": "-1" if days is None else str(days * DAY_MS),
            "max.message.bytes": "1048576",
        }


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type: its payload, its topic and the payload field that is its key."""

    payload: type[Payload]
    topic: str
    key: str

    @property
    def name(self) -> str:
        """The CloudEvents type."""
        return self.payload.type_name

    @property
    def schema(self) -> str:
        """The CloudEvents dataschema."""
        return schema_name(self.payload.type_name, self.payload.version)

    @property
    def is_claim(self) -> bool:
        """Whether regional centres publish it."""
        return issubclass(self.payload, Claim)


_ALL: Final = SERVICES

TOPICS: Final[tuple[Topic, ...]] = (
    Topic(
        "beneficiary.person.v1",
        "beneficiary",
        ("benefits", "casework", "notifications", "insights"),
    ),
    Topic("beneficiary.household.v1", "beneficiary", ("benefits",)),
    Topic("beneficiary.identity-review.v1", "beneficiary", ("benefits", "insights")),
    Topic("beneficiary.contact.v1", "beneficiary", ("benefits", "notifications"), compacted=True),
    Topic("beneficiary.key.v1", "beneficiary", ("benefits", "notifications"), compacted=True),
    Topic("benefits.application.v1", "benefits", ("insights",)),
    Topic("benefits.entitlement.v1", "benefits", ("insights",)),
    Topic("benefits.notice.v1", "benefits", ("notifications",)),
    Topic("benefits.payment.v1", "benefits", ("casework", "insights")),
    Topic("benefits.cycle.v1", "benefits", ("insights",), partitions=1),
    Topic("benefits.rulepack.v1", "benefits", (*_ALL, MINISTRY), partitions=1),
    Topic("casework.case.v1", "casework", ("insights",)),
    Topic("workforce.worker.v1", "workforce", ("casework", "insights")),
    Topic("notifications.message.v1", "notifications", ("insights",)),
    Topic("insights.indicator.v1", "insights", (*_ALL, MINISTRY), partitions=1, compacted=True),
    Topic("platform.clock.v1", OPERATOR, (*_ALL, OPERATOR), partitions=1),
    *(
        Topic(f"{service}.dead-letter.v1", service, (OPERATOR,), partitions=1, retention_days=30)
        for service in SERVICES
    ),
)

CLAIM_RETENTION_DAYS: Final = 7
"""Regional claims carry names; they live this long and no longer."""

CLAIM_OWNERS: Final = ("beneficiary", "workforce")
"""Services that answer claims, each on its own topic per region."""


def claims_topic(region: str, owner: str) -> str:
    """Where a region publishes claims for a service: `regional.vn-07.beneficiary.v1`."""
    return f"regional.{region.lower()}.{owner}.v1"


def receipts_topic(region: str) -> str:
    """Where a region reads the answers to its claims: `receipts.vn-07.v1`."""
    return f"receipts.{region.lower()}.v1"


def claims_pattern(owner: str) -> str:
    """The subscription of a service to the claims of every region."""
    return rf"^regional\.[a-z0-9-]+\.{owner}\.v1$"


def region_of_topic(topic: str) -> str:
    """The region code a regional topic proves: `regional.vn-07.beneficiary.v1` gives `VN-07`."""
    return topic.split(".")[1].upper()


def regional_topics(region: str) -> tuple[Topic, ...]:
    """The topics of one region: a claims topic per owning service, and the receipts."""
    principal = f"region.{region.lower()}"
    claims = tuple(
        Topic(
            claims_topic(region, owner),
            principal,
            (owner,),
            partitions=3,
            retention_days=CLAIM_RETENTION_DAYS,
        )
        for owner in CLAIM_OWNERS
    )
    receipts = Topic(
        receipts_topic(region),
        "+".join(CLAIM_OWNERS),
        (principal,),
        partitions=3,
        retention_days=30,
    )
    return (*claims, receipts)


REGIONAL: Final = "regional.<region>.{owner}.v1"
RECEIPTS: Final = "receipts.<region>.v1"
DEAD_LETTERS: Final = "<service>.dead-letter.v1"

EVENTS: Final[tuple[EventType, ...]] = (
    EventType(regional.PersonRegistered, REGIONAL.format(owner="beneficiary"), "record_id"),
    EventType(regional.WorkerDeployed, REGIONAL.format(owner="workforce"), "record_id"),
    EventType(beneficiary.PersonRegistered, "beneficiary.person.v1", "person_id"),
    EventType(beneficiary.StatusChanged, "beneficiary.person.v1", "person_id"),
    EventType(beneficiary.HouseholdChanged, "beneficiary.household.v1", "household_id"),
    EventType(beneficiary.DuplicateSuspected, "beneficiary.identity-review.v1", "pair_id"),
    EventType(beneficiary.DuplicateResolved, "beneficiary.identity-review.v1", "pair_id"),
    EventType(beneficiary.ContactChanged, "beneficiary.contact.v1", "person_id"),
    EventType(beneficiary.KeyIssued, "beneficiary.key.v1", "person_id"),
    EventType(benefits.ApplicationDecided, "benefits.application.v1", "application_id"),
    EventType(benefits.EntitlementStarted, "benefits.entitlement.v1", "entitlement_id"),
    EventType(benefits.EntitlementAdjusted, "benefits.entitlement.v1", "entitlement_id"),
    EventType(benefits.NoticeIssued, "benefits.notice.v1", "payee_id"),
    EventType(benefits.PaymentOrdered, "benefits.payment.v1", "payment_id"),
    EventType(benefits.PaymentSettled, "benefits.payment.v1", "payment_id"),
    EventType(benefits.PaymentReturned, "benefits.payment.v1", "payment_id"),
    EventType(benefits.CycleClosed, "benefits.cycle.v1", "cycle_id"),
    EventType(benefits.RulepackActivated, "benefits.rulepack.v1", "pack"),
    EventType(casework.CaseOpened, "casework.case.v1", "case_id"),
    EventType(casework.CaseAssigned, "casework.case.v1", "case_id"),
    EventType(workforce.DeploymentStarted, "workforce.worker.v1", "worker_id"),
    EventType(notifications.MessageDelivered, "notifications.message.v1", "recipient_id"),
    EventType(notifications.MessageFailed, "notifications.message.v1", "recipient_id"),
    EventType(insights.IndicatorPublished, "insights.indicator.v1", "cell_id"),
    EventType(platform.EventAccepted, RECEIPTS, "claim_id"),
    EventType(platform.EventRejected, RECEIPTS, "claim_id"),
    EventType(platform.RecordDeadLettered, DEAD_LETTERS, "dead_letter_id"),
    EventType(platform.ClockAdvanced, "platform.clock.v1", "clock"),
)

BY_PAYLOAD: Final = {event.payload: event for event in EVENTS}
BY_NAME: Final = {event.name: event for event in EVENTS}
TOPIC_BY_NAME: Final = {topic.name: topic for topic in TOPICS}


def topic_for(event: EventType, service: str, region: str | None) -> str:
    """The concrete topic of an event that `service` publishes about `region`."""
    if event.topic == DEAD_LETTERS:
        return f"{service}.dead-letter.v1"
    if event.topic == RECEIPTS:
        if region is None:
            raise ValueError("a receipt goes to a region")
        return receipts_topic(region)
    return event.topic


def key_of(payload: Payload) -> str:
    """The record key of a payload: the id of its aggregate, as text."""
    if isinstance(payload, platform.EventRejected):
        return payload.claim_id or payload.position
    return str(getattr(payload, BY_PAYLOAD[type(payload)].key))


def data_class_of(payload: type[Payload]) -> DataClass:
    """The class of a payload: that of its most protected field."""
    levels = [data_class(field.metadata) for field in payload.model_fields.values()]
    return max((level for level in levels if level), default=DataClass.C0)


DATA_CLASS: Final = {event.payload: data_class_of(event.payload) for event in EVENTS}
