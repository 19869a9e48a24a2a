"""Forked processes: as good as started ones, and none survives its launcher."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import forks as forking
from deploy.local import processes
from deploy.local.forks import Forks
from deploy.local.processes import Process

PROGRAM = """
import os, sys, time
if __name__ == "__main__":
    print(sys.argv[1:], os.environ.get("HAMROH_X"), os.getcwd(), "fastapi" in sys.modules)
    print(os.getsid(0) == os.getpid(), file=sys.stderr)
    if "stay" in sys.argv:
        time.sleep(600)
    raise SystemExit(7)
"""


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A launcher with everything imported."""
    forks = Forks(tmp_path_factory.mktemp("forks") / "launcher.log")
    yield forks
    forks.close()


@pytest.fixture
def program(tmp_path: Path) -> Process:
    """A module that says who it is and ends with 7, or stays."""
    (tmp_path / "told.py").write_text(PROGRAM)
    return Process(
        name="told",
        argv=(sys.executable, "-m", "told", "one"),
        env={"HAMROH_X": "its own"},
        log=tmp_path / "told.log",
        cwd=tmp_path,
    )


def staying(program: Process) -> Process:
    return Process(**{**vars(program), "argv": (*program.argv, "stay")})


def test_a_module_runs_with_its_arguments_environment_folder_and_log(
    tmp_path: Path, program: Process
) -> None:
    forks = Forks(tmp_path / "launcher.log")
    child = forks.fork(program)
    assert child is not None

    assert child.wait() == 7
    lines = program.log.read_text().splitlines()
    assert lines == [f"['one'] its own {tmp_path} True", "True"]
    forks.close()


def test_a_module_that_is_missing_ends_with_an_error_in_its_log(
    forks: Forks, tmp_path: Path
) -> None:
    log = tmp_path / "missing.log"

    child = forks.fork(
        Process(name="missing", argv=(sys.executable, "-m", "no.such.module"), log=log)
    )

    assert child is not None
    assert child.wait() == 1
    assert "No module named 'no'" in log.read_text()


def test_many_are_started_and_each_end_is_told(forks: Forks, tmp_path: Path) -> None:
    children = [
        forks.fork(
            Process(
                name=f"child-{number}",
                argv=(sys.executable, "-m", "timeit", "-n1", "-r1"),
                log=tmp_path / f"{number}.log",
            )
        )
        for number in range(10)
    ]

    assert [child.wait() for child in children if child] == [0] * 10


def test_no_child_survives_its_launcher(tmp_path: Path, program: Process) -> None:
    forks = Forks(tmp_path / "launcher.log")
    child = forks.fork(staying(program))
    assert child is not None

    os.kill(forks._launcher.pid, signal.SIGKILL)

    assert child.wait() == forking.LOST
    assert not processes.is_alive(child.identity)
    assert forks.fork(program) is None
    forks.close()
