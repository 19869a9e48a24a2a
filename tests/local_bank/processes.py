"""Starts the outside parties as the processes they are, on free ports of this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.local import ports

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
ANSWER_TIMEOUT_S = 60


def free_port() -> int:
    """A port at which nobody listens, outside the range of outgoing connections."""
    with closing(ports.choose(("free",), {})) as chosen:
        return chosen.ports["free"]


@dataclass(slots=True)
class Party:
    """One outside party: its command, its port, its process."""

    arguments: tuple[str, ...]
    port: int
    http_port: int
    """Where it answers HTTP: its port, or for mail the one its box is read at."""
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def get(self, path: str, **given: Any) -> httpx.Response:
        """What it answers."""
        return httpx.get(f"{self.url}{path}", timeout=ANSWER_TIMEOUT_S, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        """What it answers to what it is told."""
        return httpx.post(f"{self.url}{path}", timeout=ANSWER_TIMEOUT_S, **given)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_TIMEOUT_S)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def start_again(self) -> None:
        self.process = _launch(self.arguments, self.log)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"it ended: {self.log.read_text()}")
            if self._answers():
                return
            time.sleep(0.05)
        raise AssertionError(f"not ready in time: {self.log.read_text()}")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def _launch(arguments: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


@contextmanager
def running(module: str, directory: Path, *options: str) -> Iterator[Party]:
    """The party `python -m <module> <options>`, ready, with its state in `directory`."""
    names = ("port", "http_port") if module.endswith(" smtp") else ("port",)
    # Spoken for until the end: between a kill and the next start nobody else chooses them.
    with closing(ports.choose(names, {})) as chosen:
        port = chosen.ports["port"]
        http_port = chosen.ports.get("http_port", port)
        if http_port != port:
            options = (*options, "--http-port", str(http_port))
        words = (*module.split(), "--port", str(port), "--directory", str(directory), *options)
        directory.mkdir(parents=True, exist_ok=True)
        log = directory.parent / f"{directory.name}.log"
        party = Party(words, port, http_port, log, _launch(words, log))
        try:
            party.wait_until_ready()
            yield party
        finally:
            if party.process.poll() is None:
                party.stop()
