"""Free ports on the loopback, chosen once and kept while they stay free.

Between the choice and the moment when somebody listens, another instance could choose the same. So
each chosen TCP port is spoken for by its UDP neighbour of the same number: the kernel lets one
process bind it, and lets go of it when that process ends, however it ends.
"""

import random
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deploy.local.faults import LocalStackError

LOOPBACK = "127.0.0.1"
# Below the ranges from which Linux (32768) and macOS (49152) take the ports of outgoing
# connections: a port that is free at `down` is then still free at the next `up`.
LOWEST = 20_000
HIGHEST = 32_700
ATTEMPTS = 2_000


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now. Connections that linger do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@dataclass
class Choice:
    """Ports by name, and the sockets that speak for them: theirs until `close`."""

    ports: dict[str, int] = field(default_factory=dict)
    _held: list[socket.socket] = field(default_factory=list)

    def take(self, name: str, port: int) -> bool:
        """Speak for a port; False when it is used, or another instance speaks for it."""
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind((LOOPBACK, port))
        except OSError:
            held.close()
            return False
        if not is_free(port):
            held.close()
            return False
        self.ports[name] = port
        self._held.append(held)
        return True

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a child process inherits to go on speaking for the ports."""
        return tuple(held.fileno() for held in self._held)

    def close(self) -> None:
        """Let go here; who inherited the descriptors still holds the ports."""
        for held in self._held:
            held.close()


def choose(names: Iterable[str], kept: Mapping[str, int]) -> Choice:
    """A distinct free port for every name; those of `kept` stay when they are still free."""
    choice, wanted = Choice(), list(names)
    for name in wanted:
        if name in kept:
            choice.take(name, kept[name])
    for name in wanted:
        if name not in choice.ports:
            _choose_one(choice, name, set(kept.values()))
    return choice


def _choose_one(choice: Choice, name: str, avoided: set[int]) -> None:
    for _ in range(ATTEMPTS):
        port = random.randint(LOWEST, HIGHEST)
        if port not in avoided and choice.take(name, port):
            return
    raise LocalStackError(f"No free port between {LOWEST} and {HIGHEST} was found.")
