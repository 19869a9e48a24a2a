"""One thread per child: start it when what it needs is ready, try it, wait for its end, repeat."""

import logging
import threading
import time
from collections.abc import Callable

from deploy.local.board import Board
from deploy.local.faults import LocalStackError
from deploy.local.processes import Child, Process, end, turn_over

_log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 30.0
# A child that ran this long before it ended starts its back-off afresh.
HEALTHY_AFTER_S = 30.0
PROBE_EVERY_S = 0.05
# While everything starts, a child may fall this often before the whole start is given up.
FALLS_WHILE_STARTING = 2
LAST_WORDS_CHARS = 2_000


class Keeper(threading.Thread):
    """Keeps one process running until it is told otherwise."""

    def __init__(self, process: Process, board: Board, start: Callable[[Process], Child]) -> None:
        super().__init__(name=f"keeper-{process.name}", daemon=True)
        self.process = process
        self._start_child = start
        self._board = board
        self._commands = threading.Condition()
        self._wanted = True
        self._restarting = False
        self._leaving = False
        self._falls = 0

    def run(self) -> None:
        """The life of the child, to its last end."""
        try:
            if self._board.await_finished(self.process.needs):
                self._live()
        except Exception as fault:  # noqa: BLE001 - whatever happens here ends the start, and says so
            self._board.enter(self.process.name, "failed")
            self._board.fail(self._sentence(fault))

    def _live(self) -> None:
        while not self._leaving:
            began_s = time.monotonic()
            code = self._once_or_fault()
            if self.process.is_job and code == 0:
                self._board.enter(self.process.name, "done")
                return
            if not self._wanted:
                self._await_command(None)
            elif not (self._leaving or self._restarting):
                self._fall(code, time.monotonic() - began_s)

    def _once_or_fault(self) -> int:
        """A fault while everything starts ends the start; a later one counts as a fall."""
        try:
            return self._once()
        except Exception as fault:
            if self._board.outcome == "starting":
                raise
            _log.warning("%s: %r", self.process.name, fault)
            return -1

    def _once(self) -> int:
        """From preparation to end; returns the exit code."""
        name = self.process.name
        self._board.enter(name, "starting")
        self.process.before()
        with self._commands:
            if self._leaving or not self._wanted:
                self._board.enter(name, "stopped")
                return -1
            self._restarting = False
            turn_over(self.process.log)
            child = self._start_child(self.process)
            identity = child.identity
            self._board.enter(name, "starting", identity)
        try:
            if not self.process.is_job:
                self._try(child)
            return child.wait()
        finally:
            if child.poll() is None:
                end(identity, self.process.stop_signal, self.process.stop_timeout_s)
                child.wait()
            self.process.ended(child.wait())
            self._board.enter(name, "stopped")

    def _try(self, child: Child) -> None:
        """Round trips until one succeeds, the child ends or its time is up."""
        deadline = time.monotonic() + self.process.ready_timeout_s
        while child.poll() is None:
            try:
                self.process.probe()
            except Exception as fault:  # any fault here means: not yet
                if time.monotonic() > deadline:
                    raise LocalStackError(self._unanswered(fault)) from fault
                time.sleep(PROBE_EVERY_S)
                continue
            self.process.after()
            with self._commands:
                if self._wanted and not self._restarting and not self._leaving:
                    self._board.enter(self.process.name, "ready", child.identity)
            return

    def _fall(self, code: int, lived_s: float) -> None:
        """The child ended by itself: give up while starting, otherwise wait and try again."""
        name = self.process.name
        starting = self._board.outcome == "starting"
        if lived_s > HEALTHY_AFTER_S:
            self._falls = 0
        self._falls += 1
        if self.process.is_job or (starting and self._falls > FALLS_WHILE_STARTING):
            raise LocalStackError(f"{name} ended with code {code}: {self._last_words()}")
        self._board.count_restart(name)
        self._board.enter(name, "backoff")
        self._await_command(min(FIRST_BACKOFF_S * 2 ** (self._falls - 1), LONGEST_BACKOFF_S))

    def _await_command(self, timeout_s: float | None) -> None:
        """Sleep until started again, left for good, or the time is up."""
        with self._commands:
            if timeout_s is None:
                self._commands.wait_for(lambda: self._wanted or self._leaving)
            else:
                self._commands.wait_for(lambda: self._restarting or self._leaving, timeout_s)

    def stop(self) -> None:
        """End the child and leave it ended until `start`; returns when it has ended."""
        with self._commands:
            self._wanted = False
            self._commands.notify_all()
        self._end_child()

    def start_again(self) -> None:
        """Undo `stop`."""
        with self._commands:
            self._wanted = True
            self._commands.notify_all()

    def restart(self) -> None:
        """End the child; it starts again without counting as a fall."""
        with self._commands:
            self._wanted = self._restarting = True
            self._commands.notify_all()
        self._end_child()

    def leave(self) -> None:
        """End the child for good and this thread with it."""
        with self._commands:
            self._leaving = True
            self._commands.notify_all()
        self._end_child()
        if self.is_alive():
            self.join(self.process.stop_timeout_s)

    def _end_child(self) -> None:
        """Signal the child and wait until its keeper saw it end; SIGKILL after too long."""
        identity = self._board.child(self.process.name).process
        if identity is None:
            return
        end(identity, self.process.stop_signal, self.process.stop_timeout_s)
        self._board.await_left(self.process.name, identity, self.process.stop_timeout_s)

    def _sentence(self, fault: Exception) -> str:
        if isinstance(fault, LocalStackError):
            return str(fault)
        return f"{self.process.name}: {fault!r}. Its log: {self.process.log}"

    def _unanswered(self, fault: Exception) -> str:
        within = f"{self.process.ready_timeout_s:.0f} s ({type(fault).__name__})"
        return f"{self.process.name} did not answer within {within}: {self._last_words()}"

    def _last_words(self) -> str:
        """Where the log is, and its last line."""
        text = self.process.log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS_CHARS:]
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return f"{lines[-1] if lines else 'It said nothing.'} Its log: {self.process.log}"
