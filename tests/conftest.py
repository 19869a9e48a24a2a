"""What stories run on: real Kafka and PostgreSQL, where `tests.backends` says; started once."""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

from contracts.catalogue import SERVICES
from deploy.instance import Instance
from deploy.local import ports
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import Options
from tests import backends
from tests.collector import Collector

BUSINESS_TIME = datetime.fromisoformat("2026-09-15T09:00:00+07:00")
OPTIONS = Options(regions=backends.REGIONS, business_time=BUSINESS_TIME, rehearsal=True)
LEFT_OUT = {
    "local": "they kill processes, read their files or ask running services (TEST_BACKEND=local)",
    "containers": "they need a Docker engine (TEST_BACKEND=testcontainers)",
}
_TOLD = pytest.StashKey[list[str]]()

# A property holds however slow the machine is: no example has a time in which it has to be done.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

UNIT = {"contracts", "cli", *SERVICES}
"""Folders whose stories need nothing that runs, but for those marked `stack` or `browser`."""


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Whom the platform of the tests tells everything.

    Where that platform runs already and another run listens to it, this one hears nothing.
    """
    given = os.environ.get("HAMROH_STACK")
    endpoint = Stack(Path(given)).state.options.otlp_endpoint if given else None
    port = urlsplit(endpoint or "").port
    with (
        closing(ports.choose(("collector",), {"collector": port} if port else {})) as chosen,
        Collector.listening(chosen.ports["collector"]) as collector,
    ):
        yield collector


@pytest.fixture(scope="session")
def whole_platform(collector: Collector) -> Iterator[Stack]:
    """The whole platform of the local backend; a name that no story gives to a stack of its own."""
    assert backends.chosen() == "local", "stories that need the local stack are marked `local`"
    given = os.environ.get("HAMROH_STACK")
    stack = Stack(Path(given) if given else ROOT / ".local" / "test")
    if given is None:
        stack.reset()
        stack.up(OPTIONS.model_copy(update={"otlp_endpoint": collector.endpoint}))
    yield stack
    if given is None:
        stack.down()


@pytest.fixture(scope="session")
def stack(whole_platform: Stack) -> Stack:
    """The whole platform of the local backend, every service running."""
    return whole_platform


@pytest.fixture(scope="session")
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    """Kafka and PostgreSQL with topics and tables; on the local backend services work with them."""
    if backends.chosen() == "local":
        yield request.getfixturevalue("whole_platform").instance
    else:
        with backends.elsewhere() as instance:
            yield instance


@pytest.fixture(scope="session", autouse=True)
def _stack_for_databases(request: pytest.FixtureRequest) -> None:
    """Stories marked `stack` find it running."""
    if any(item.get_closest_marker("stack") for item in request.session.items):
        instance: Instance = request.getfixturevalue("instance")
        os.environ["HAMROH_DATABASE_ADMIN_URL"] = instance.database_url()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks as `unit` what runs anywhere."""
    folder = item.path.relative_to(ROOT / "tests").parts[0]
    if folder in UNIT and not {"stack", "browser"} & {one.name for one in item.iter_markers()}:
        item.add_marker("unit")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each backend plays what it can; the rest is left out, with its reason."""
    reasons = {mark: why for mark, why in LEFT_OUT.items() if not backends.plays(mark)}
    for mark, why in reasons.items():
        left_out = [item for item in items if item.get_closest_marker(mark)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
            config.stash.setdefault(_TOLD, []).append(f"{len(left_out)} deselected: {why}")


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say where stories are played, and which are not."""
    return [f"backend: {backends.chosen()}", *config.stash.get(_TOLD, [])]
