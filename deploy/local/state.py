"""What one instance of the stack has chosen (`state.json`) and what runs (`running.json`).

`state.json` is written once by `up` and holds ports and credentials: mode 0600. `running.json` is
written by the supervisor alone, at every change. Both are replaced whole, never edited in place,
so a reader sees the old document or the new one.
"""

import base64
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from deploy.instance import Credentials
from deploy.local.faults import LocalStackError

STATE_FILE = "state.json"
RUNNING_FILE = "running.json"
OWNER_ONLY = 0o600

Phase = Literal["waiting", "starting", "ready", "done", "backoff", "stopped", "failed"]
Outcome = Literal["starting", "ready", "failed", "stopped"]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_D = TypeVar("_D", bound=_Document)


class Options(_Document):
    """What `up` was asked for.

    `only` empty means everything, `bank` is more of its options, `cache` is where jars are kept,
    `packs` is a ministry's folder of rule packs, `otlp_endpoint` is a collector that every service
    tells everything.
    `fronts` are ports at which somebody else stands before a server, by the server's own name
    (`postgres`, `kafka-1.client`): clients are sent there, as through a network that fails.
    """

    regions: tuple[str, ...] = ("vn-07",)
    business_time: AwareDatetime | None = None
    only: tuple[str, ...] = ()
    nodes: Literal[1, 3] = 1
    rehearsal: bool = True
    seed: int = 7
    bank: tuple[str, ...] = ()
    cache: Path | None = None
    packs: Path | None = None
    otlp_endpoint: str | None = None
    fronts: dict[str, int] = {}


class Secrets(Credentials):
    """Those of the platform, and the password of the supervisor."""

    control: str = Field(repr=False)


class State(_Document):
    """What one instance chose: kept between `down` and `up`, forgotten by `reset`.

    `cluster_id` is Kafka's, 16 bytes in URL-safe base64. `ports` maps a process (or listener) to
    its port on 127.0.0.1.
    """

    version: Literal[1] = 1
    cluster_id: str
    options: Options
    ports: dict[str, int]
    secrets: Secrets = Field(repr=False)


class ProcessId(_Document):
    """A process that cannot be mistaken for a later one with the same pid.

    `started_s` is its start in seconds since the machine's, as the operating system tells it.
    """

    pid: int
    started_s: float


class ChildRecord(_Document):
    """One row of `status`. `stop_signal` ends it cleanly; `ready_after_s` counts from `up`."""

    phase: Phase = "waiting"
    process: ProcessId | None = None
    stop_signal: int
    restarts: int = 0
    since: AwareDatetime
    ready_after_s: float | None = None


class Running(_Document):
    """The supervisor and its children. `reason` says why `outcome` is `failed`."""

    supervisor: ProcessId
    outcome: Outcome = "starting"
    reason: str = ""
    children: dict[str, ChildRecord] = {}


def new_password() -> str:
    """32 random bytes in URL-safe text: nothing that JAAS, SQL or a URL would have to quote."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """32 random bytes in standard base64, the form of every HAMROH_…_KEY."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def new_cluster_id() -> str:
    """A Kafka cluster id: 16 bytes in URL-safe base64; Kafka refuses a leading dash."""
    while True:
        cluster_id = secrets.token_urlsafe(16)
        if not cluster_id.startswith("-"):
            return cluster_id


class Folder:
    """The data folder of one instance, and everything it may contain."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.path / "logs"

    def log(self, name: str) -> Path:
        """The log file of one process."""
        return self.logs / f"{name}.log"

    def make(self) -> Self:
        """Create the folder and its logs; neither is readable by other users."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as fault:
            raise LocalStackError(f"The folder {self.path} cannot be written: {fault}.") from fault
        return self

    def load_state(self) -> State | None:
        """What this instance chose, or None when it never started."""
        return _load(self.path / STATE_FILE, State)

    def save_state(self, state: State) -> None:
        """Replace `state.json`; durable before this returns, for losing it loses the passwords."""
        write_private(self.path / STATE_FILE, state.model_dump_json(indent=1), durable=True)

    def load_running(self) -> Running | None:
        """What the supervisor last wrote, or None. It may be stale: ask `processes.is_alive`."""
        return _load(self.path / RUNNING_FILE, Running)

    def save_running(self, running: Running) -> None:
        """Replace `running.json`."""
        write_private(self.path / RUNNING_FILE, running.model_dump_json(indent=1))

    def forget_running(self) -> None:
        """Remove `running.json`: nothing runs."""
        (self.path / RUNNING_FILE).unlink(missing_ok=True)


def write_private(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace `path` by `text`, mode 0600 from the first byte on."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), OWNER_ONLY)
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_private_json(path: Path, document: object) -> None:
    """Replace `path` by a JSON document, mode 0600."""
    write_private(path, json.dumps(document, indent=1))


def _load(path: Path, model: type[_D]) -> _D | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise LocalStackError(f"{path} cannot be read: {fault.strerror}.") from fault
    try:
        return model.model_validate_json(text)
    except ValidationError as fault:
        raise LocalStackError(
            f"{path} is not a state of this version; `reset` removes it together with its data."
        ) from fault
