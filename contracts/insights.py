"""Facts of insights: published indicators, with small cells hidden."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import StringConstraints

from contracts.envelope import Fact
from contracts.values import C0, AmountMinor, Code, Count, Month, RegionCode


class IndicatorPublished(Fact):
    """One cell of a published table; `count` and `amount_minor` are absent where it is hidden."""

    type_name: ClassVar[str] = "insights.indicator.published"

    cell_id: Annotated[UUID, C0]
    indicator: Annotated[Code, C0]
    period: Annotated[Month, C0]
    region: Annotated[RegionCode, C0]
    breakdown: Annotated[str, StringConstraints(max_length=64), C0]
    """`sex=2`, `total`."""
    count: Annotated[Count | None, C0] = None
    amount_minor: Annotated[AmountMinor | None, C0] = None
    suppressed: Annotated[bool, C0]
    revision: Annotated[Count, C0]
