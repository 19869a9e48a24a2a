"""THE table of processes: what runs, with which settings, after what.

Every process is configured by its environment alone. Secrets go only to the processes that need
them; `tests/local/test_plan.py` holds the table of who gets which.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from deploy.instance import (
    BANK,
    IDENTITY,
    ROLES,
    SERVICES,
    SMS,
    SMTP,
    Instance,
)
from deploy.local import accounts, control, java, kafka, postgres, probes
from deploy.local.faults import LocalStackError
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Process
from deploy.local.state import Folder, State, write_private_json
from deploy.postgres.provision import provision

ROOT: Final = Path(__file__).parent.parent.parent
MIGRATE, TOPICS = "migrate", "topics"
MAIL_BOX: Final = f"{SMTP}.http"
DOORS: Final = (
    IDENTITY, SMS, SMTP, BANK, *(f"{service}-{role}" for service in SERVICES for role in ROLES),
)  # fmt: skip


def port_names(nodes: int) -> list[str]:
    """Everything that listens, whatever part of it is started."""
    names = [control.NAME, postgres.NAME]
    names += [
        f"{kafka.node_name(node)}.{name}"
        for node in range(1, nodes + 1)
        for name in kafka.LISTENERS
    ]
    return [*names, MAIL_BOX, *DOORS]


class Plan:
    """The processes of one instance, those that `only` leaves out excepted."""

    def __init__(self, folder: Folder, state: State) -> None:
        self.state = state
        self._folder = folder
        secrets = state.secrets
        self.server = postgres.locate(
            folder.path, state.ports[postgres.NAME], secrets.database_admin
        )
        self.cluster = kafka.Cluster(
            cluster_id=state.cluster_id,
            nodes=state.options.nodes,
            ports=state.ports,
            password=secrets.kafka_admin,
            folder=folder.path / "kafka",
            cache=state.options.cache or ROOT / ".cache" / "jars",
            java=java.find(),
            fronts=state.options.fronts,
        )
        front = state.options.fronts.get(postgres.NAME, self.server.port)
        self.instance = Instance(
            credentials=secrets,
            regions=state.options.regions,
            database=f"{LOOPBACK}:{self.server.port}",
            database_front=f"{LOOPBACK}:{front}",
            kafka=self.cluster.bootstrap("client"),
            kafka_internal=self.cluster.bootstrap("internal"),
            business_time=state.options.business_time,
            rehearsal=state.options.rehearsal,
            replicas=state.options.nodes,
            urls={
                name: f"http://{LOOPBACK}:{state.ports[MAIL_BOX if name == SMTP else name]}"
                for name in DOORS
            },
            smtp=f"{LOOPBACK}:{state.ports[SMTP]}",
            otlp_endpoint=state.options.otlp_endpoint,
            packs=state.options.packs,
        )
        every = [*self._infrastructure(), *self._jobs(), *self._outside(), *self._services()]
        self.processes = tuple(_chosen(every, state.options.only))

    def levels(self) -> list[list[str]]:
        """Names by depth: each level needs only processes of the levels before it."""
        by_name = {process.name: process for process in self.processes}
        depths: dict[str, int] = {}

        def depth(name: str) -> int:
            if name not in depths:
                depths[name] = 1 + max((depth(need) for need in by_name[name].needs), default=-1)
            return depths[name]

        deepest = max(map(depth, by_name), default=-1)
        return [[name for name in by_name if depths[name] == level] for level in range(deepest + 1)]

    def _infrastructure(self) -> Iterable[Process]:
        server, cluster = self.server, self.cluster
        yield Process(
            name=postgres.NAME,
            group="infrastructure",
            says="PostgreSQL answers",
            argv=server.argv,
            env={"LC_ALL": "C"},
            log=self._folder.log(postgres.NAME),
            cwd=server.data,
            user=server.user,
            before=partial(postgres.prepare, server),
            probe=partial(postgres.probe, server),
            after=partial(provision, server.url(), self.state.secrets.database_roles),
            stop_signal=postgres.STOP_SIGNAL,
        )
        for node in range(1, cluster.nodes + 1):
            name = kafka.node_name(node)
            yield Process(
                name=name,
                group="infrastructure",
                says="Kafka took a record and gave it back",
                argv=cluster.argv(node),
                log=self._folder.log(name),
                before=partial(cluster.prepare, node),
                probe=partial(cluster.probe, node),
                ended=partial(cluster.ended, node),
                stop_timeout_s=40.0,
                ready_timeout_s=90.0,
            )

    def _kafka_names(self) -> tuple[str, ...]:
        return tuple(kafka.node_name(node) for node in range(1, self.cluster.nodes + 1))

    def _jobs(self) -> Iterable[Process]:
        yield self._python(
            MIGRATE, "services", "migrate",
            says="every migration is applied", is_job=True, needs=(postgres.NAME,),
            env=self.instance.migrate_environment(),
        )  # fmt: skip
        yield self._python(
            TOPICS, "services", "topics", "apply",
            says="topics, users and access lists are in place", is_job=True,
            needs=self._kafka_names(),
            env=self.instance.topics_environment(),
        )  # fmt: skip

    def _outside(self) -> Iterable[Process]:
        ports, options = self.state.ports, self.state.options
        users = self._folder.path / "accounts.json"
        passwords = self.state.secrets.account_passwords
        yield self._outsider(
            IDENTITY, "deploy.local.identity", "--users", str(users),
            says="the identity provider answers",
            before=lambda: write_private_json(
                users, accounts.document(options.regions, passwords)
            ),
        )  # fmt: skip
        yield self._outsider(SMS, "deploy.local.sinks", "sms", says="the SMS sink answers")
        yield self._outsider(
            SMTP, "deploy.local.sinks", "smtp", "--http-port", str(ports[MAIL_BOX]),
            says="the mail sink accepts a connection", probe=partial(probes.connects, ports[SMTP]),
        )  # fmt: skip
        yield self._outsider(
            BANK,
            "deploy.local.bank",
            "--seed",
            str(options.seed),
            *options.bank,
            says="the bank answers",
        )

    def _services(self) -> Iterable[Process]:
        # An api speaks with its database alone; what it decides, its worker sends.
        needs = {"api": (MIGRATE, IDENTITY), "worker": (MIGRATE, TOPICS)}
        for service in SERVICES:
            for role in ROLES:
                name = f"{service}-{role}"
                port = self.state.ports[name]
                yield self._python(
                    name, "services", service, role,
                    group=service, says=f"{name} is ready", needs=needs[role],
                    env=self.instance.environment(service, role),
                    probe=partial(probes.answers, port),
                )  # fmt: skip

    def _python(
        self, name: str, module: str, *arguments: str, env: Mapping[str, str], **more: object
    ) -> Process:
        return Process(
            name=name,
            argv=(sys.executable, "-m", module, *arguments),
            env=dict(env),
            log=self._folder.log(name),
            cwd=ROOT,
            **more,  # type: ignore[arg-type]
        )

    def _outsider(
        self,
        name: str,
        module: str,
        *arguments: str,
        says: str,
        probe: Callable[[], None] | None = None,
        **more: Callable[[], None],
    ) -> Process:
        port = self.state.ports[name]
        directory = self._folder.path / name
        return self._python(
            name, module, *arguments, "--port", str(port), "--directory", str(directory),
            group="outside", says=says, env={},
            probe=probe or partial(probes.answers, port), **more,
        )  # fmt: skip


def _chosen(every: list[Process], only: tuple[str, ...]) -> list[Process]:
    """The named processes and groups with everything they need, in the plan's order."""
    by_name = {process.name: process for process in every}
    unknown = set(only) - set(by_name) - {process.group for process in every}
    if unknown:
        raise LocalStackError(f"There is no process or group {', '.join(sorted(unknown))}.")
    if not only:
        return every
    chosen: set[str] = set()
    waiting = [process.name for process in every if {process.name, process.group} & set(only)]
    while waiting:
        name = waiting.pop()
        if name not in chosen:
            chosen.add(name)
            waiting += by_name[name].needs
    return [process for process in every if process.name in chosen]
