"""`hamroh dead-letters`: records that could not be handled, looked at and settled by an operator.

Runs with the settings of one service's worker, the dead-letter key among them. Every look at the
bytes and every settlement is kept with who did it and why.
"""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from services.runtime import dead_letters
from services.runtime.clock import BusinessClock
from services.runtime.database import Transaction, connect
from services.runtime.dead_letters import SettlementError, Wanted
from services.runtime.sealing import DeadLetterBox, UnsealError
from services.runtime.settings import Settings
from services.runtime.timers import SCHEMA

T = TypeVar("T")
Work = Callable[[Transaction, DeadLetterBox], Awaitable[T]]
COLUMNS: Final = ("id", "created_at", "topic", "partition", "record_offset", "reason", "path")

app = typer.Typer(
    help="Look at, replay or discard dead letters.", no_args_is_help=True, add_completion=False
)
LetterId = Annotated[UUID, typer.Argument(help="The dead letter's id", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why; it is kept", show_default=False)]
Actor = Annotated[str, typer.Option(default_factory=getpass.getuser, help="Who; it is kept")]


def _run(work: Work[T]) -> T:
    """Does the work in one transaction; a refusal is one sentence and exit code 1."""

    async def connected() -> T:
        settings = Settings()
        box = DeadLetterBox.from_settings(settings)
        database = await connect(settings, BusinessClock(settings.business_time), size=1)
        try:
            async with database.transaction() as tx:
                return await work(tx, box)
        finally:
            await database.pool.close()

    try:
        return asyncio.run(connected())
    except (SettlementError, UnsealError, ValueError) as refused:
        print(f"hamroh dead-letters: {refused}", file=sys.stderr)
        raise typer.Exit(1) from refused


@app.command("list")
def list_letters(
    state: Annotated[str, typer.Option(help="open, replayed, discarded or all")] = "open",
    topic: Annotated[str | None, typer.Option(help="Only of this topic")] = None,
    reason: Annotated[str | None, typer.Option(help="Only for this reason")] = None,
    before: Annotated[UUID | None, typer.Option(help="The last id of the page before")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most")] = 50,
) -> None:
    """Dead letters, newest first, without their bytes."""
    wanted = Wanted(None if state == "all" else state, topic, reason, before)
    rows = _run(lambda tx, _: dead_letters.listed(tx.connection, wanted, limit))
    table = Table(*COLUMNS, box=None)
    for row in rows:
        table.add_row(*(str(row[column]) for column in COLUMNS))
    Console(soft_wrap=True, width=240).print(table)


@app.command()
def show(letter_id: LetterId, reason: Reason, actor: Actor) -> None:
    """The bytes as they came, on the standard output."""
    raw = _run(lambda tx, box: dead_letters.show(tx.connection, box, letter_id, actor, reason))
    sys.stdout.buffer.write(raw + b"\n")


@app.command()
def replay(
    letter_id: LetterId,
    reason: Reason,
    actor: Actor,
    corrected: Annotated[
        Path | None, typer.Option(help="Corrected bytes; id and sequence must stay")
    ] = None,
) -> None:
    """Sends it through the consumer again, as it came or corrected."""
    raw = corrected.read_bytes() if corrected else None
    _run(
        lambda tx, box: dead_letters.replay(
            tx.connection, box, letter_id, actor=actor, reason=reason, corrected=raw
        )
    )


@app.command()
def discard(letter_id: LetterId, reason: Reason, actor: Actor) -> None:
    """Gives it up: later facts of its key go on, a claim is answered as rejected."""

    async def work(tx: Transaction, box: DeadLetterBox) -> None:
        service = await tx.connection.fetchval(SCHEMA)
        await dead_letters.discard(tx, service, box, letter_id, actor=actor, reason=reason)

    _run(work)
