"""A scenario: what regions send, what officers do, when, and what must come of it. Data only."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from contracts.values import Month, RegionCode
from services.cli.importing import KINDS, Row, rows_of
from tests.scenarios.schedules import Schedule

ROOT: Final = Path(__file__).parent.parent.parent
DATA: Final = Path(__file__).parent / "data"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Send(_Data):
    """A region publishes a list, in the columns of `hamroh import`."""

    send: Literal["persons", "workers"]
    region: RegionCode
    file: str
    """CSV, from the root of the project."""
    first: Annotated[int | None, Field(gt=0)] = None
    """So many rows of it; all without."""

    def rows(self) -> list[Row]:
        """The rows to publish."""
        return rows_of(ROOT / self.file, KINDS[self.send])[: self.first]


class Tick(_Data):
    """Business time moves on, and everything that falls due until then is done."""

    tick: AwareDatetime


class Pay(_Data):
    """A region's month is prepared, approved by two officers and answered by the bank."""

    pay: Month
    region: RegionCode


class Expect(_Data):
    """What the platform must hold at this point, by the names of `observation.TOTALS`."""

    expect: dict[str, int]


Step = Send | Tick | Pay | Expect


class Scenario(_Data):
    """A story that the platform must end the same way under every schedule."""

    name: str
    tells: str
    business_time: AwareDatetime
    regions: Annotated[tuple[RegionCode, ...], Field(min_length=1)]
    bank: tuple[str, ...] = ()
    """Options of the bank simulator."""
    balanced: bool = False
    """Whether each total of the demonstration must agree from all of its sources."""
    beside: Schedule
    """The schedule that is always played beside the one in order."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ends_with_an_expectation(self) -> "Scenario":
        expected = isinstance(self.steps[-1], Expect)
        if not expected:
            raise ValueError("the last step says what is expected")
        return self

    @property
    def claims(self) -> int:
        """How many persons' claims are sent; a repeated one counts once."""
        return sum(
            len(step.rows())
            for step in self.steps
            if isinstance(step, Send) and step.send == "persons"
        )


def load(path: Path) -> Scenario:
    """A scenario's file; a `ValueError` names the step and field that is wrong."""
    document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return Scenario.model_validate({"name": path.stem, **document})


def every() -> dict[str, Scenario]:
    """All scenarios by name."""
    return {path.stem: load(path) for path in sorted(DATA.glob("*.toml"))}
