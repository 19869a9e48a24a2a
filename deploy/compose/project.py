"""One running project of `compose.yaml`: started, stopped, and seen as an instance."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.compose import COMPOSE_FILE, ENVIRONMENT_FILE, ComposeError
from deploy.compose.environment import variables
from deploy.instance import BANK, IDENTITY, ROLES, SERVICES, SMS, SMTP, Credentials, Instance

DOORS: Final = (
    IDENTITY, SMS, SMTP, BANK, *(f"{service}-{role}" for service in SERVICES for role in ROLES),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Project:
    """The project of an environment file; one that names `COMPOSE_PROJECT_NAME` stands alone."""

    environment: Path = ENVIRONMENT_FILE

    def run(self, *arguments: str) -> str:
        """One `docker compose` command; what it printed. A `ComposeError` says why it failed."""
        command = ["docker", "compose", "--env-file", str(self.environment)]
        command += ["--file", str(COMPOSE_FILE), *arguments]
        # What a shell exports would win over the file.
        ours = variables("?") | variables("-")
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=kept)
        except FileNotFoundError as missing:
            raise ComposeError("docker is not installed here.") from missing
        if done.returncode != 0:
            raise ComposeError(f"docker compose {arguments[0]}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def up(self, *services: str, build: bool = True) -> None:
        """Start it, or parts of it with what they need, and wait until everything is healthy."""
        self.run("up", *(["--build"] if build else []), "--wait", "--detach", *services)

    def down(self) -> None:
        """Stop it; data is kept."""
        self.run("down", "--remove-orphans")

    def reset(self) -> None:
        """Stop it and forget its data."""
        self.run("down", "--remove-orphans", "--volumes")

    def size(self) -> int:
        """How many services it has."""
        return len(self.run("config", "--services").split())

    def instance(self) -> Instance:
        """Its addresses on loopback and its credentials, as the resolved file states them."""
        return instance_of(json.loads(self.run("config", "--format", "json"))["services"])


def instance_of(services: Mapping[str, Any]) -> Instance:
    """The instance that a resolved file describes; `services` by name."""
    settings = {name: service.get("environment") or {} for name, service in services.items()}
    migrate, broker = settings["migrate"], _published(services["kafka-1"])
    business_time = migrate["HAMROH_BUSINESS_TIME"]
    return Instance(
        credentials=_credentials(settings),
        regions=tuple(migrate["HAMROH_REGIONS"].split(",")),
        database=_published(services["postgres"]),
        kafka=broker,
        kafka_internal=broker,
        business_time=datetime.fromisoformat(business_time) if business_time else None,
        rehearsal=migrate["HAMROH_REHEARSAL"] == "true",
        urls={name: f"http://{_published(services[name])}" for name in DOORS},
    )


def _credentials(settings: Mapping[str, Mapping[str, str]]) -> Credentials:
    accounts = json.loads(settings["identity"]["IDENTITY_ACCOUNTS"])
    admin_url = settings["migrate"]["HAMROH_DATABASE_ADMIN_URL"]
    return Credentials(
        kafka_admin=settings["topics"]["HAMROH_KAFKA_ADMIN_PASSWORD"],
        kafka_users=json.loads(settings["topics"]["HAMROH_KAFKA_USERS"]),
        database_admin=urlsplit(admin_url).password or "",
        database_roles=json.loads(settings["roles"]["HAMROH_DATABASE_ROLES"]),
        pseudonym_key=settings["insights-worker"]["HAMROH_PSEUDONYM_KEY"],
        key_encryption_key=settings["benefits-worker"]["HAMROH_KEY_ENCRYPTION_KEY"],
        dead_letter_key=settings["benefits-worker"]["HAMROH_DEAD_LETTER_KEY"],
        account_passwords={row["username"]: row["password"] for row in accounts},
    )


def _published(service: Mapping[str, Any]) -> str:
    """The address on this machine of a service's one published port."""
    (port,) = service["ports"]
    return f"{port['host_ip']}:{port['published']}"
