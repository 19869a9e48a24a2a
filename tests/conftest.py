"""The stack that stories run on: real Kafka, real PostgreSQL, every service; started once.

`HAMROH_STACK` names the folder of a stack that runs already (`python -m deploy.local up`); without
it one is started in `.local/test` and stopped at the end.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import Options

BUSINESS_TIME = datetime.fromisoformat("2026-09-15T09:00:00+07:00")
OPTIONS = Options(regions=("vn-07", "vn-01", "ua-26"), business_time=BUSINESS_TIME, rehearsal=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The running platform."""
    given = os.environ.get("HAMROH_STACK")
    stack = Stack(Path(given) if given else ROOT / ".local" / "test")
    if given is None:
        stack.reset()
        stack.up(OPTIONS)
    os.environ["HAMROH_DATABASE_ADMIN_URL"] = stack.plan.server.url()
    yield stack
    if given is None:
        stack.down()


@pytest.fixture(scope="session", autouse=True)
def _stack_for_databases(request: pytest.FixtureRequest) -> None:
    """Stories marked `stack` find it running."""
    if any(item.get_closest_marker("stack") for item in request.session.items):
        request.getfixturevalue("stack")
