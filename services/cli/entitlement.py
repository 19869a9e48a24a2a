"""`hamroh entitle`: the law checked against us with one command, from a file of facts to months."""

import csv
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final, NoReturn
from zoneinfo import ZoneInfo

import typer

from services.benefits.programmes import (
    MonthlyEntitlement,
    Pack,
    PackRefused,
    Refused,
    entitle,
    load_pack,
    pack_files,
    read_pack,
)
from services.benefits.programmes.analysis import analyse
from services.benefits.programmes.days import month_text, parse_day, parse_month, unpack_day
from services.benefits.programmes.fact_table import FactTable, locate, read_facts, refuse_table
from services.benefits.settings import LawSettings

app = typer.Typer(help="Judge people by a rule pack.", add_completion=False)

COLUMNS: Final = (
    "person_id",
    "month",
    "component",
    "group",
    "coefficient",
    "amount_minor",
    "currency",
    "kind",
    "reason",
)
MAX_MONTHS: Final = 1_200
SHOWN: Final = 20
"""Refusals shown before the rest is only counted."""


@app.command(name="entitle")
def command(
    pack: Annotated[str, typer.Option(help="Code of a packaged rule pack, or a TOML file.")],
    facts: Annotated[Path, typer.Option(help="CSV of dated facts.", exists=True, dir_okay=False)],
    months: Annotated[str, typer.Option(help="Months, such as 2024-06..2024-10.")],
    out: Annotated[Path, typer.Option(help="CSV to write, one row per component and month.")],
    known_at: Annotated[str, typer.Option(help="Judge by what was known on this day.")] = "",
    today: Annotated[str, typer.Option(help="The day no fact may lie after.")] = "",
) -> None:
    """Write what is due to everybody in a file of facts, month by month.

    Anything wrong with the pack, the months or a fact is refused with its place and reason, with
    exit code 2 and nothing written.
    """
    began = perf_counter()
    chosen = chosen_pack(pack, sound=True)
    window = month_window(months)
    known = optional_day(known_at, "--known-at")
    with without_collector():
        table = read_table(chosen, facts, optional_day(today, "--today") or business_day(chosen))
        _warn_of_missing_decisions(chosen, table)
        written = _write(chosen, table, window, known, out)
    seconds = perf_counter() - began
    print(
        f"entitle people={len(table.facts)} months={len(window)} rows={written}"
        f" seconds={seconds:.2f}"
    )


@contextmanager
def without_collector() -> Iterator[None]:
    """Nothing here makes cycles; looking for them among millions of facts costs as much again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _warn_of_missing_decisions(pack: Pack, table: FactTable) -> None:
    """Say so where a pack pays by decisions and people come without any."""
    if pack.fact("decision") is None:
        return
    without = 0
    for facts in table.facts.values():
        stated = {fact.name for fact in facts} - {"birth_date", "death", "sex", "region"}
        without += bool(stated) and "decision" not in stated
    if without:
        print(f"note: {without} people without a decision fact: see pack facts", file=sys.stderr)


def business_day(pack: Pack) -> date:
    """Today in the pack's country."""
    return datetime.now(tz=ZoneInfo(pack.time_zone)).date()


def pack_folder() -> Path | None:
    """The ministry's folder of packs, as the service that judges people is told it."""
    return LawSettings().packs


def known_packs() -> tuple[str, ...]:
    """The codes of all packs, or the command ends with what is wrong with the folder."""
    try:
        return tuple(pack_files(pack_folder()))
    except PackRefused as refused:
        refuse([Refused("HAMROH_PACKS", "bad_pack", str(refused))])


def chosen_pack(name: str, *, sound: bool = False) -> Pack:
    """A pack by its code, or one read from a TOML file; `sound` also analyses it."""
    path = Path(name)
    is_file = path.suffix == ".toml"
    if not is_file and name not in (known := known_packs()):
        refuse([Refused("--pack", "unknown_pack", f"none of {', '.join(known)}")])
    found = read_pack(pack_file(path)) if is_file else load_pack(name, pack_folder())
    findings = found if isinstance(found, tuple) else analyse(found) if sound else ()
    if findings or not isinstance(found, Pack):
        refuse([Refused(item.place, item.code, item.detail) for item in findings])
    return found


def pack_file(path: Path) -> str:
    """The text of an official's pack, or the command ends with what keeps it from being read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        refuse([Refused(str(path), "no_file", fault.strerror or "cannot be read")])
    except UnicodeDecodeError as fault:
        refuse([Refused(str(path), "not_utf8", fault.reason)])


def read_table(pack: Pack, path: Path, today: date) -> FactTable:
    """The facts of a CSV file, or the command ends with everything that is wrong with them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            table = read_facts(lines)
    except UnicodeDecodeError as fault:
        refuse([Refused(str(path.name), "not_utf8", fault.reason)])
    if isinstance(table, tuple):
        refuse(list(table))
    refused = refuse_table(pack, table, today)
    if refused:
        refuse(list(refused))
    return table


def refuse(refused: list[Refused]) -> NoReturn:
    """Say what was refused and where, and end the command."""
    for item in refused[:SHOWN]:
        print(f"{item.place}: {item.code}: {item.detail}", file=sys.stderr)
    if len(refused) > SHOWN:
        print(f"and {len(refused) - SHOWN} more", file=sys.stderr)
    raise typer.Exit(2)


def _write(
    pack: Pack, table: FactTable, months: tuple[str, ...], known_at: date | None, out: Path
) -> int:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    written = 0
    for person, row in judged(pack, table, months, known_at):
        writer.writerow((person, *_cells(row)))
        written += 1
    try:
        out.write_text(text.getvalue(), encoding="utf-8")
    except OSError as fault:
        refuse([Refused(str(out), "not_written", fault.strerror or "cannot be written")])
    return written


def judged(
    pack: Pack, table: FactTable, months: tuple[str, ...], known_at: date | None
) -> Iterator[tuple[str, MonthlyEntitlement]]:
    """Everybody's months, in the order of the table; the command ends at the first refusal."""
    for person, facts in table.facts.items():
        found = entitle(pack, facts, months, known_at, table.facts)
        if isinstance(found, Refused):
            if found.code == "missing" and known_at is not None:
                continue  # not known to anybody on that day: nothing could be due
            if found.place == "months":
                refuse([Refused("--months", found.code, found.detail)])
            refuse([locate(table, person, found)])
        for row in found:
            yield person, row


def _cells(row: MonthlyEntitlement) -> tuple[str | int, ...]:
    return (
        row.month,
        row.component,
        row.group,
        row.coefficient,
        row.amount_minor,
        row.currency,
        row.kind,
        row.reason,
    )


def month_window(text: str) -> tuple[str, ...]:
    """The months of `2024-06..2024-10`, or of one month."""
    first, dots, last = text.partition("..")
    start, end = parse_month(first), parse_month(last if dots else first)
    if start is None or end is None or end < start:
        refuse([Refused("--months", "bad_month", "months are written 2024-06..2024-10")])
    if end - start >= MAX_MONTHS:
        refuse([Refused("--months", "too_many", f"at most {MAX_MONTHS} months at once")])
    return tuple(month_text(month) for month in range(start, end + 1))


def optional_day(text: str, option: str) -> date | None:
    """The day an option names, None where it is not given."""
    if not text:
        return None
    day = parse_day(text)
    if day is None:
        refuse([Refused(option, "bad_date", "a day is written 2024-06-30")])
    return unpack_day(day)


if __name__ == "__main__":
    app()
