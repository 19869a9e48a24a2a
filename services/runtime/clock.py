"""Two clocks: business time says what is due; machine time rules leases, retries and limits."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def machine_now() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class BusinessClock:
    """Business time: fixed by a setting, moved by a rehearsal, or the machine's own."""

    fixed: datetime | None = None

    def now(self) -> datetime:
        """Business time, in UTC."""
        return self.fixed.astimezone(UTC) if self.fixed else machine_now()

    def advance(self, to: datetime) -> None:
        """Moves forward; an earlier instant is ignored, business time never runs backwards."""
        if self.fixed is None or to > self.fixed:
            self.fixed = to


def business_date(instant: datetime, zone: ZoneInfo) -> date:
    """The national calendar day of an instant: cut-offs, ages and months use it."""
    return instant.astimezone(zone).date()
