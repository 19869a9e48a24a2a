"""The envelope every event travels in: CloudEvents 1.0, structured JSON mode.

The whole event stands in the record's value; Kafka headers are never read. `sequence` counts the
facts of one key on one topic from 1 (claims carry none). `traceparent` from a region is a link,
never a parent.
"""

from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from contracts.values import DataClass, RegionCode, Value


class Payload(Value):
    """The `data` of an event: frozen, strict, each field with its data class."""

    type_name: ClassVar[str]
    """The CloudEvents `type`."""
    version: ClassVar[int] = 1
    """The major version; a breaking change takes the next one."""


class Fact(Payload):
    """What a service decided. Readers ignore fields they do not know: facts may grow."""


class Claim(Payload):
    """What a regional centre witnessed. A field that the contract does not know is refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


PayloadT = TypeVar("PayloadT", bound=Payload, covariant=True)  # noqa: PLC0105 - covariant by use

EventId = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
Source = Annotated[
    str, StringConstraints(max_length=100, pattern=r"^urn:hamroh:[a-z]+:[a-z0-9-]+$")
]
Subject = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
TraceParent = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
]


class Envelope(BaseModel, Generic[PayloadT]):
    """One event: the CloudEvents attributes and the payload."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: EventId
    source: Source
    type: Annotated[str, StringConstraints(max_length=100)]
    time: AwareDatetime
    subject: Subject | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, StringConstraints(max_length=160)]
    correlationid: EventId | None = None
    causationid: EventId | None = None
    regioncode: RegionCode | None = None
    dataclass: DataClass
    sequence: Annotated[int, Field(ge=1, le=2**53)] | None = None
    traceparent: TraceParent | None = None
    data: PayloadT


def schema_name(type_name: str, version: int) -> str:
    """The `dataschema` of a type: `urn:hamroh:schema:benefits.payment.settled:1`."""
    return f"urn:hamroh:schema:{type_name}:{version}"
