"""What notifications can be told besides what every service can."""

import re
from math import ceil
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, model_validator

from contracts.values import EMAIL_ADDRESS
from services.notifications.gateways import Encryption
from services.runtime.settings import Port, Settings

WAYS: Final = 2
"""Text message and mail: an attempt whose first way is refused goes the other."""


class NotificationsSettings(Settings):
    """How hard the providers of messages are worked and for how long; where mail is handed over."""

    send_timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(
        10.0, description="To send a message one way, by text message or by mail, takes no longer"
    )
    send_batch: Annotated[int, Field(ge=1, le=1000)] = Field(
        200, description="Messages taken from the queue at once"
    )
    send_concurrency: Annotated[int, Field(ge=1, le=200)] = Field(
        32, description="Messages on their way to a provider at the same time"
    )
    send_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        24, description="Attempts until a message is given up; 24 take thirteen hours"
    )
    smtp_host: str = Field("", description="Mail server; unset sends no mail")
    smtp_port: Port = Field(587, description="Its port")
    smtp_encryption: Encryption = Field(
        "starttls",
        description="tls from the first byte; starttls or nothing; opportunistic in a rehearsal",
    )
    smtp_username: str = Field("", description="User of the mail server, if it asks for one")
    smtp_password: SecretStr | None = Field(None, description="Their password")
    smtp_sender: str = Field("", description="Address that mail comes from")

    @model_validator(mode="after")
    def _mail_is_safe(self) -> Self:
        """No worker starts with mail that whoever is on its way may read, or that has no sender."""
        if self.smtp_sender and not re.fullmatch(EMAIL_ADDRESS, self.smtp_sender):
            raise ValueError("HAMROH_SMTP_SENDER is not an address")
        if bool(self.smtp_username) != bool(self.smtp_password):
            raise ValueError("HAMROH_SMTP_USERNAME and HAMROH_SMTP_PASSWORD go together")
        if self.smtp_encryption == "opportunistic":
            if not self.rehearsal:
                raise ValueError("HAMROH_SMTP_ENCRYPTION=opportunistic is for a rehearsal")
            if self.smtp_password:
                raise ValueError("HAMROH_SMTP_PASSWORD is told to an encrypted server only")
        return self

    @property
    def send_lease_s(self) -> float:
        """How long a batch belongs to who took it: longer than its slowest run."""
        rounds = ceil(self.send_batch / self.send_concurrency)
        return rounds * WAYS * self.send_timeout_s + 30.0
