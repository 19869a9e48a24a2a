"""Events as handlers receive them."""

from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import uuid4

from contracts.catalogue import BY_PAYLOAD, DATA_CLASS
from contracts.envelope import Claim, Envelope, Fact
from contracts.values import region_source, service_source

REGION = "VN-07"
NOW = datetime(2026, 9, 15, 2, 30, tzinfo=UTC)

ClaimT = TypeVar("ClaimT", bound=Claim)
FactT = TypeVar("FactT", bound=Fact)


def claim(payload: ClaimT, region: str = REGION) -> Envelope[ClaimT]:
    """A claim of a region's centre."""
    envelope = _envelope(payload, source=region_source(region), regioncode=region)
    return cast("Envelope[ClaimT]", envelope)


def fact(payload: FactT, region: str = REGION, sequence: int = 1) -> Envelope[FactT]:
    """A fact of the service that owns its topic."""
    owner = BY_PAYLOAD[type(payload)].topic.partition(".")[0]
    envelope = _envelope(
        payload, source=service_source(owner), regioncode=region, sequence=sequence
    )
    return cast("Envelope[FactT]", envelope)


def _envelope(payload: Any, **attributes: Any) -> Any:
    event, envelope = BY_PAYLOAD[type(payload)], cast("Any", Envelope)
    return envelope[type(payload)](
        id=uuid4().hex,
        type=event.name,
        time=NOW,
        dataschema=event.schema,
        dataclass=DATA_CLASS[type(payload)],
        data=payload,
        **attributes,
    )
