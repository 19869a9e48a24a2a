"""Free ports on the loopback, chosen once and kept while they stay free."""

import random
import socket
from collections.abc import Iterable, Mapping

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


def choose(names: Iterable[str], kept: Mapping[str, int]) -> dict[str, int]:
    """A distinct free port for every name; those of `kept` stay when they are still free."""
    chosen: dict[str, int] = {}
    wanted = list(names)
    for name in wanted:
        if name in kept and is_free(kept[name]):
            chosen[name] = kept[name]
    taken = set(chosen.values()) | set(kept.values())
    for name in wanted:
        if name not in chosen:
            chosen[name] = _free_port(taken)
            taken.add(chosen[name])
    return chosen


def _free_port(taken: set[int]) -> int:
    for _ in range(ATTEMPTS):
        port = random.randint(LOWEST, HIGHEST)
        if port not in taken and is_free(port):
            return port
    raise LocalStackError(f"No free port between {LOWEST} and {HIGHEST} was found.")
