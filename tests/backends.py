"""Where Kafka and PostgreSQL of the stories stand: `TEST_BACKEND`.

- `local` (the default): the stack of `deploy.local`. `HAMROH_STACK` and `HAMROH_INFRASTRUCTURE`
  name the folders of stacks that run already; without them they are started and stopped here.
- `external`: given addresses, of a server and a broker that are there for tests alone. The settings
  are those of the jobs: `HAMROH_DATABASE_ADMIN_URL`, `HAMROH_KAFKA_BOOTSTRAP`,
  `HAMROH_KAFKA_ADMIN_BOOTSTRAP` and `HAMROH_KAFKA_ADMIN_PASSWORD`. Roles, users, topics and access
  rules are made there, and every password is set anew.

Stories marked `local` need more than Kafka and PostgreSQL, and are played on the first alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from deploy.instance import Credentials, Instance, database_roles, kafka_users
from deploy.local.state import new_key, new_password
from deploy.postgres.provision import provision
from services.runtime.migrate import migrate_all
from services.runtime.settings import Settings
from services.runtime.topics import apply

REGIONS: Final = ("vn-07", "vn-01", "ua-26")
BACKENDS: Final = ("local", "external")


def chosen() -> str:
    """The name of the backend."""
    name = os.environ.get("TEST_BACKEND", "local")
    if name not in BACKENDS:
        raise ValueError(f"TEST_BACKEND is {name!r}; there are {', '.join(BACKENDS)}")
    return name


@contextmanager
def elsewhere() -> Iterator[Instance]:
    """Kafka and PostgreSQL of another backend than `local`, provisioned."""
    instance = given()
    prepare(instance)
    yield instance


def given() -> Instance:
    """The instance that the environment names, with passwords of its own."""
    settings = Settings().require("database_admin_url", "kafka_admin_bootstrap")
    admin_url = settings.database_admin_url
    parts = urlsplit(admin_url.get_secret_value() if admin_url else "")
    account, _, address = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    return Instance(
        credentials=fresh(password, settings.kafka_admin_password.get_secret_value()),
        regions=REGIONS,
        database=address,
        superuser=user,
        kafka=settings.kafka_bootstrap,
        kafka_internal=settings.kafka_admin_bootstrap or "",
    )


def fresh(database_admin: str, kafka_admin: str) -> Credentials:
    """New passwords and keys for everybody but the two administrators."""
    return Credentials(
        kafka_admin=kafka_admin,
        kafka_users={user: new_password() for user in kafka_users(REGIONS)},
        database_admin=database_admin,
        database_roles={role: new_password() for role in database_roles()},
        pseudonym_key=new_key(),
        key_encryption_key=new_key(),
        dead_letter_key=new_key(),
    )


def prepare(instance: Instance) -> None:
    """Does what the jobs do before any service starts."""
    provision(instance.database_url(), instance.credentials.database_roles)
    migrate_all(settings_of(instance.migrate_environment()))
    jobs = settings_of(instance.topics_environment())
    users = {user: secret.get_secret_value() for user, secret in jobs.kafka_users.items()}
    apply(jobs, jobs.regions, users)


def settings_of(environment: dict[str, str]) -> Settings:
    """Settings as a process with this environment reads them, and no other."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)
