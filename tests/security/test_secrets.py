"""Passwords and keys stand where they belong: not in a log, not in a command line, not in a file
that others may read, and not in what a process says when it cannot start."""

import asyncio
import base64
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from deploy.instance import SERVICES
from deploy.local import probes
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from tests.local_bank.processes import free_port
from tests.security.houses import House

pytestmark = pytest.mark.stack
PATIENCE_S = 60
CANARY = "canary-7f3a9b2c51"
LARGEST_BYTES = 5_000_000
NAMES = ("DATABASE_URL", "KAFKA_PASSWORD", "KEY_ENCRYPTION_KEY", "PSEUDONYM_KEY", "DEAD_LETTER_KEY")
UNQUOTED = (
    f"postgresql://u:{CANARY}#x@127.0.0.1:1/db",
    f"postgresql://u:{CANARY}/x@127.0.0.1:1/db",
    f"postgresql://u:{CANARY}?x@127.0.0.1:1/db",
    f"postgresql://u:{CANARY}",
    f"u:{CANARY}@127.0.0.1:1/db",
)


def texts(thing: Any) -> Iterator[str]:
    if isinstance(thing, dict):
        for value in thing.values():
            yield from texts(value)
    else:
        yield str(thing)


def secrets_of(stack: Stack) -> list[bytes]:
    """Every password and key of the instance, in every way it could be written."""
    found: set[bytes] = set()
    for text in texts(stack.state.secrets.model_dump()):
        found |= {text.encode(), quote(text, safe="").encode(), base64.b64encode(text.encode())}
        if text.endswith("="):
            found.add(base64.b64decode(text).hex().encode())
    assert len(found) > 30
    return sorted(found)


def holds(raw: bytes, secrets: list[bytes]) -> bool:
    return any(secret in raw for secret in secrets)


async def provoke(stack: Stack) -> None:
    """Asks every running door what makes it complain."""
    running = stack.running
    assert running is not None
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        for service in SERVICES:
            if f"{service}-api" not in running.children:
                continue
            url = stack.instance.url(f"{service}-api")
            for authorization in ("Bearer a.b.c", "Basic x", f"Bearer {CANARY}"):
                headers = {"authorization": authorization, "content-type": "application/json"}
                await client.get(f"{url}/nothing", headers=headers)
                await client.post(f"{url}/claims", content=f'["{CANARY}', headers=headers)


@pytest.mark.local
async def test_no_log_of_a_running_process_holds_a_secret(stack: Stack) -> None:
    await provoke(stack)
    await asyncio.sleep(0.5)
    secrets, logs = secrets_of(stack), sorted(stack.folder.logs.glob("*.log"))
    assert {"kafka-1", "postgres"} <= {log.stem for log in logs}
    assert [log.name for log in logs if holds(log.read_bytes(), secrets)] == []
    assert [log.name for log in logs if CANARY.encode() in log.read_bytes()] == []


@pytest.mark.local
def test_no_command_line_holds_a_secret(stack: Stack) -> None:
    running, secrets = stack.running, secrets_of(stack)
    assert running is not None
    seen = 0
    for child in running.children.values():
        if child.process is None:
            continue
        first = psutil.Process(child.process.pid)
        for process in (first, *first.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a server's own come and go
                line = b" ".join(part.encode() for part in process.cmdline())
                assert not holds(line, secrets), process.pid
                seen += 1
    assert seen > 1


@pytest.mark.local
def test_a_file_with_a_secret_is_its_owners_alone(stack: Stack) -> None:
    secrets, private = secrets_of(stack), []
    for folder, _, names in os.walk(stack.folder.path):
        for path in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError):  # what runs replaces its files
                found = path.lstat()
                if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_BYTES:
                    continue
                if holds(path.read_bytes(), secrets):
                    assert found.st_mode & 0o077 == 0, path
                    private.append(path.name)
    assert "state.json" in private


def started(arguments: list[str], *, stuck: str = "", **settings: str) -> str:
    """All that a process says until it ends by itself, is ready, or says that it is stuck."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HAMROH_")},
        **{f"HAMROH_{name}": value for name, value in settings.items()},
        "HAMROH_ENV_FILE": os.devnull,
        "HAMROH_HTTP_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return last_words(process, port, stuck)
    finally:
        process.kill()
        process.wait()


def last_words(process: subprocess.Popen[str], port: int, stuck: str) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return process.communicate(timeout=0.1)[0]
        except subprocess.TimeoutExpired as waiting:
            said = (waiting.output or b"").decode(errors="replace")
        assert time.monotonic() < deadline, said
        if (stuck and stuck in said) or is_ready(port):
            process.terminate()


def is_ready(port: int) -> bool:
    try:
        probes.answers(port)
    except (OSError, HTTPException):
        return False
    return True


@pytest.mark.slow
class TestStarting:
    @pytest.mark.parametrize("process", ["api", "worker"])
    @pytest.mark.parametrize("name", NAMES)
    def test_a_malformed_secret_is_named_and_not_shown(
        self, house: House, process: str, name: str
    ) -> None:
        good = {"DATABASE_URL": house.url(f"notifications_{process}")}
        said = started(["notifications", process], **{**good, name: f"{CANARY}://["})
        assert CANARY not in said
        if name.endswith("KEY"):
            assert name.lower() in said.lower()

    @pytest.mark.parametrize(
        "arguments", [["casework", "api"], ["casework", "worker"], ["migrate"]]
    )
    @pytest.mark.parametrize("url", UNQUOTED)
    def test_a_password_that_was_not_quoted_is_not_shown(
        self, arguments: list[str], url: str
    ) -> None:
        said = started(arguments, DATABASE_URL=url, DATABASE_ADMIN_URL=url)
        assert CANARY not in said
        assert "database_url" in said.lower()

    @pytest.mark.parametrize("process", ["api", "worker"])
    def test_a_wrong_password_is_not_shown(self, house: House, process: str) -> None:
        role = f"notifications_{process}"
        url = house.url(role)
        right = house.instance.credentials.database_roles[role]
        said = started(["notifications", process], DATABASE_URL=url.replace(right, CANARY))
        assert "InvalidPasswordError" in said
        assert CANARY not in said

    def test_migrations_and_topics_do_not_show_theirs(self, house: House) -> None:
        wrong = house.url().replace(house.instance.credentials.database_admin, CANARY)
        said = started(["migrate"], DATABASE_ADMIN_URL=wrong)
        said += started(["migrate"], DATABASE_ADMIN_URL=f"{CANARY}://[")
        said += started(
            ["topics", "apply"],
            stuck="Connection refused",
            KAFKA_ADMIN_PASSWORD=CANARY,
            KAFKA_BOOTSTRAP="127.0.0.1:1",
        )
        assert CANARY not in said
