"""What notifications can be told besides what every service can."""

from math import ceil
from typing import Annotated

from pydantic import Field

from services.runtime.settings import Settings


class NotificationsSettings(Settings):
    """How hard the text message provider is worked, and for how long."""

    sms_timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(
        10.0, description="One attempt to send a text message takes at most so long"
    )
    sms_batch: Annotated[int, Field(ge=1, le=1000)] = Field(
        200, description="Text messages taken from the queue at once"
    )
    sms_concurrency: Annotated[int, Field(ge=1, le=200)] = Field(
        32, description="Text messages on their way to the provider at the same time"
    )
    sms_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        24, description="Attempts until a message is given up; 24 take thirteen hours"
    )

    @property
    def sms_lease_s(self) -> float:
        """How long a batch belongs to who took it: longer than its slowest run."""
        return ceil(self.sms_batch / self.sms_concurrency) * self.sms_timeout_s + 30.0
