"""A progress bar for people at a terminal; nothing for programs."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from services.cli.matching.run import Progress


@contextmanager
def shown() -> Iterator[Progress]:
    """Shows what is being done until the block ends."""
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {what: bars.add_task(what, total=None) for what in ("reading", "comparing")}
        yield lambda what, done, total: bars.update(
            tasks[what], completed=done, total=total or None
        )
