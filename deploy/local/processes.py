"""One child process: what it is, how it is started, known again, and ended with all it started."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil  # type: ignore[import-untyped]

from deploy.local.state import ProcessId

# The operating system's start times are exact to 10 ms; a clock that is set in between moves
# them a little. A pid does not come round again within this.
SAME_START_WITHIN_S = 2.0
POLL_S = 0.02
LOG_BYTES = 20_000_000
# Set by coverage in whatever it measures, for whatever that starts.
MEASURING = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),  # a Python that is linked to its library
    *(*MEASURING, "COVERAGE_FILE"),
)
OUR_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "NO_PROXY": "*",
    "OPENBLAS_NUM_THREADS": "1",
    # A `.env` that lies in the checkout is for other deployments.
    "HAMROH_ENV_FILE": os.devnull,
}


def _nothing() -> None:
    """The step of a process that needs none."""


def _nothing_about(_code: int) -> None:
    """The same for a step that is told an exit code."""


@dataclass(frozen=True)
class Process:
    """One row of the plan.

    `needs` names the processes that must be ready (jobs: done) before. `before` prepares the
    start; `probe` makes one round trip and raises while there is no answer; `after` runs once the
    probe succeeded, `ended` with the exit code at every end. A job has no probe: it is done when
    it exits with 0.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    group: str = "services"
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    before: Callable[[], None] = _nothing
    probe: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing
    ended: Callable[[int], None] = _nothing_about
    is_job: bool = False
    user: str | None = None
    cwd: Path | None = None
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 10.0
    ready_timeout_s: float = 60.0
    says: str = ""

    @property
    def is_python(self) -> bool:
        """Whether it is a module run as a program by our own Python."""
        return self.argv[:2] == (sys.executable, "-m")


class Child(Protocol):
    """What a keeper needs of a child, however it was started."""

    identity: ProcessId

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def wait(self) -> int:
        """Sleep until it ends; its exit code."""


class Spawned:
    """A child that was started in the ordinary way."""

    def __init__(self, started: subprocess.Popen[bytes]) -> None:
        self._started = started
        self.identity = identify(started.pid)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._started.poll()

    def wait(self) -> int:
        """Sleep until it ends; its exit code."""
        return self._started.wait()


def base_environment() -> dict[str, str]:
    """What every child inherits: enough to find programs, no proxy, no secret."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | OUR_ENVIRONMENT


def spawn(process: Process) -> Child:
    """Start it as the leader of its own session; both outputs are appended to its log."""
    account = pwd.getpwnam(process.user) if process.user else None
    with process.log.open("ab") as log:
        started = subprocess.Popen(
            process.argv,
            env=base_environment() | dict(process.env),
            cwd=process.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    return Spawned(started)


def turn_over(log: Path) -> None:
    """Start a new log when the old one has grown long; the one before it is kept."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def identify(pid: int) -> ProcessId:
    """The identity of a process that runs, or has ended and was not waited for."""
    return ProcessId(pid=pid, started_s=_started_s(psutil.Process(pid)))


def _started_s(process: psutil.Process) -> float:
    """Since the machine's start: a wall clock that is set anew makes nobody another."""
    started_s: float = process.create_time() - psutil.boot_time()
    return started_s


def is_alive(process: ProcessId | None) -> bool:
    """Whether exactly this process still runs; a later one with its pid does not count."""
    if process is None:
        return False
    try:
        found = psutil.Process(process.pid)
        started_s = _started_s(found)
        if found.status() == psutil.STATUS_ZOMBIE:
            return False
    except psutil.NoSuchProcess:
        return False
    return abs(started_s - process.started_s) < SAME_START_WITHIN_S


def end(process: ProcessId, stop_signal: int, timeout_s: float) -> None:
    """End a process and what it started: the clean signal, a bounded wait, then SIGKILL."""
    members = _group(process)
    for sent, wait_s in ((stop_signal, timeout_s), (signal.SIGKILL, 5.0)):
        living = [member for member in members if is_alive(member)]
        if not living:
            return
        if sent == signal.SIGKILL:
            for member in living:
                send(member, signal.SIGKILL)
        else:
            send(process, sent)
        wait_gone(members, wait_s)


def send(process: ProcessId, number: int) -> bool:
    """Signal exactly this process; False when it is gone."""
    if not is_alive(process):
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def wait_gone(processes: Iterable[ProcessId], timeout_s: float) -> bool:
    """Wait until none of them runs; False when the time ran out."""
    deadline = time.monotonic() + timeout_s
    waiting = list(processes)
    while waiting := [process for process in waiting if is_alive(process)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def resident_bytes(process: ProcessId) -> int:
    """Memory of a process and its descendants; what they share counts once. 0 when it is gone."""
    try:
        parent = psutil.Process(process.pid)
        return sum(_share(member) for member in [parent, *parent.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def _share(member: psutil.Process) -> int:
    try:
        memory = member.memory_full_info()
    except psutil.AccessDenied:  # another user's, seen by an ordinary one
        memory = member.memory_info()
    return int(getattr(memory, "pss", memory.rss))


def _group(process: ProcessId) -> list[ProcessId]:
    """The process and its descendants, known by their start times."""
    if not is_alive(process):
        return []
    members = [process]
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return members
    for child in children:
        try:
            members.append(identify(child.pid))
        except psutil.NoSuchProcess:
            continue
    return members
