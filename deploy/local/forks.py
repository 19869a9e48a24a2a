"""The supervisor's side of `launcher`: a child that was forked, and how to ask for one."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from deploy.local.processes import Process, base_environment, end
from deploy.local.state import ProcessId

ANSWER_TIMEOUT_S: Final = 30.0
ORPHAN_TIMEOUT_S: Final = 10.0
LOST: Final = -9


class Forked:
    """A child of the launcher; the launcher tells how it ended."""

    def __init__(self, identity: ProcessId) -> None:
        self.identity = identity
        self._ended = threading.Event()
        self._code = LOST

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._code if self._ended.is_set() else None

    def wait(self) -> int:
        """Sleep until it ends; its exit code."""
        self._ended.wait()
        return self._code

    def set_ended(self, code: int) -> None:
        """The launcher told of its end."""
        self._code = code
        self._ended.set()


class Forks:
    """One launcher and its children. Safe to use from several threads."""

    def __init__(self, log: Path) -> None:
        self._line, far_end = socket.socketpair()
        self._changed = threading.Condition()
        self._asking = threading.Lock()
        self._children: dict[int, Forked] = {}
        self._started: dict[str, Forked] = {}
        self._gone = False
        with log.open("ab") as output, far_end:
            self._launcher = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.launcher", str(far_end.fileno())],
                env=base_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(far_end.fileno(),),
            )
        threading.Thread(target=self._listen, name="forks", daemon=True).start()

    def fork(self, process: Process) -> Forked | None:
        """Start a Python process, or None when the launcher is gone or does not answer."""
        module, *arguments = process.argv[2:]
        order = {
            "name": process.name,
            "module": module,
            "arguments": arguments,
            "env": base_environment() | dict(process.env),
            "cwd": str(process.cwd or Path.cwd()),
            "log": str(process.log),
        }
        with self._asking:
            try:
                self._line.sendall(json.dumps(order).encode() + b"\n")
            except OSError:
                return None
        with self._changed:
            self._changed.wait_for(
                lambda: self._gone or process.name in self._started, ANSWER_TIMEOUT_S
            )
            child = self._started.pop(process.name, None)
        if child is None:
            # It must not fork later what is now started in the ordinary way.
            self._launcher.kill()
        return child

    def close(self) -> None:
        """End the launcher; its children must have ended before."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        try:
            self._launcher.wait(ANSWER_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._launcher.kill()
            self._launcher.wait()

    def _listen(self) -> None:
        for message in self._messages():
            with self._changed:
                if "code" in message:
                    child = self._children.pop(message["pid"], None)
                    if child is not None:
                        child.set_ended(message["code"])
                else:
                    identity = ProcessId(pid=message["pid"], started_s=message["started_s"])
                    child = Forked(identity)
                    self._children[identity.pid] = self._started[message["name"]] = child
                self._changed.notify_all()
        with self._changed:
            self._gone = True
            left, self._children = dict(self._children), {}
            self._changed.notify_all()
        for child in left.values():
            # The kernel told them to stop when the launcher went.
            end(child.identity, signal.SIGTERM, ORPHAN_TIMEOUT_S)
            child.set_ended(LOST)

    def _messages(self) -> Iterator[dict[str, Any]]:
        buffer = b""
        while True:
            try:
                received = self._line.recv(65_536)
            except OSError:
                return
            if not received:
                return
            *lines, buffer = (buffer + received).split(b"\n")
            yield from map(json.loads, lines)
