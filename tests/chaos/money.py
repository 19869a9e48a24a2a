"""The month's money, paid while everything fails: officers who ask again until they know."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from deploy.demo.platform import Platform

PROGRAMME: Final = "VN-SA"
MONTH: Final = "2026-09"
PATIENCE_S: Final = 120.0
BETWEEN_S: Final = 0.5
FAULTY_FROM: Final = 500
NOTHING_TO_PAY: Final = "cycle.nothing_to_pay"


class Officers:
    """Three officers pay regions; each command is repeated until its answer is known."""

    def __init__(self, platform: Platform, month: str = MONTH, asks: int = 1) -> None:
        """Each command is given `asks` times, whatever was answered."""
        self._platform = platform
        self._month = month
        self._asks = asks
        self._paid: set[str] = set()
        self.cycles: list[str] = []

    async def pay(self, region: str) -> None:
        """Prepares a region's cycle, and approves and so orders it; once there is one to pay."""
        if region in self._paid:
            return
        self._paid.add(region)
        wanted = {"programme": PROGRAMME, "month": self._month, "region": region}
        cycle = await self._ask("payments.preparer", "/cycles", wanted)
        if cycle.get("code") == NOTHING_TO_PAY:
            self._paid.remove(region)  # nobody was judged yet
            return
        path = f"/cycles/{cycle['id']}"
        for officer in ("payments.approver.1", "payments.approver.2"):
            await self._ask(officer, f"{path}/approvals", {"digest": cycle["digest"]})
        self.cycles.append(cycle["id"])

    async def closed(self) -> bool:
        """Waits until the bank has answered for every payment."""
        deadline = time.monotonic() + PATIENCE_S
        for cycle in self.cycles:
            while (await self._show(cycle))["state"] != "closed":
                if time.monotonic() > deadline:
                    return False
                await asyncio.sleep(BETWEEN_S)
        return True

    async def _show(self, cycle: str) -> dict[str, Any]:
        return await self._until_known("payments.preparer", lambda web: web.get(f"/cycles/{cycle}"))

    async def _ask(self, officer: str, path: str, wanted: dict[str, str]) -> dict[str, Any]:
        for _ in range(self._asks):
            answer = await self._until_known(officer, lambda web: web.post(path, json=wanted))
        return answer

    async def _until_known(
        self, officer: str, ask: Callable[[httpx.Client], httpx.Response]
    ) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = await asyncio.to_thread(self._once, officer, ask)
                if answer.status_code < FAULTY_FROM:
                    document: dict[str, Any] = answer.json()
                    return document
            except (httpx.TransportError, OSError):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"{officer} got no answer within {PATIENCE_S:.0f} s")
            await asyncio.sleep(BETWEEN_S)

    def _once(self, officer: str, ask: Callable[[httpx.Client], httpx.Response]) -> httpx.Response:
        with self._platform.client("benefits-api", officer) as web:
            return ask(web)
