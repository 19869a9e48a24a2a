"""Claims come in through a door that does not open for each of them; what follows passes freely."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.regional import PersonRegistered
from contracts.workforce import DeploymentStarted
from services.runtime.broker import CLAIMS_EVERY_S, Intake, make_broker
from services.runtime.database import Transaction
from services.runtime.inbox import Record
from services.runtime.routes import Outcome, Subscription, on, on_claims
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry

pytestmark = pytest.mark.unit


class Busy:
    """A consumer for whom records always wait; notes when it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def getmany(self, **_: Any) -> dict[Any, list[Any]]:
        self.asked.append(time.monotonic())
        return {}


async def handler(_: Transaction, __: Sequence[Any]) -> list[Outcome]:
    return []


def intake(subscription: Subscription, settings: Settings) -> Intake:
    async def process(_: Sequence[Record]) -> None:
        return

    return Intake(
        make_broker(settings), subscription, process, settings, Telemetry("casework", settings)
    )


async def test_claims_are_taken_a_while_after_those_before() -> None:
    claims = intake(on_claims("casework", {PersonRegistered: handler}), Settings())
    busy = Busy()
    for _ in range(4):
        await claims._take(busy)
    gaps = [later - before for before, later in zip(busy.asked, busy.asked[1:], strict=False)]
    assert min(gaps) >= CLAIMS_EVERY_S


async def test_facts_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = intake(on("casework", "workforce.worker.v1", {DeploymentStarted: handler}), Settings())
    monkeypatch.setattr("asyncio.sleep", lambda *_: pytest.fail("it waited"))
    for _ in range(4):
        await facts._take(Busy())
