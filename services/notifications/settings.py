"""What notifications can be told besides what every service can."""

from math import ceil
from typing import Annotated, Final

from pydantic import Field, SecretStr

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
        description="tls from the first byte; starttls or nothing; opportunistic, without password",
    )
    smtp_username: str = Field("", description="User of the mail server, if it asks for one")
    smtp_password: SecretStr | None = Field(None, description="Their password")
    smtp_sender: str = Field("", description="Address that mail comes from")

    @property
    def send_lease_s(self) -> float:
        """How long a batch belongs to who took it: longer than its slowest run."""
        rounds = ceil(self.send_batch / self.send_concurrency)
        return rounds * WAYS * self.send_timeout_s + 30.0
