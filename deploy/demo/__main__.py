"""The main job on real input, end to end: `python -m deploy.demo`.

A province's list becomes claims, people, entitlements; two officers approve the month's payments;
the bank books or returns them; each returned payment becomes a case, each entitlement a message;
the ministry sees totals. Then every total is asked from every source, and the exit code says
whether they agree. The platform is left running.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

from deploy.compose import ComposeError
from deploy.demo.hosts import DIRECTORIES, HOSTS, REGION
from deploy.demo.platform import DemoError, Platform, until
from deploy.demo.sources import ORDER, Totals, gather
from deploy.local.faults import LocalStackError
from services.cli.importing import KINDS, Report, import_list, rows_of

MONTH: Final = "2026-09"
PROGRAMME: Final = "VN-SA"
HERE: Final = Path(__file__).parent
PEOPLE, WORKERS = HERE / "people.csv", HERE / "workers.csv"

out = Console(highlight=False)
app = typer.Typer(add_completion=False, help=__doc__)

Target = Annotated[Literal["local", "compose"], typer.Option(help="Where the platform runs")]
Directory = Annotated[Path | None, typer.Option(help="Where this instance keeps what is its own")]
People = Annotated[Path, typer.Option(help="The list of people")]


class Steps:
    """Says what happens, with the seconds since the beginning."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    def say(self, text: str) -> None:
        """One line of the story."""
        out.print(f"[dim]{self.seconds:6.1f} s[/dim]  {text}")


def import_lists(platform: Platform, steps: Steps, people: Path) -> tuple[int, Report]:
    """The centre publishes its workers and its people, with its own credentials."""
    settings = platform.kafka_settings(f"region.{REGION.lower()}")
    workers = rows_of(WORKERS, KINDS["workers"])
    told = asyncio.run(import_list(settings, REGION, KINDS["workers"], workers))
    steps.say(f"{told.accepted} of {told.claims} workers accepted by workforce")
    rows = rows_of(people, KINDS["persons"])
    report = asyncio.run(import_list(settings, REGION, KINDS["persons"], rows))
    steps.say(
        f"{report.claims:,} claims published: {report.accepted:,} people registered, "
        f"{len(report.rejected)} rows refused with a reason each"
    )
    return len(rows), report


def pay(platform: Platform, steps: Steps) -> dict[str, Any]:
    """The month's payments are prepared, approved by two officers, and answered by the bank."""
    platform.await_quiet("judging the households")
    wanted = {"programme": PROGRAMME, "month": MONTH, "region": REGION}
    with platform.client("benefits-api", "payments.preparer") as preparer:
        answer = preparer.post("/cycles", json=wanted)
        _expect(answer.is_success, f"the cycle was not prepared: {answer.text}")
        cycle = answer.json()
        path = f"/cycles/{cycle['id']}"
    steps.say(
        f"cycle {MONTH} prepared: {cycle['payments']:,} payments, "
        f"{cycle['amount_minor']:,} {cycle['currency']}, digest {cycle['digest'][:12]}…"
    )
    for officer in ("payments.approver.1", "payments.approver.2"):
        with platform.client("benefits-api", officer) as client:
            answer = client.post(f"{path}/approvals", json={"digest": cycle["digest"]})
            _expect(answer.is_success, f"{officer} could not approve: {answer.text}")
        steps.say(f"{officer} approved that digest")
    with platform.client("benefits-api", "payments.preparer") as client:
        closed: dict[str, Any] = until(
            "closing the cycle", lambda: _if_closed(client.get(path).json())
        )
    steps.say("the bank booked or returned every payment; the cycle is closed")
    platform.await_quiet("cases, messages and totals")
    return closed


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise DemoError(otherwise)


def _if_closed(cycle: dict[str, Any]) -> dict[str, Any] | None:
    return cycle if cycle["state"] == "closed" else None


def show(totals: Totals) -> bool:
    """Prints each total from each source; True if all agree."""
    table = Table(title="Every total from its own sources", title_justify="left")
    table.add_column("total")
    table.add_column("sources", overflow="fold")
    table.add_column("agree", justify="center")
    for total in ORDER:
        sources = totals.said[total]
        agree = len(set(sources.values())) == 1
        told = ", ".join(f"{source} {value:,}" for source, value in sources.items())
        table.add_row(total, told, "[green]yes[/green]" if agree else "[red]NO[/red]")
    out.print(table)
    wrong = totals.disagreements()
    for sentence in wrong:
        out.print(f"[red]{sentence}[/red]")
    return not wrong


def last_line(totals: Totals, seconds: float, agree: bool) -> str:
    """One line for machines."""
    names = ("claims", "registered", "rejected", "suspected", "entitled", "paid", "returned")
    counts = " ".join(f"{name}={totals.value(name)}" for name in (*names, "cases", "messages"))
    return (
        f"demo seconds={seconds:.1f} {counts} totals={'equal' if agree else 'DIFFERENT'} "
        f"p50_ms={totals.percentile_ms(50)} p99_ms={totals.percentile_ms(99)}"
    )


@app.command()
def run(target: Target = "local", directory: Directory = None, people: People = PEOPLE) -> None:
    """Play the main job from nothing, show the totals, leave the platform running."""
    steps = Steps()
    instance, processes = HOSTS[target].begin(directory or DIRECTORIES[target])
    platform = Platform(instance, REGION)
    steps.say(f"platform ready: {processes} processes, Kafka and PostgreSQL among them")
    rows, _ = import_lists(platform, steps, people)
    pay(platform, steps)
    totals = asyncio.run(gather(platform, rows))
    _finish(platform, totals, steps.seconds, HOSTS[target].stopping)


@app.command()
def totals(target: Target = "local", directory: Directory = None, people: People = PEOPLE) -> None:
    """Ask every source again; exit code 1 if they do not agree."""
    steps = Steps()
    platform = Platform(HOSTS[target].running(directory or DIRECTORIES[target]), REGION)
    rows = len(rows_of(people, KINDS["persons"]))
    found = asyncio.run(gather(platform, rows))
    _finish(platform, found, steps.seconds, HOSTS[target].stopping)


def _finish(platform: Platform, found: Totals, seconds: float, stopping: str) -> None:
    agree = show(found)
    out.print(f"\nThe ministry's page: [bold]{platform.url('insights-api')}/[/bold]")
    out.print(f"Stop it with: {stopping}\n")
    out.print(last_line(found, seconds, agree), soft_wrap=True)
    raise typer.Exit(0 if agree else 1)


def main() -> None:
    """Runs the command; a fault is one sentence, not a traceback."""
    try:
        app(args=sys.argv[1:] or ["run"])
    except (ComposeError, DemoError, LocalStackError) as error:
        sys.exit(f"demo: {error}")


if __name__ == "__main__":
    main()
