"""The commands of the local stack, for people at a terminal."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy import credentials
from deploy.local import processes
from deploy.local.faults import LocalStackError
from deploy.local.plan import Plan
from deploy.local.stack import DEFAULT_DIRECTORY, Stack
from deploy.local.state import ChildRecord, Options

app = typer.Typer(
    help="The whole platform on this machine: real Kafka, real PostgreSQL, no containers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
Directory = Annotated[
    Path, typer.Option("--directory", "-d", help="Data, logs and state of this instance.")
]
FOLLOW_EVERY_S = 0.2


@contextmanager
def _told() -> Iterator[Console]:
    """Faults of the stack are one red sentence and exit code 1."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        yield console
    except LocalStackError as fault:
        console.print(str(fault), style="red", markup=False)
        raise typer.Exit(1) from fault


@app.command()
def up(  # noqa: PLR0913 - one per option of the command
    directory: Directory = DEFAULT_DIRECTORY,
    only: Annotated[
        str, typer.Option(help="Processes or groups, comma-separated, with what they need.")
    ] = "",
    regions: Annotated[str, typer.Option(help="Region codes, comma-separated.")] = "vn-07",
    business_time: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="Fixed business time, with its offset."),
    ] = None,
    nodes: Annotated[int, typer.Option(help="Kafka nodes: 1 or 3.")] = 1,
    rehearsal: Annotated[
        bool, typer.Option(help="Let `tick` move business time, and unconfirmed law be tried.")
    ] = True,
    cache: Annotated[
        Path | None, typer.Option(help="Where fetched jars are kept, for all instances.")
    ] = None,
    packs: Annotated[
        Path | None, typer.Option(help="A ministry's folder of rule packs.", envvar="HAMROH_PACKS")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bank's behaviour.")] = 7,
) -> None:
    """Start the stack and leave it running; does nothing when it runs already."""
    with _told() as console:
        if nodes not in (1, 3):
            raise LocalStackError("Kafka runs with 1 node or with 3.")
        options = Options(
            regions=_listed(regions),
            business_time=business_time,
            only=_listed(only),
            nodes=1 if nodes == 1 else 3,
            rehearsal=rehearsal,
            seed=seed,
            cache=cache.absolute() if cache else None,
            packs=packs.absolute() if packs else None,
        )
        stack = Stack(directory)
        started_s = time.monotonic()
        if not stack.up(options, _reporter(console, stack)):
            console.print("The stack runs already.")
            return
        console.print(
            f"[green]Ready after {time.monotonic() - started_s:.1f} s.[/green] "
            f"State: {stack.folder.path}"
        )


@app.command()
def down(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Stop everything; data is kept."""
    with _told() as console:
        started_s = time.monotonic()
        stopped = Stack(directory).down()
        console.print(
            f"Stopped after {time.monotonic() - started_s:.1f} s." if stopped else "Nothing ran."
        )


@app.command()
def reset(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Stop everything and forget data, ports and credentials."""
    with _told() as console:
        Stack(directory).reset()
        console.print(f"{directory} is forgotten.")


@app.command()
def status(directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Show every process; exit code 1 when the stack does not run or something is not ready."""
    with _told() as console:
        stack = Stack(directory)
        running = stack.running
        if running is None:
            raise LocalStackError("The stack does not run.")
        table = Table("process", "pid", "port", "state", "restarts", "since", "MB")
        for name, record in running.children.items():
            table.add_row(name, *_cells(name, record, stack.state.ports))
        console.print(table)
        if any(record.phase not in {"ready", "done"} for record in running.children.values()):
            raise typer.Exit(1)


@app.command()
def logs(
    name: str,
    directory: Directory = DEFAULT_DIRECTORY,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
) -> None:
    """Print the log of one process."""
    with _told():
        path = Stack(directory).log(name)
        if not path.exists():
            known = ", ".join(sorted(log.stem for log in path.parent.glob("*.log")))
            raise LocalStackError(f"There is no log {name!r}. There are: {known or 'none'}.")
        with path.open(encoding="utf-8", errors="replace") as file:
            while True:
                for line in file:
                    typer.echo(line, nl=False)
                if not follow:
                    return
                time.sleep(FOLLOW_EVERY_S)


@app.command()
def env(name: str, directory: Directory = DEFAULT_DIRECTORY) -> None:
    """Print the settings of a process or of a Kafka user (`region.vn-07`) for `eval`."""
    with _told():
        for setting, value in sorted(Stack(directory).env_for(name).items()):
            typer.echo(f"export {setting}={shlex.quote(value)}")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _reporter(console: Console, stack: Stack) -> Callable[[str, ChildRecord], None]:
    """Prints one numbered step per process that got ready."""
    steps: dict[str, str] = {}
    number = 0

    def report(name: str, record: ChildRecord) -> None:
        nonlocal number
        if not steps:
            plan = Plan(stack.folder, stack.state)
            steps.update({process.name: process.says for process in plan.processes})
        number += 1
        step = f"{number:3}/{len(steps)}  {record.ready_after_s:6.2f} s"
        console.print(f"{step}  [bold]{name}[/bold]: {steps[name]}")

    return report


def _cells(name: str, record: ChildRecord, ports: dict[str, int]) -> list[str]:
    process = record.process if processes.is_alive(record.process) else None
    port = ports.get(name) or ports.get(f"{name}.client")
    since = datetime.now(UTC) - record.since
    return [
        str(process.pid) if process else "",
        str(port) if port else "",
        record.phase,
        str(record.restarts),
        str(since).split(".", maxsplit=1)[0],
        str(processes.resident_bytes(process) // 1_000_000) if process else "",
    ]


@app.command("credentials")
def print_credentials(
    directory: Directory = DEFAULT_DIRECTORY,
    region: Annotated[str, typer.Option(help="For the centre system of this region.")] = "",
    ministry: Annotated[bool, typer.Option(help="For a ministry's dashboard.")] = False,
    operator: Annotated[bool, typer.Option(help="For `hamroh tick`.")] = False,
) -> None:
    """Print a principal's addresses and credentials as lines for a shell: eval "$(...)"."""
    with _told():
        instance = Stack(directory).instance
        if sum((bool(region), ministry, operator)) != 1:
            raise LocalStackError("Say --region CODE, --ministry or --operator.")
        if region:
            found = credentials.of_region(instance, region)
        else:
            of = credentials.of_ministry if ministry else credentials.of_operator
            found = of(instance)
        typer.echo(credentials.exports(found))
