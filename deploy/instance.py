"""A running platform as its clients and its own processes meet it: addresses and credentials.

The same whether it runs on this machine without containers (`deploy.local`), in containers
(`deploy.compose`) or elsewhere. Here stands which setting, and so which secret, a process is given.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

SERVICES: Final = (
    "beneficiary", "benefits", "casework", "workforce", "notifications", "insights",
)  # fmt: skip
ROLES: Final = ("api", "worker")
IDENTITY, SMS, SMTP, BANK = "identity", "sms", "smtp", "bank"
MAIL_SENDER: Final = "no-reply@hamroh.example"
DATABASE: Final = "hamroh"
DATABASE_ADMIN: Final = "postgres"
KAFKA_ADMIN: Final = "admin"
KAFKA_SECURITY: Final = "SASL_PLAINTEXT"
# Principals beside the services and the regions: whoever runs the platform, and dashboards.
OTHER_USERS: Final = ("operator", "ministry")
# Whose workers hold which key.
KEY_READERS: Final = ("beneficiary", "benefits", "notifications")
PSEUDONYM_READERS: Final = ("insights",)


def kafka_users(regions: Iterable[str]) -> list[str]:
    """One principal per service, per region system and per outside reader."""
    return [*SERVICES, *OTHER_USERS, *(f"region.{region.lower()}" for region in regions)]


def database_roles() -> list[str]:
    """One login per process that touches the database."""
    return [f"{service}_{role}" for service in SERVICES for role in ROLES]


class Credentials(BaseModel):
    """Random per instance; never printed. Keys are 32 bytes in base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka_admin: str = Field(repr=False)
    kafka_users: dict[str, str] = Field(repr=False)
    database_admin: str = Field(repr=False)
    database_roles: dict[str, str] = Field(repr=False)
    pseudonym_key: str = Field(repr=False)
    key_encryption_key: str = Field(repr=False)
    dead_letter_key: str = Field(repr=False)
    account_passwords: dict[str, str] = Field(default={}, repr=False)


@dataclass(frozen=True, slots=True)
class Instance:
    """One platform. Addresses are `host:port`; `urls` has the HTTP door of each process by name."""

    credentials: Credentials
    regions: tuple[str, ...]
    database: str
    kafka: str
    """The listener of services, centres and ministries; brokers separated by commas."""
    kafka_internal: str
    """The administrator's listener."""
    superuser: str = DATABASE_ADMIN
    database_front: str = ""
    """Where the services reach the database, if somebody stands before it."""
    business_time: datetime | None = None
    rehearsal: bool = True
    replicas: int = 1
    urls: Mapping[str, str] = field(default_factory=dict)
    smtp: str = ""
    otlp_endpoint: str | None = None
    """A collector that the services tell everything."""
    packs: Path | None = None
    """A ministry's folder of rule packs."""

    def url(self, process: str) -> str:
        """The HTTP address of a process."""
        return self.urls[process]

    def database_url(self, role: str | None = None, database: str = DATABASE) -> str:
        """A connection address of a role, without one of the superuser; nothing needs quoting."""
        name, password = self.superuser, self.credentials.database_admin
        if role is not None:
            name, password = role, self.credentials.database_roles[role]
        return f"postgresql://{name}:{password}@{self.database}/{database}"

    def _service_url(self, role: str) -> str:
        """The database as a service reaches it."""
        direct, front = self.database_url(role), self.database_front or self.database
        return direct.replace(f"@{self.database}/", f"@{front}/")

    def shared_environment(self) -> dict[str, str]:
        """The settings of every process of the platform: no secret is among them."""
        shared = {
            "HAMROH_REGIONS": ",".join(self.regions),
            "HAMROH_KAFKA_SECURITY": KAFKA_SECURITY,
            "HAMROH_KAFKA_REPLICAS": str(self.replicas),
            "HAMROH_REHEARSAL": str(self.rehearsal).lower(),
        }
        if self.business_time is not None:
            shared["HAMROH_BUSINESS_TIME"] = self.business_time.isoformat()
        return shared

    def client_environment(self, user: str) -> dict[str, str]:
        """The settings of a program outside the platform: a centre's, an operator's."""
        return {
            **self.shared_environment(),
            **self._login(user),
            "HAMROH_OIDC_ISSUER": self.urls.get(IDENTITY, ""),
        }

    def environment(self, service: str, role: str) -> dict[str, str]:
        """The settings of one service process, its secrets among them.

        An api speaks with its database alone; what it decides, its worker sends.
        """
        settings = {
            **self.shared_environment(),
            "HAMROH_DATABASE_URL": self._service_url(f"{service}_{role}"),
            "HAMROH_HTTP_PORT": self.urls.get(f"{service}-{role}", "").rpartition(":")[2] or "0",
        }
        if self.otlp_endpoint is not None:
            settings |= {"HAMROH_OTLP_ENDPOINT": self.otlp_endpoint, "HAMROH_TRACE_SHARE": "1"}
        if service == "benefits" and self.packs is not None:
            settings["HAMROH_PACKS"] = str(self.packs)
        if role == "api":
            return {**settings, "HAMROH_OIDC_ISSUER": self.urls.get(IDENTITY, "")}
        return {**settings, **self._login(service), **self._worker_environment(service)}

    def _login(self, user: str) -> dict[str, str]:
        """Kafka as this user."""
        return {
            "HAMROH_KAFKA_BOOTSTRAP": self.kafka,
            "HAMROH_KAFKA_USERNAME": user,
            "HAMROH_KAFKA_PASSWORD": self.credentials.kafka_users[user],
        }

    def _worker_environment(self, service: str) -> dict[str, str]:
        """Keys, and doors outside, by who needs them."""
        credentials = self.credentials
        settings = {"HAMROH_DEAD_LETTER_KEY": credentials.dead_letter_key}
        if service in KEY_READERS:
            settings["HAMROH_KEY_ENCRYPTION_KEY"] = credentials.key_encryption_key
        if service in PSEUDONYM_READERS:
            settings["HAMROH_PSEUDONYM_KEY"] = credentials.pseudonym_key
        if service == "benefits":
            settings["HAMROH_BANK_URL"] = self.urls.get(BANK, "")
        if service == "notifications":
            settings["HAMROH_SMS_URL"] = self.urls.get(SMS, "")
        if service == "notifications" and self.rehearsal:
            # The mail sink speaks no TLS: nothing real is handed to it.
            host, _, port = self.smtp.rpartition(":")
            settings |= {
                "HAMROH_SMTP_HOST": host,
                "HAMROH_SMTP_PORT": port,
                "HAMROH_SMTP_ENCRYPTION": "opportunistic",
                "HAMROH_SMTP_SENDER": MAIL_SENDER,
            }
        return settings

    def topics_environment(self) -> dict[str, str]:
        """The settings of the job that makes topics, users and access rules."""
        return {
            **self.shared_environment(),
            "HAMROH_KAFKA_ADMIN_BOOTSTRAP": self.kafka_internal,
            "HAMROH_KAFKA_ADMIN_USERNAME": KAFKA_ADMIN,
            "HAMROH_KAFKA_ADMIN_PASSWORD": self.credentials.kafka_admin,
            "HAMROH_KAFKA_USERS": json.dumps(self._users()),
        }

    def _users(self) -> dict[str, str]:
        """The passwords of those alone who exist with these regions."""
        passwords = self.credentials.kafka_users
        return {user: passwords[user] for user in kafka_users(self.regions)}

    def migrate_environment(self) -> dict[str, str]:
        """The settings of the job that brings every schema up to date."""
        return {**self.shared_environment(), "HAMROH_DATABASE_ADMIN_URL": self.database_url()}
