"""`hamroh tick`: months of cycles, deadlines and birthdays in seconds, through the real stack.

Business time moves from one due instant to the next, never backwards, and never beyond what was
asked for. At each the workers run what is due at that very instant; the next step waits until no
worker has a due timer, a fact to send or a record to take.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console

from contracts.codec import Head, decode, encode_fact
from contracts.envelope import Envelope
from contracts.platform import ClockAdvanced
from contracts.values import derived_id, service_source
from services.runtime.broker import Publisher, read_from_start
from services.runtime.database import OutageError
from services.runtime.rehearsal import CLOCK_TOPIC
from services.runtime.settings import Settings

CLOCK: Final = "business"
OPERATOR: Final = "operator"
QUIET_LOOKS: Final = 3
LOOK_EVERY_S: Final = 0.1

Statuses = Sequence[dict[str, Any]]


class TickError(Exception):
    """Business time cannot be moved that way; the message says why."""


async def statuses(client: httpx.AsyncClient, urls: Sequence[str]) -> Statuses:
    """What every worker says of itself."""
    answers = await asyncio.gather(*(client.get(url) for url in urls))
    return [answer.raise_for_status().json() for answer in answers]


def refuse(found: Statuses, to: datetime) -> None:
    """A `TickError` where somebody is not rehearsing, or the instant has passed."""
    serious = [status["service"] for status in found if not status["rehearsal"]]
    if serious:
        raise TickError(f"{', '.join(serious)} is not in rehearsal: business time stays as it is")
    now = max(business_time(status) for status in found)
    if to <= now:
        raise TickError(f"business time is {now.isoformat()} already; it never runs backwards")


def business_time(status: dict[str, Any]) -> datetime:
    """How far a worker's business time has come."""
    return datetime.fromisoformat(status["business_time"])


def is_busy(status: dict[str, Any], reached: datetime | None) -> bool:
    """Whether a worker has not come to `reached`, or has something due, to send or to take."""
    lags = status["lag"].values()
    due_at = status["next_due_at"]
    return (
        None in lags
        or any(lags)
        or bool(status["outbox"] or status["inbound"])
        or (reached is not None and business_time(status) < reached)
        or (due_at is not None and datetime.fromisoformat(due_at) <= business_time(status))
    )


async def until_quiet(
    client: httpx.AsyncClient, urls: Sequence[str], reached: datetime | None, timeout_s: float
) -> Statuses:
    """Waits until no worker is busy; a `TickError` names who still is after `timeout_s`.

    A worker that does not answer is not at rest: business time waits for its successor.
    """
    looks, deadline = 0, time.monotonic() + timeout_s
    while True:
        try:
            found = await statuses(client, urls)
            busy = [status["service"] for status in found if is_busy(status, reached)]
        except httpx.HTTPError as error:
            found, busy = [], [f"a worker that does not answer ({type(error).__name__})"]
        looks = 0 if busy else looks + 1
        if looks == QUIET_LOOKS:
            return found
        if time.monotonic() > deadline:
            raise TickError(f"{', '.join(busy)} did not come to rest within {timeout_s:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)


def next_stop(found: Statuses, to: datetime) -> datetime:
    """The earliest instant at which something is due, or the one asked for."""
    due = [datetime.fromisoformat(s["next_due_at"]) for s in found if s["next_due_at"]]
    return min([to, *due])


async def last_sequence(settings: Settings) -> int:
    """How many times the clock was moved before."""
    found = [decode(record.value) async for record in read_from_start(settings, [CLOCK_TOPIC])]
    return max((e.sequence or 0 for e in found if isinstance(e, Envelope)), default=0)


def moved(to: datetime, sequence: int) -> bytes:
    """The fact that business time came to an instant."""
    fact = ClockAdvanced(clock=CLOCK, business_time=to)
    event_id = str(derived_id(to.isoformat(), fact.type_name, CLOCK, sequence))
    head = Head(
        id=event_id,
        source=service_source(OPERATOR),
        subject=CLOCK,
        time=to.astimezone(UTC),
        causation=event_id,
        correlation=event_id,
        region=None,
        traceparent=None,
        sequence=sequence,
    )
    return encode_fact(head, fact)


async def tick(
    settings: Settings, to: datetime, urls: Sequence[str], console: Console, timeout_s: float
) -> int:
    """Moves business time to an instant, stop by stop; returns how many stops there were."""
    publisher, stops, reached = Publisher(settings), 0, None
    async with httpx.AsyncClient(timeout=15) as client:
        refuse(await statuses(client, urls), to)
        found = await until_quiet(client, urls, None, timeout_s)
        sequence = await last_sequence(settings)
        try:
            while reached is None or reached < to:
                reached, stops = next_stop(found, to), stops + 1
                raw = moved(reached, sequence + stops)
                await publisher.send([(CLOCK_TOPIC, CLOCK, raw)])
                found = await until_quiet(client, urls, reached, timeout_s)
                console.print(f"{reached.isoformat()}  everything due is done", highlight=False)
        finally:
            await publisher.stop()
    return stops


app = typer.Typer(help="Move business time forward, in rehearsals only.")


@app.command()
def command(
    to: Annotated[str, typer.Option(help="ISO 8601 with offset: 2027-03-01T00:30+07:00")],
    status: Annotated[
        str,
        typer.Option(envvar="HAMROH_WORKERS", help="Status addresses of all workers, by comma"),
    ],
    timeout_s: Annotated[float, typer.Option(help="How long one stop may take")] = 120.0,
) -> None:
    """Run everything that falls due until an instant, in order, each at its own instant."""
    try:
        instant = datetime.fromisoformat(to)
    except ValueError as error:
        raise typer.BadParameter(f"{to} is no ISO 8601 instant") from error
    if instant.tzinfo is None:
        raise typer.BadParameter("say the offset, too: 2027-03-01T00:30+07:00")
    console, began = Console(), time.monotonic()
    urls = [url.strip() for url in status.split(",") if url.strip()]
    try:
        stops = asyncio.run(tick(Settings(), instant.astimezone(UTC), urls, console, timeout_s))
    except (TickError, OutageError, httpx.HTTPError) as error:
        typer.echo(f"hamroh tick: {error}", err=True)
        raise typer.Exit(1) from error
    console.print(
        f"tick to={instant.isoformat()} stops={stops} seconds={time.monotonic() - began:.1f}",
        highlight=False,
    )
