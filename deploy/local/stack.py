"""One instance of the local stack, for people (`cli`), tests and the demo.

stack = Stack(directory)
stack.up(Options(only=("infrastructure",)))
stack.plan.server.url(), stack.plan.cluster.bootstrap("client")
stack.kill("kafka-1", signal.SIGKILL)
stack.down()
"""

import fcntl
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from deploy.instance import Instance, database_roles, kafka_users
from deploy.local import accounts, control, plan, ports, postgres, processes
from deploy.local.faults import LocalStackError
from deploy.local.plan import ROOT, Plan
from deploy.local.state import (
    ChildRecord,
    Folder,
    Options,
    ProcessId,
    Running,
    Secrets,
    State,
    new_cluster_id,
    new_key,
    new_password,
)

DEFAULT_DIRECTORY = ROOT / ".local" / "main"
SUPERVISOR = "supervisor"
UP_TIMEOUT_S = 300.0
DOWN_TIMEOUT_S = 90.0
LOCK_TIMEOUT_S = 120.0
ORPHAN_TIMEOUT_S = 15.0
LOOK_EVERY_S = 0.03
LEAST_FREE_BYTES = 1_500_000_000

Report = Callable[[str, ChildRecord], None]


def _say_nothing(_name: str, _record: ChildRecord) -> None:
    """The report of callers who watch nothing."""


class Stack:
    """An instance in one directory. Several may run side by side, each in its own."""

    def __init__(self, directory: Path = DEFAULT_DIRECTORY) -> None:
        self.folder = Folder(directory)
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> State:
        """Ports and credentials; raises when this instance never started."""
        state = self.folder.load_state()
        if state is None:
            raise LocalStackError(f"{self.folder.path} holds no local stack; `up` makes one.")
        return state

    @property
    def running(self) -> Running | None:
        """Pids and phases, or None when no supervisor of this instance lives."""
        running = self.folder.load_running()
        if running is None or not processes.is_alive(running.supervisor):
            return None
        return running

    @property
    def plan(self) -> Plan:
        """The table of processes with addresses and environments."""
        return Plan(self.folder, self.state)

    @property
    def instance(self) -> Instance:
        """The platform as its clients meet it."""
        return self.plan.instance

    def env_for(self, name: str) -> dict[str, str]:
        """The settings of a process of the plan, or of a Kafka user such as `region.vn-07`."""
        if name in self.state.secrets.kafka_users:
            return self.instance.client_environment(name)
        return dict(self._process(name).env)

    def up(self, options: Options, report: Report = _say_nothing) -> bool:
        """Start what is asked for and wait until it is ready; False when it ran already.

        `report` hears of every process that got ready. When the start fails, everything that was
        started is stopped again and the reason is raised.
        """
        check_machine(self.folder.path)
        self.folder.make()
        with self._lock():
            running = self.running
            if running is not None and running.outcome == "ready":
                self._refuse_missing(running, options)
                return False
            self._end_all()
            with closing(self._choose_ports(options)) as chosen:
                state = self._chosen(options, chosen.ports)
                Plan(self.folder, state)  # says what is missing before anything is started
                self.folder.save_state(state)
                self._start_supervisor(chosen.descriptors)
            self._watch(report)
        return True

    def _refuse_missing(self, running: Running, options: Options) -> None:
        """What runs must contain what is asked for."""
        asked = self.state.model_copy(update={"options": options})
        names = {process.name for process in Plan(self.folder, asked).processes}
        if missing := sorted(names - set(running.children)):
            raise LocalStackError(
                f"The stack runs here, but without {', '.join(missing)}: `down` first."
            )

    def down(self) -> bool:
        """Stop everything in reverse order; False when nothing ran. Data is kept."""
        if not self.folder.path.exists():
            return False
        with self._lock():
            return self._end_all()

    def reset(self) -> None:
        """Stop everything and forget data, ports and credentials."""
        if not self.folder.path.exists():
            return
        with self._lock():
            with suppress(LocalStackError):  # another version's record names nobody that we know
                self._end_all()
            server = postgres.locate(self.folder.path, 0, "")
            postgres.remove_data(server)
            shutil.rmtree(self.folder.path)

    def restart(self, name: str) -> None:
        """End one process cleanly and wait until its successor is ready."""
        before = self._record(name).process
        self._ask("restart", name)
        self._await_ready(name, before)

    def stop(self, name: str) -> None:
        """End one process cleanly; it stays ended until `start`."""
        self._ask("stop", name)

    def start(self, name: str) -> None:
        """Start a stopped process and wait until it is ready."""
        self._ask("start", name)
        self._await_ready(name, None)

    def kill(self, name: str, number: int) -> None:
        """Send a signal to one process, as a fault of the machine would. The supervisor reacts."""
        process = self._record(name).process
        if process is None or not processes.send(process, number):
            raise LocalStackError(f"{name} does not run.")

    def await_ready(self, name: str) -> None:
        """Wait until a process is ready (again)."""
        self._await_ready(name, None)

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.folder.log(name)

    def _process(self, name: str) -> processes.Process:
        for process in self.plan.processes:
            if process.name == name:
                return process
        raise LocalStackError(f"There is no process {name!r}.")

    def _record(self, name: str) -> ChildRecord:
        running = self.running
        if running is None:
            raise LocalStackError("The local stack does not run here; `up` starts it.")
        if name not in running.children:
            raise LocalStackError(f"There is no process {name!r}.")
        return running.children[name]

    def _ask(self, verb: control.Verb, name: str) -> None:
        state = self.state
        control.ask(state.ports[control.NAME], state.secrets.control, verb, name)

    def _await_ready(self, name: str, before: ProcessId | None) -> None:
        deadline = time.monotonic() + UP_TIMEOUT_S
        while time.monotonic() < deadline:
            record = self._record(name)
            if (
                record.phase == "ready"
                and record.process != before
                and processes.is_alive(record.process)
            ):
                return
            time.sleep(LOOK_EVERY_S)
        raise LocalStackError(f"{name} did not get ready within {UP_TIMEOUT_S:.0f} s.")

    def _choose_ports(self, options: Options) -> ports.Choice:
        old = self.folder.load_state()
        return ports.choose(plan.port_names(options.nodes), old.ports if old else {})

    def _chosen(self, options: Options, chosen: dict[str, int]) -> State:
        """What this instance keeps from before, completed by what is asked for now."""
        old = self.folder.load_state()
        if old is None:
            # Rows that an earlier folder of this name left in the shared place: their password
            # went with it.
            postgres.remove_data(postgres.locate(self.folder.path, 0, ""))
        elif old.options.nodes != options.nodes:
            raise LocalStackError(
                f"This instance has {old.options.nodes} Kafka node(s); `reset` it to change that."
            )
        return State(
            cluster_id=old.cluster_id if old else new_cluster_id(),
            options=options,
            ports=chosen,
            secrets=_secrets(options, old.secrets if old else None),
        )

    def _start_supervisor(self, held: tuple[int, ...]) -> None:
        self.folder.forget_running()
        with self.log(SUPERVISOR).open("ab") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.supervisor", str(self.folder.path)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=held,  # as long as it lives the ports are spoken for
            )

    def _watch(self, report: Report) -> None:
        """Report what gets ready until all is, or raise what failed once everything is stopped."""
        try:
            self._until_ready(report)
        except BaseException:
            self._end_all()
            raise

    def _until_ready(self, report: Report) -> None:
        deadline = time.monotonic() + UP_TIMEOUT_S
        told: set[str] = set()
        while time.monotonic() < deadline:
            ended = self._has_ended()
            running = self.folder.load_running()
            _tell(running, told, report)
            if running is not None and running.outcome == "ready":
                return
            if ended:
                reason = running.reason if running else ""
                raise LocalStackError(reason or f"The supervisor ended: {self.log(SUPERVISOR)}")
            time.sleep(LOOK_EVERY_S)
        raise LocalStackError(f"The stack did not get ready within {UP_TIMEOUT_S:.0f} s.")

    def _has_ended(self) -> bool:
        return self._supervisor is None or self._supervisor.poll() is not None

    def _end_all(self) -> bool:
        """Stop the supervisor, and whatever a killed supervisor left behind."""
        if self._supervisor is not None and self.folder.load_running() is None:
            # It is too young to have written down who it is.
            self._supervisor.terminate()
            self._supervisor.wait(DOWN_TIMEOUT_S)
        running = self.folder.load_running()
        if running is None:
            return False
        if processes.send(running.supervisor, signal.SIGTERM):
            processes.wait_gone([running.supervisor], DOWN_TIMEOUT_S)
            processes.send(running.supervisor, signal.SIGKILL)
        self._end_orphans()
        self.folder.forget_running()
        if self._supervisor is not None:
            self._supervisor.wait()
            self._supervisor = None
        return True

    def _end_orphans(self) -> None:
        """End children that outlived their supervisor: the last of the plan first."""
        running = self.folder.load_running()
        if running is None:
            return
        for record in reversed(running.children.values()):
            if record.process is not None and processes.is_alive(record.process):
                processes.end(record.process, record.stop_signal, ORPHAN_TIMEOUT_S)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One `up`, `down` or `reset` at a time per instance. The lock dies with its holder."""
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        try:
            opened = (self.folder.path / "lock").open("a")
        except OSError as fault:
            raise LocalStackError(f"{self.folder.path}: {fault.strerror}.") from fault
        with opened as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise LocalStackError(
                            f"Another `up` or `down` is busy with {self.folder.path}."
                        ) from None
                    time.sleep(LOOK_EVERY_S)
            yield


def _secrets(options: Options, old: Secrets | None) -> Secrets:
    """Those of before, and new ones for whoever has none yet."""
    kept = old or Secrets(
        kafka_admin=new_password(),
        kafka_users={},
        database_admin=new_password(),
        database_roles={},
        pseudonym_key=new_key(),
        key_encryption_key=new_key(),
        dead_letter_key=new_key(),
        account_passwords={},
        control=new_password(),
    )
    return kept.model_copy(
        update={
            "kafka_users": _passwords(kafka_users(options.regions), kept.kafka_users),
            "database_roles": _passwords(database_roles(), kept.database_roles),
            "account_passwords": _passwords(
                accounts.usernames(options.regions), kept.account_passwords
            ),
        }
    )


def _passwords(names: Iterable[str], kept: Mapping[str, str]) -> dict[str, str]:
    """A password for each name, and those of names that are not asked for now."""
    return {**kept, **{name: kept.get(name) or new_password() for name in names}}


def _tell(running: Running | None, told: set[str], report: Report) -> None:
    """Report each process once, in the order in which they got ready."""
    if running is None:
        return
    ready = [
        (record.ready_after_s, name)
        for name, record in running.children.items()
        if record.ready_after_s is not None and name not in told
    ]
    for _, name in sorted(ready):
        told.add(name)
        report(name, running.children[name])


def check_machine(directory: Path) -> None:
    """Say in one sentence what this machine lacks, before anything is started."""
    existing = directory.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < LEAST_FREE_BYTES:
        raise LocalStackError(
            f"{existing} has {free // 1_000_000} MB free; the stack needs "
            f"{LEAST_FREE_BYTES // 1_000_000} MB."
        )
