"""Processes are known by pid and start; ending one ends what it started, and never a stranger."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from deploy.local import processes
from deploy.local.processes import Process
from deploy.local.state import ProcessId

PATIENCE_S = 60
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody's."""
    child = subprocess.Popen(["sleep", "600"])
    yield child
    child.kill()
    child.wait()


def test_a_process_with_a_reused_pid_is_a_stranger_and_is_left_alone(
    sleeper: subprocess.Popen[bytes],
) -> None:
    started_s = processes.identify(sleeper.pid).started_s
    recorded = ProcessId(pid=sleeper.pid, started_s=started_s - 3600)

    processes.end(recorded, signal.SIGTERM, timeout_s=1)

    assert not processes.is_alive(recorded)
    assert not processes.send(recorded, signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_clock_that_is_set_anew_makes_no_process_a_stranger(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a process that was recorded, and a wall clock that then jumps by a minute
    identity = processes.identify(sleeper.pid)
    started_at = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: started_at + 60)
    # then it is still known, and can be ended
    assert processes.is_alive(identity)
    assert processes.send(identity, signal.SIGKILL)
    assert processes.wait_gone([identity], PATIENCE_S)


def test_a_process_that_ended_but_was_not_waited_for_is_not_alive(
    sleeper: subprocess.Popen[bytes],
) -> None:
    identity = processes.identify(sleeper.pid)
    assert processes.is_alive(identity)

    os.kill(sleeper.pid, signal.SIGKILL)

    assert processes.wait_gone([identity], PATIENCE_S)
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE


def test_one_that_ignores_the_clean_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    log = tmp_path / "stubborn.log"
    child = processes.spawn(
        Process(name="stubborn", argv=(sys.executable, "-c", STUBBORN), log=log)
    )
    deadline = time.monotonic() + PATIENCE_S
    while not log.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    grandchild = processes.identify(int(log.read_text()))

    processes.end(child.identity, signal.SIGTERM, timeout_s=0.3)

    assert child.wait() == -signal.SIGKILL
    assert processes.wait_gone([child.identity, grandchild], PATIENCE_S)


def test_a_child_inherits_no_proxy_and_no_secret_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    monkeypatch.setenv("HAMROH_DEAD_LETTER_KEY", "not yours")
    log = tmp_path / "env.log"

    child = processes.spawn(Process(name="env", argv=("env",), log=log, env={"HAMROH_X": "1"}))

    assert child.wait() == 0
    told = log.read_text()
    assert "HAMROH_X=1" in told
    assert "proxy.invalid" not in told
    assert "not yours" not in told


def test_a_log_that_has_grown_long_is_turned_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "worker.log"
    log.write_text("long\n" * 10)

    processes.turn_over(log)
    assert log.exists()

    monkeypatch.setattr(processes, "LOG_BYTES", 20)
    processes.turn_over(log)
    assert not log.exists()
    assert (tmp_path / "worker.log.1").read_text().startswith("long")
