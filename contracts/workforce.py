"""Facts of workforce: deployments of workers to communities."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.envelope import Fact
from contracts.values import C0, C1, C2, LanguageTag, PlaceCode, RegionCode


class DeploymentStarted(Fact):
    """A worker serves communities from a first to a last day."""

    type_name: ClassVar[str] = "workforce.deployment.started"

    worker_id: Annotated[UUID, C1]
    deployment_id: Annotated[UUID, C1]
    region: Annotated[RegionCode, C0]
    communities: Annotated[tuple[PlaceCode, ...], Field(min_length=1, max_length=50), C0]
    languages: Annotated[tuple[LanguageTag, ...], C2]
    first_day: Annotated[date, C2]
    last_day: Annotated[date, C2]
