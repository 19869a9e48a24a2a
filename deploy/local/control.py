"""How `Stack` speaks with a running supervisor: small JSON messages on an authenticated port."""

import json
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Listener
from typing import Literal

from deploy.local.faults import LocalStackError
from deploy.local.ports import LOOPBACK

NAME = "control"
Verb = Literal["stop", "start", "restart"]
MOST_BYTES = 10_000


def serve(port: int, secret: str, handle: Callable[[str, str], None]) -> None:
    """Answer requests in a background thread; each says `verb` and the process `name`."""
    listener = Listener((LOOPBACK, port), authkey=secret.encode())
    threading.Thread(target=_serve, args=(listener, handle), name="control", daemon=True).start()


def ask(port: int, secret: str, verb: Verb, name: str) -> None:
    """Have the supervisor do something; returns when it is done."""
    try:
        with Client((LOOPBACK, port), authkey=secret.encode()) as connection:
            connection.send_bytes(json.dumps({"verb": verb, "name": name}).encode())
            answer: Mapping[str, str] = json.loads(connection.recv_bytes(MOST_BYTES))
    except (OSError, EOFError) as fault:
        raise LocalStackError("The local stack does not run here; `up` starts it.") from fault
    if answer["fault"]:
        raise LocalStackError(answer["fault"])


def _serve(listener: Listener, handle: Callable[[str, str], None]) -> None:
    while True:
        try:
            with listener.accept() as connection:
                request = json.loads(connection.recv_bytes(MOST_BYTES))
                fault = ""
                try:
                    handle(request["verb"], request["name"])
                except LocalStackError as refusal:
                    fault = str(refusal)
                connection.send_bytes(json.dumps({"fault": fault}).encode())
        except Exception:  # noqa: BLE001, S112 - a stranger's connection must not end the control port
            continue
