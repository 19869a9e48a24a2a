"""A wire that fails: a TCP proxy between the services and PostgreSQL or Kafka.

It cuts what is connected, or lets one COMMIT through and swallows its answer: the sender then does
not know whether it took effect. It runs in a thread of its own, so that whoever plays the faults
may sleep.
"""

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

from deploy.local.ports import LOOPBACK

CHUNK: Final = 65_536
COMMIT: Final = re.compile(rb"Q\x00\x00\x00.(COMMIT|commit);?\x00", re.DOTALL)
"""PostgreSQL's simple query, as asyncpg ends a transaction."""
USER: Final = re.compile(rb"user\x00([a-z_]+)\x00")
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset: the other side learns at once, as from a dead host."""

When = Literal["before", "after"]
"""Whether the COMMIT is lost on its way, or its answer on the way back."""


@dataclass
class Trap:
    """Waits for the COMMIT of one of these users and cuts there."""

    users: tuple[str, ...]
    when: When
    act: Callable[[str], None] | None = None
    """What else happens to that user then, before the server hears of the COMMIT."""
    user: str = ""
    """Whose COMMIT it was."""
    sprung: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False)
class Wire:
    """One connection: both sides, and who speaks."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    user: str = ""
    swallow: bool = False
    """The server's next words are the last: they are not passed on."""

    def cut(self) -> None:
        """Resets both sides."""
        for side in (self.client, self.server):
            found = side.get_extra_info("socket")
            with suppress(OSError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            side.transport.abort()


class Proxy:
    """Listens on a port of its own and passes everything on to a server.

    `target` tells the server's port; it is asked when somebody connects.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self._listener = socket.create_server((LOOPBACK, 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._target = target
        self._wires: set[Wire] = set()
        self._trap: Trap | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._accept, sock=self._listener), self._loop
        ).result()

    def cut(self, chosen: Callable[[str], bool] = lambda _user: True) -> int:
        """Cuts the connections whose user is chosen; how many they were."""

        async def cut() -> int:
            wires = [wire for wire in self._wires if chosen(wire.user)]
            for wire in wires:
                wire.cut()
            return len(wires)

        return asyncio.run_coroutine_threadsafe(cut(), self._loop).result()

    def set_trap(self, trap: Trap) -> None:
        """The next COMMIT that fits springs it."""
        self._trap = trap

    def disarm(self) -> None:
        """Nothing is trapped any more."""
        self._trap = None

    def close(self) -> None:
        """Cuts everything and ends."""
        self._loop.call_soon_threadsafe(self._server.close)
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, server = await asyncio.open_connection(LOOPBACK, self._target())
        except OSError:
            writer.transport.abort()
            return
        wire = Wire(writer, server)
        self._wires.add(wire)
        try:
            ways = (self._up(wire, reader), _down(wire, there))
            tasks = [asyncio.create_task(way) for way in ways]
            _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
        finally:
            self._wires.discard(wire)
            wire.client.close()
            wire.server.close()

    async def _up(self, wire: Wire, reader: asyncio.StreamReader) -> None:
        """From the client to the server."""
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if not wire.user and (found := USER.search(chunk)):
                    wire.user = found[1].decode()
                if self._springs(wire, chunk):
                    return
                wire.server.write(chunk)
                await wire.server.drain()

    def _springs(self, wire: Wire, chunk: bytes) -> bool:
        """Whether the connection ends here; the trap is used up."""
        trap = self._trap
        if trap is None or wire.user not in trap.users or not COMMIT.search(chunk):
            return False
        self._trap, trap.user = None, wire.user
        if trap.act is not None:
            trap.act(wire.user)
        trap.sprung.set()
        if trap.when == "after":
            wire.swallow = True
            return False
        wire.cut()
        return True


async def _down(wire: Wire, reader: asyncio.StreamReader) -> None:
    """From the server to the client."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            if wire.swallow:
                wire.cut()
                return
            wire.client.write(chunk)
            await wire.client.drain()
