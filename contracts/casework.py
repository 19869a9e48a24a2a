"""Facts of casework: a case opened and assigned. No reason text ever travels."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.envelope import Fact
from contracts.values import C1, Code

RiskLevel = Literal["none", "low", "medium", "high"]


class CaseOpened(Fact):
    """A case was opened for a person; contact is due by risk level."""

    type_name: ClassVar[str] = "casework.case.opened"

    case_id: Annotated[UUID, C1]
    person_id: Annotated[UUID, C1]
    risk_level: Annotated[RiskLevel, C1]
    contact_due_at: Annotated[AwareDatetime, C1]
    setting: Annotated[Code, C1]
    reopened_from: Annotated[UUID | None, C1] = None


class CaseAssigned(Fact):
    """A case has an owner, a co-worker, or waits in a supervisor's pool."""

    type_name: ClassVar[str] = "casework.case.assigned"

    case_id: Annotated[UUID, C1]
    worker_id: Annotated[UUID | None, C1] = None
    """None: the supervisor's pool."""
    role: Annotated[Literal["owner", "co_worker", "supervisor_pool"], C1]
    accept_due_at: Annotated[AwareDatetime, C1]
