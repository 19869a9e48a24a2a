"""Records of several topics share a transaction: what a statement costs is its round trip."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.runtime.inbox import Record


@dataclass(slots=True)
class Gathering:
    """Waits for nobody while idle; what comes while a transaction is open shares the next one."""

    take: Callable[[Sequence[Record]], Awaitable[None]]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _gathered: list[Record] = field(default_factory=list)
    _next: asyncio.Task[None] | None = None

    async def add(self, records: Sequence[Record]) -> None:
        """Returns when the records are applied; raises what was raised about the whole batch."""
        self._gathered.extend(records)
        if self._next is None:
            self._next = asyncio.create_task(self._apply())
        # Whoever is told to stop leaves the others' transaction alone.
        await asyncio.shield(self._next)

    async def _apply(self) -> None:
        async with self._turn:
            records, self._gathered, self._next = self._gathered, [], None
            await self.take(records)
