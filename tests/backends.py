"""Where Kafka and PostgreSQL of the stories stand: `TEST_BACKEND`.

- `local` (the default): the stack of `deploy.local`. `HAMROH_STACK` and `HAMROH_INFRASTRUCTURE`
  name the folders of stacks that run already; without them they are started and stopped here.
- `testcontainers`: the server and the broker of `deploy/compose.yaml`, in containers of their own,
  on free ports; they and their volumes are gone at the end.
- `external`: given addresses, of a server and a broker that are there for tests alone. The settings
  are those of the jobs: `HAMROH_DATABASE_ADMIN_URL`, `HAMROH_KAFKA_BOOTSTRAP`,
  `HAMROH_KAFKA_ADMIN_BOOTSTRAP` and `HAMROH_KAFKA_ADMIN_PASSWORD`. Roles, users, topics and access
  rules are made there, and every password is set anew.

Stories marked `local` need more than Kafka and PostgreSQL, and are played on the first alone;
those marked `containers` need a Docker engine, and are played on the second.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.compose import COMPOSE_FILE
from deploy.compose.environment import fresh, fresh_credentials
from deploy.compose.project import Project
from deploy.instance import Instance
from deploy.local import kafka, ports
from deploy.local.state import write_private
from deploy.postgres.provision import provision
from services.runtime.migrate import migrate_all
from services.runtime.settings import Settings
from services.runtime.topics import apply

REGIONS: Final = ("vn-07", "vn-01", "ua-26")
BACKENDS: Final = ("local", "testcontainers", "external")


def chosen() -> str:
    """The name of the backend."""
    name = os.environ.get("TEST_BACKEND", "local")
    if name not in BACKENDS:
        raise ValueError(f"TEST_BACKEND is {name!r}; there are {', '.join(BACKENDS)}")
    return name


def plays(mark: str) -> bool:
    """Whether the backend has what stories of a mark need."""
    return {"local": "local", "containers": "testcontainers"}[mark] == chosen()


@contextmanager
def elsewhere() -> Iterator[Instance]:
    """Kafka and PostgreSQL of another backend than `local`, provisioned."""
    with contained() if chosen() == "testcontainers" else nullcontext(given()) as instance:
        prepare(instance)
        yield instance


@contextmanager
def contained() -> Iterator[Instance]:
    """Kafka and PostgreSQL in containers."""
    from testcontainers.compose import DockerCompose

    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / ".env"
        with closing(ports.choose(("POSTGRES_PORT", "KAFKA_PORT"), {})) as free:
            numbers = {name: str(port) for name, port in free.ports.items()}
        name = {"COMPOSE_PROJECT_NAME": f"hamroh-test-{os.getpid()}"}
        write_private(environment, fresh(REGIONS, name | numbers))
        # The library waits until both are healthy, and removes both with their volumes.
        with DockerCompose(
            context=COMPOSE_FILE.parent,
            compose_file_name=COMPOSE_FILE.name,
            env_file=str(environment),
            services=["postgres", "kafka-1"],
        ):
            yield Project(environment).instance()


def given() -> Instance:
    """The instance that the environment names, with passwords of its own."""
    settings = Settings().require("database_admin_url", "kafka_admin_bootstrap")
    admin_url = settings.database_admin_url
    parts = urlsplit(admin_url.get_secret_value() if admin_url else "")
    account, _, address = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    return Instance(
        credentials=fresh_credentials(REGIONS).model_copy(
            update={
                "database_admin": password,
                "kafka_admin": settings.kafka_admin_password.get_secret_value(),
            }
        ),
        regions=REGIONS,
        database=address,
        superuser=user,
        kafka=settings.kafka_bootstrap,
        kafka_internal=settings.kafka_admin_bootstrap or "",
    )


def prepare(instance: Instance) -> None:
    """Does what the jobs do before any service starts."""
    provision(instance.database_url(), instance.credentials.database_roles)
    migrate_all(settings_of(instance.migrate_environment()))
    jobs = settings_of(instance.topics_environment())
    users = {user: secret.get_secret_value() for user, secret in jobs.kafka_users.items()}
    apply(jobs, jobs.regions, users)
    await_groups(instance)


def await_groups(instance: Instance) -> None:
    """A new broker tells of no group until somebody has been one, as the local stack's probe is."""
    password = instance.credentials.kafka_admin
    connection = kafka._connection(instance.kafka_internal, "PLAIN", password)
    kafka._ensure_probe(connection, password)
    kafka._round_trip(connection)


def settings_of(environment: dict[str, str]) -> Settings:
    """Settings as a process with this environment reads them, and no other."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)
