"""The detached process that owns all others: `python -m deploy.local.supervisor DIRECTORY`."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from deploy.local import control
from deploy.local.board import Board
from deploy.local.faults import LocalStackError
from deploy.local.forks import Forks
from deploy.local.keeper import Keeper
from deploy.local.plan import Plan
from deploy.local.processes import MEASURING, Child, Process, identify, spawn
from deploy.local.state import Folder

LOOK_EVERY_S = 0.1


class Supervisor:
    """Starts the plan, keeps it running, and stops it in reverse order."""

    def __init__(self, folder: Folder, plan: Plan, pid: int) -> None:
        self._plan = plan
        self._told_to_stop = False
        self._forks = Forks(folder.log("launcher")) if _forks_pay(plan) else None
        self._board = Board(folder, identify(pid), plan.processes)
        self._keepers = {
            process.name: Keeper(process, self._board, self._start) for process in plan.processes
        }

    def run(self) -> bool:
        """Work until told to stop, then stop everything; False when the start failed."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        state = self._plan.state
        control.serve(state.ports[control.NAME], state.secrets.control, self._handle)
        try:
            for keeper in self._keepers.values():
                keeper.start()
            while not (self._told_to_stop or self._board.await_stop(LOOK_EVERY_S)):
                continue
        finally:
            self._board.stop()
            self._leave_all()
        return self._board.outcome != "failed"

    def _start(self, process: Process) -> Child:
        """Fork it from the launcher where that is possible, otherwise start it as usual."""
        forked = self._forks.fork(process) if self._forks and process.is_python else None
        return forked or spawn(process)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # The interrupted frame may hold the board's lock: here only a flag may be set.
        self._told_to_stop = True

    def _leave_all(self) -> None:
        for level in reversed(self._plan.levels()):
            with ThreadPoolExecutor(len(level)) as pool:
                list(pool.map(lambda name: self._keepers[name].leave(), level))
        if self._forks:
            self._forks.close()

    def _handle(self, verb: str, name: str) -> None:
        keeper = self._keepers.get(name)
        if keeper is None:
            raise LocalStackError(f"There is no process {name!r}.")
        if not keeper.is_alive():
            raise LocalStackError(f"{name} has done its work and cannot be commanded any more.")
        {"stop": keeper.stop, "start": keeper.start_again, "restart": keeper.restart}[verb]()


def _forks_pay(plan: Plan) -> bool:
    """Whether to fork Python processes; coverage measures only those started as usual."""
    measured = any(name in os.environ for name in MEASURING)
    has_python = any(process.is_python for process in plan.processes)
    return sys.platform == "linux" and has_python and not measured


def main() -> None:
    """Run the supervisor of the instance in the folder that the command line names."""
    folder = Folder(Path(sys.argv[1]))
    state = folder.load_state()
    if state is None:
        raise SystemExit(f"{folder.path} holds no state.")
    succeeded = Supervisor(folder, Plan(folder, state), os.getpid()).run()
    if succeeded:
        folder.forget_running()
    raise SystemExit(0 if succeeded else 1)


if __name__ == "__main__":
    main()
