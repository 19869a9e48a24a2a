"""What the supervisor knows about its children, shared by its threads and mirrored to disk."""

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from deploy.local.processes import Process
from deploy.local.state import ChildRecord, Folder, Outcome, Phase, ProcessId, Running

_log = logging.getLogger(__name__)
_FINISHED: tuple[Phase, ...] = ("ready", "done")


class Board:
    """The children's phases. Every change is written to `running.json` before it returns."""

    def __init__(self, folder: Folder, supervisor: ProcessId, plan: Iterable[Process]) -> None:
        self._folder = folder
        self._changed = threading.Condition()
        self._begun_s = time.monotonic()
        self._stopping = False
        now = datetime.now(UTC)
        self._running = Running(
            supervisor=supervisor,
            children={
                process.name: ChildRecord(stop_signal=process.stop_signal, since=now)
                for process in plan
            },
        )
        self._folder.save_running(self._running)

    def child(self, name: str) -> ChildRecord:
        """The row of one child as it is now."""
        with self._changed:
            return self._running.children[name]

    def enter(self, name: str, phase: Phase, process: ProcessId | None = None) -> None:
        """A child enters a phase. The first `ready` or `done` keeps its time since `up`."""
        with self._changed:
            old = self._running.children[name]
            ready_after_s = old.ready_after_s
            if ready_after_s is None and phase in _FINISHED:
                ready_after_s = round(time.monotonic() - self._begun_s, 2)
            self._replace(
                name,
                old.model_copy(
                    update={
                        "phase": phase,
                        "process": process,
                        "since": datetime.now(UTC),
                        "ready_after_s": ready_after_s,
                    }
                ),
            )

    def count_restart(self, name: str) -> None:
        """A child ended by itself and will be started again."""
        with self._changed:
            old = self._running.children[name]
            self._replace(name, old.model_copy(update={"restarts": old.restarts + 1}))

    def _replace(self, name: str, record: ChildRecord) -> None:
        children = {**self._running.children, name: record}
        update: dict[str, object] = {"children": children}
        if self._running.outcome == "starting" and all(
            child.phase in _FINISHED for child in children.values()
        ):
            update["outcome"] = "ready"
        self._write(update)

    def fail(self, reason: str) -> None:
        """The start failed; the first reason stays. Once everything was ready nothing fails it."""
        with self._changed:
            if self._running.outcome == "starting":
                self._write({"outcome": "failed", "reason": reason})
            self._stopping = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Everything is to stop."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    @property
    def outcome(self) -> Outcome:
        """How the start went so far."""
        with self._changed:
            return self._running.outcome

    def await_stop(self, timeout_s: float | None = None) -> bool:
        """Sleep until everything is to stop; False when the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, timeout_s)

    def await_finished(self, names: Iterable[str]) -> bool:
        """Sleep until all of these are ready or done; False when everything is to stop instead."""
        wanted = tuple(names)
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stopping
                    or all(self._running.children[name].phase in _FINISHED for name in wanted)
                )
            )
            return not self._stopping

    def await_left(self, name: str, process: ProcessId, timeout_s: float) -> bool:
        """Sleep until a child's keeper has seen this process end; False when time ran out."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._running.children[name].process != process, timeout_s
            )

    def _write(self, update: dict[str, object]) -> None:
        self._running = self._running.model_copy(update=update)
        try:
            self._folder.save_running(self._running)
        except OSError as fault:  # a full disk must not cost the children their keepers
            _log.warning("running.json cannot be written: %s", fault)
        self._changed.notify_all()
