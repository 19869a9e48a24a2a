"""Where the demonstration's platform runs: on this machine, or in containers."""

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from deploy.compose.environment import fresh, port_names
from deploy.compose.project import Project
from deploy.instance import Instance
from deploy.local import ports
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import Options, write_private

REGION: Final = "VN-07"
BUSINESS_TIME: Final = datetime.fromisoformat("2026-09-15T09:00:00+07:00")
PROJECT: Final = "hamroh-demo"


class Host(Protocol):
    """One way to run a platform. `directory` is where this instance keeps what is its own."""

    @property
    def stopping(self) -> str:
        """The command that stops it."""

    def begin(self, directory: Path) -> tuple[Instance, int]:
        """A platform that holds nothing yet, ready, and of how many processes it is made."""

    def running(self, directory: Path) -> Instance:
        """The platform of an earlier run."""


class Local:
    """Without containers."""

    stopping = "make down"

    def begin(self, directory: Path) -> tuple[Instance, int]:
        """A stack whose data is forgotten first."""
        stack = Stack(directory)
        stack.reset()
        stack.up(
            Options(regions=(REGION.lower(),), business_time=BUSINESS_TIME, rehearsal=True, seed=7)
        )
        return stack.instance, len(stack.plan.processes)

    def running(self, directory: Path) -> Instance:
        """The instance that its folder describes."""
        return Stack(directory).instance


class Containers:
    """With `docker compose`: a project of the demonstration's own, on ports that are free."""

    stopping = f"docker compose --project-name {PROJECT} down"

    def begin(self, directory: Path) -> tuple[Instance, int]:
        """A project whose volumes are forgotten first, with fresh secrets."""
        project = Project(directory / ".env")
        if project.environment.exists():
            project.reset()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(ports.choose(port_names(), {})) as chosen:
            free = {name: str(port) for name, port in chosen.ports.items()}
        told = {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "HAMROH_REHEARSAL": "true",
            "HAMROH_BUSINESS_TIME": BUSINESS_TIME.isoformat(),
        }
        write_private(project.environment, fresh((REGION.lower(),), told | free))
        project.up()
        return project.instance(), project.size()

    def running(self, directory: Path) -> Instance:
        """The instance that its environment file describes."""
        return Project(directory / ".env").instance()


HOSTS: Final[dict[str, Host]] = {"local": Local(), "compose": Containers()}
DIRECTORIES: Final = {
    "local": ROOT / ".local" / "demo",
    "compose": ROOT / ".local" / "demo-compose",
}
