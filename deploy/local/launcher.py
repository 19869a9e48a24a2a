"""Starts Python processes by forking from one that has imported the libraries already.

Importing FastAPI, FastStream and the rest costs a process 1.6 s of CPU; a dozen of them keep two
cores busy for ten seconds. This process imports third-party libraries once and forks. Our own
modules are left out, so that a restarted process always runs the code as it is now.

It is single-threaded, started by the supervisor with one end of a socket pair, and takes requests
from it: one JSON document a line. It answers each with the pid, and tells of every end. When the
supervisor's end closes it exits, and its children are told to stop. Linux only; elsewhere, and
when this process is gone, the supervisor starts programs in the ordinary way.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, Final

from deploy.local.processes import identify

LIBRARIES: Final = (
    "aiokafka", "aiosmtplib", "asyncpg", "babel", "confluent_kafka.admin", "cryptography",
    "fastapi", "faststream.kafka", "httpx", "icu4py", "jinja2", "joserfc.jwt", "limits",
    "lxml.etree", "numpy", "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk.trace", "phonenumbers", "pydantic", "pydantic_settings", "rapidfuzz",
    "structlog", "typer", "uvicorn", "uvloop",
)  # fmt: skip
PR_SET_PDEATHSIG: Final = 1
PR_SET_NAME: Final = 15
CHUNK_BYTES: Final = 65_536


@dataclass(frozen=True)
class Order:
    """What to run: a module as a program, in the given environment and folder, with its log."""

    name: str
    module: str
    arguments: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    log: str


class Launcher:
    """The loop between the supervisor's requests and the children's ends."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._buffer = b""
        self._wakeup, wakeup_end = os.pipe()
        os.set_blocking(wakeup_end, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wakeup_end)
        self._libc = ctypes.CDLL(None)

    def serve(self) -> Order | None:
        """Fork until the supervisor is gone (None); in a child, return what it is to run."""
        while True:
            watched: list[socket.socket | int] = [self._line, self._wakeup]
            ready, _, _ = select.select(watched, [], [])
            if self._wakeup in ready:
                os.read(self._wakeup, CHUNK_BYTES)
                self._reap()
            if self._line in ready:
                received = self._line.recv(CHUNK_BYTES)
                if not received:
                    return None
                *requests, self._buffer = (self._buffer + received).split(b"\n")
                for request in requests:
                    order = self._fork(json.loads(request))
                    if order is not None:
                        return order

    def _fork(self, request: dict[str, Any]) -> Order | None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            # Told from here, where the child cannot have been reaped yet.
            started_s = identify(pid).started_s
            self._tell({"name": request["name"], "pid": pid, "started_s": started_s})
            return None
        order = Order(**{**request, "arguments": tuple(request["arguments"])})
        self._become(order, parent)
        return order

    def _become(self, order: Order, parent: int) -> None:
        """Let go of everything that is the launcher's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        self._libc.prctl(PR_SET_NAME, order.name.encode()[:15])
        if os.getppid() != parent:  # it died before the line above took effect
            os._exit(1)
        os.setsid()
        self._line.close()
        log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.clear()
        os.environ.update(order.env)
        os.chdir(order.cwd)
        sys.path[0] = order.cwd  # as `python -m` has it

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: dict[str, object]) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._line.sendall(json.dumps(message).encode() + b"\n")


def main() -> None:
    """Import, then fork on demand; in a child, run the module that was asked for."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    # What is frozen is never touched by the collector, so the children share its pages.
    gc.freeze()
    order = Launcher(socket.socket(fileno=int(sys.argv[1]))).serve()
    if order is not None:
        sys.argv = [order.module, *order.arguments]
        runpy.run_module(order.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
