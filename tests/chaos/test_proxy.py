"""A wire that passes everything on until it is told to fail."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from deploy.local.ports import LOOPBACK
from tests.chaos.proxy import Proxy, Trap

STARTUP = b"\x00\x00\x00\x1f\x00\x03\x00\x00user\x00benefits_worker\x00\x00"
COMMIT = b"Q\x00\x00\x00\x0cCOMMIT;\x00"
QUERY = b"Q\x00\x00\x00\x0dselect 1\x00"


class Echo:
    """A server that says back what it hears, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                self._answer(peer)

    def _answer(self, peer: socket.socket) -> None:
        try:
            while said := peer.recv(1024):
                self.heard += said
                peer.sendall(said)
        except OSError:
            return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def proxy(server: Echo) -> Iterator[Proxy]:
    with closing(Proxy(lambda: server.port)) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    """A client of the database that has said who it is."""
    with socket.create_connection((LOOPBACK, proxy.port), timeout=60) as client:
        assert asked(client, STARTUP) == STARTUP
        yield client


def asked(client: socket.socket, said: bytes) -> bytes:
    """What comes back, or nothing if the connection is cut."""
    try:
        client.sendall(said)
        return client.recv(1024)
    except ConnectionError:
        return b""


def test_everything_is_passed_on(client: socket.socket) -> None:
    assert asked(client, COMMIT) == COMMIT


def test_a_cut_hits_the_chosen_alone(proxy: Proxy, client: socket.socket) -> None:
    assert proxy.cut(lambda user: user == "insights_worker") == 0
    assert asked(client, QUERY) == QUERY
    assert proxy.cut(lambda user: user == "benefits_worker") == 1
    assert asked(client, QUERY) == b""


def test_a_commit_takes_effect_and_its_answer_is_lost(
    proxy: Proxy, server: Echo, client: socket.socket
) -> None:
    trap = Trap(("benefits_worker",), "after")
    proxy.set_trap(trap)

    assert asked(client, QUERY) == QUERY
    assert not trap.sprung.is_set()
    assert asked(client, COMMIT) == b""

    assert trap.sprung.is_set()
    assert server.heard.endswith(COMMIT)


def test_a_commit_is_lost_and_something_happens_at_that_moment(
    proxy: Proxy, server: Echo, client: socket.socket
) -> None:
    hit: list[str] = []
    proxy.set_trap(Trap(("benefits_worker", "casework_worker"), "before", hit.append))

    assert asked(client, COMMIT) == b""

    assert hit == ["benefits_worker"]
    assert not server.heard.endswith(COMMIT)


def test_a_trap_waits_for_its_user_and_can_be_taken_back(
    proxy: Proxy, client: socket.socket
) -> None:
    trap = Trap(("insights_worker",), "before")
    proxy.set_trap(trap)
    assert asked(client, COMMIT) == COMMIT

    proxy.set_trap(Trap(("benefits_worker",), "before"))
    proxy.disarm()

    assert asked(client, COMMIT) == COMMIT
    assert not trap.sprung.is_set()


def test_nobody_behind_the_wire_is_a_closed_connection() -> None:
    with (
        closing(Proxy(lambda: 1)) as proxy,
        socket.create_connection((LOOPBACK, proxy.port), timeout=60) as client,
    ):
        assert asked(client, QUERY) == b""
