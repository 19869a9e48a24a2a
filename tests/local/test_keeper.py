"""One keeper per child: order, restarts with back-off, failures that end the start, commands."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import keeper as keeping
from deploy.local import processes
from deploy.local.board import Board
from deploy.local.keeper import Keeper
from deploy.local.processes import Process
from deploy.local.state import ChildRecord, Folder, Running

SLEEP = ("sleep", "600")


class House:
    """Keepers of invented processes around one board."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.keepers: dict[str, Keeper] = {}

    def process(self, name: str, argv: tuple[str, ...] = SLEEP, **more: object) -> Process:
        return Process(name=name, argv=argv, log=self.folder.log(name), **more)  # type: ignore[arg-type]

    def start(self, *plan: Process) -> None:
        self.board = Board(self.folder, processes.identify(os.getpid()), plan)
        self.keepers = {
            process.name: Keeper(process, self.board, processes.spawn) for process in plan
        }
        for keeper in self.keepers.values():
            keeper.start()

    @property
    def running(self) -> Running:
        running = self.folder.load_running()
        assert running is not None
        return running

    def child(self, name: str) -> ChildRecord:
        return self.running.children[name]

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, self.running
            time.sleep(0.01)

    def ready(self, name: str) -> ChildRecord:
        self.until(lambda: self.child(name).phase == "ready")
        return self.child(name)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty house; whoever lives in it at the end is ended."""
    house = House(Folder(tmp_path).make())
    yield house
    house.board.stop()
    for keeper in house.keepers.values():
        keeper.leave()
    assert not any(processes.is_alive(child.process) for child in house.running.children.values())


def test_a_process_starts_when_what_it_needs_is_ready_and_not_before(
    house: House, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    def opened() -> None:
        gate.stat()

    house.start(
        house.process("first", probe=opened),
        house.process("job", ("true",), is_job=True, needs=("first",)),
        house.process("second", needs=("job",)),
    )
    house.until(lambda: house.child("first").process is not None)
    assert house.child("job").phase == house.child("second").phase == "waiting"

    gate.touch()

    house.ready("second")
    assert house.child("job").phase == "done"
    assert house.running.outcome == "ready"


def test_a_process_that_falls_is_started_again_and_the_fall_is_counted(house: House) -> None:
    house.start(house.process("worker"))
    first = house.ready("worker").process
    assert first is not None

    processes.send(first, signal.SIGKILL)

    house.until(lambda: house.child("worker").restarts == 1)
    second = house.ready("worker").process
    assert second != first
    assert house.running.outcome == "ready"


def test_waits_grow_from_fall_to_fall(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(
        Keeper, "_await_command", lambda _self, timeout_s: waits.append(timeout_s or 0.0)
    )
    monkeypatch.setattr(keeping, "LONGEST_BACKOFF_S", 1.0)
    house.start(house.process("worker"))
    for fall in range(1, 6):
        child = house.ready("worker").process
        assert child is not None
        processes.send(child, signal.SIGKILL)
        house.until(lambda fall=fall: house.child("worker").restarts == fall)  # type: ignore[misc]

    house.until(lambda: len(waits) == 5)
    assert waits == [0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_job_that_fails_ends_the_start_with_its_last_words(house: House) -> None:
    house.start(
        house.process("job", ("sh", "-c", "echo relation is missing; exit 3"), is_job=True),
        house.process("service", needs=("job",)),
    )

    house.until(lambda: house.running.outcome == "failed")

    assert house.running.reason.startswith("job ended with code 3: relation is missing Its log: ")
    assert house.child("service").process is None


def test_a_process_that_never_stays_up_ends_the_start(house: House) -> None:
    house.start(house.process("service", ("false",), probe=lambda: 1 / 0))

    house.until(lambda: house.running.outcome == "failed")

    assert "service ended with code 1" in house.running.reason
    assert house.child("service").restarts == keeping.FALLS_WHILE_STARTING


def test_a_process_that_never_answers_ends_the_start_and_is_ended(house: House) -> None:
    house.start(house.process("service", probe=lambda: 1 / 0, ready_timeout_s=0.2))

    house.until(lambda: house.running.outcome == "failed")

    assert "did not answer within 0 s (ZeroDivisionError)" in house.running.reason


def test_stopped_stays_stopped_until_it_is_started(house: House) -> None:
    house.start(house.process("worker"))
    first = house.ready("worker").process

    house.keepers["worker"].stop()
    assert house.child("worker").phase == "stopped"
    assert not processes.is_alive(first)

    house.keepers["worker"].start_again()
    assert house.ready("worker").process != first
    assert house.child("worker").restarts == 0


def test_a_restart_is_no_fall(house: House) -> None:
    house.start(house.process("worker"))
    first = house.ready("worker").process

    house.keepers["worker"].restart()

    house.until(lambda: house.child("worker").process not in {None, first})
    house.ready("worker")
    assert house.child("worker").restarts == 0


def test_one_that_ignores_the_clean_signal_is_killed_when_its_time_is_up(house: House) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(600)"
    log = house.folder.log("deaf")
    house.start(
        house.process(
            "deaf",
            (sys.executable, "-uc", deaf),
            stop_timeout_s=0.2,
            probe=lambda: 1 / len(log.read_text()),
        )
    )
    process = house.ready("deaf").process

    house.keepers["deaf"].leave()

    assert not processes.is_alive(process)
