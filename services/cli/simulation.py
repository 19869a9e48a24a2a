"""`hamroh pack simulate`: what a pack costs and whom it reaches, over a file of people."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import numpy as np
import typer

from contracts.values import CURRENCY_EXPONENT
from services.benefits.programmes.columns import Grid, judge_people
from services.benefits.programmes.days import parse_month
from services.benefits.programmes.fact_table import COLUMNS
from services.benefits.programmes.facts import Refused
from services.benefits.programmes.intake import FactRow, Intake
from services.benefits.programmes.loading import plan_of
from services.benefits.programmes.people import Amounts
from services.benefits.programmes.plan import Plan
from services.cli.charts import line_chart
from services.cli.entitlement import (
    business_day,
    chosen_pack,
    month_window,
    optional_day,
    refuse,
    without_collector,
)

BATCH: Final = 50_000
"""People held as rows at one time."""
Counts = dict[tuple[str, ...], list[int]]
"""People and minor units by key."""


@dataclass(slots=True)
class Tally:
    """What a simulation adds up; nothing in it names a person."""

    by_month: Counts = field(default_factory=dict)
    by_region: Counts = field(default_factory=dict)
    by_group: Counts = field(default_factory=dict)
    compared: dict[str, list[int]] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    people: int = 0


def simulate(  # noqa: PLR0913 - one argument per option of the command
    pack: Annotated[str, typer.Argument(help="Code of a packaged rule pack, or a TOML file.")],
    facts: Annotated[
        Path,
        typer.Option(
            help="CSV or Parquet of facts, grouped by person.", exists=True, dir_okay=False
        ),
    ],
    months: Annotated[str, typer.Option(help="Months, such as 2024-06..2025-05.")],
    out: Annotated[Path, typer.Option(help="Directory for the results.")],
    against: Annotated[str, typer.Option(help="A second pack: who gains, who loses.")] = "",
    reference: Annotated[
        Path | None, typer.Option(help="CSV person_id,in_need: coverage and leakage.", exists=True)
    ] = None,
    known_at: Annotated[str, typer.Option(help="Judge by what was known on this day.")] = "",
) -> None:
    """Simulate a pack over many people: cost by month, region and group, winners and losers."""
    began = perf_counter()
    plan = plan_of(chosen_pack(pack, sound=True))
    other = plan_of(chosen_pack(against, sound=True)) if against else None
    window = month_window(months)
    needy = _reference(reference) if reference else None
    tally = Tally()
    known = optional_day(known_at, "--known-at")
    with without_collector():
        linked = _linked_rows(plan, facts)
        for batch in _batches(facts):
            intakes = [_taken(p, batch, known, linked) for p in (plan, other) if p is not None]
            _count(tally, plan, intakes[0], window)
            if other is not None:
                _compare(tally, (plan, other), intakes, window)
            if needy is not None:
                _reach(tally, plan, intakes[0], window, needy)
    _write(tally, plan, window, out)
    seconds = perf_counter() - began
    cost = sum(amount for _, amount in tally.by_month.values())
    print(
        f"simulate people={tally.people} months={len(window)} cost_minor={cost}"
        f" currency={plan.pack.currency} seconds={seconds:.1f}"
    )


def _batches(path: Path) -> Iterator[list[tuple[str, list[FactRow]]]]:
    """People with their rows, some at a time; the file is read once and never held whole."""
    with _rows(path) as rows:
        people = ((person, list(own)) for person, own in groupby(rows, key=itemgetter(0)))
        while batch := list(islice(people, BATCH)):
            yield batch


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[FactRow]]:
    if path.suffix == ".parquet":
        yield _parquet_rows(path)
        return
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines, strict=True)
        header = next(rows, [])
        if list(header[:6]) != list(COLUMNS):
            refuse([Refused("row 1", "bad_header", f"the columns are {','.join(COLUMNS)}")])
        yield rows


def _parquet_rows(path: Path) -> Iterator[FactRow]:
    """The rows of a Parquet file, read by DuckDB, which the extra `bulk` brings."""
    try:
        import duckdb
    except ImportError:
        refuse([Refused(path.name, "no_reader", "Parquet needs hamroh[bulk]; CSV does not")])
    columns = ", ".join(f"coalesce(cast(\"{name}\" as varchar), '')" for name in COLUMNS)
    try:
        found = duckdb.execute(f"select {columns} from read_parquet(?)", [str(path)])
    except duckdb.Error as fault:
        refuse([Refused(path.name, "bad_parquet", str(fault).partition("\n")[0])])
    while rows := found.fetchmany(100_000):
        yield from rows


def _linked_rows(plan: Plan, path: Path) -> dict[str, list[FactRow]]:
    """The rows of everybody that somebody is linked to, if anybody is: passes over the file."""
    links = {spec.name for spec in plan.pack.facts if spec.kind == "link"}
    if not links or not _mentions(path, links):
        return {}
    with _rows(path) as rows:
        wanted = {row[2] for row in rows if len(row) > 2 and row[1] in links}  # noqa: PLR2004 - its value
    found: dict[str, list[FactRow]] = {}
    with _rows(path) as rows:
        for row in rows:
            if row and row[0] in wanted:
                found.setdefault(row[0], []).append(row)
    return found


def _mentions(path: Path, names: set[str]) -> bool:
    """Whether a CSV file has any of the facts at all, which is quicker seen than read."""
    if path.suffix == ".parquet":
        return True
    with path.open("rb") as lines:
        marks = [f",{name},".encode() for name in names]
        return any(mark in line for line in lines for mark in marks)


def _taken(
    plan: Plan,
    batch: Iterable[tuple[str, list[FactRow]]],
    known_at: date | None,
    linked: dict[str, list[FactRow]],
) -> Intake:
    intake = Intake(plan, known_at, business_day(plan.pack), linked)
    for person, rows in batch:
        refused = intake.add(person, rows)
        if refused is not None and not (refused.code == "missing" and known_at is not None):
            refuse(
                [Refused(f"person {person}", refused.code, f"{refused.place}: {refused.detail}")]
            )
    return intake


def _judged(plan: Plan, intake: Intake, window: tuple[str, ...]) -> Grid:
    first, last = parse_month(window[0]) or 0, parse_month(window[-1]) or 0
    return judge_people(plan, intake.people(), first, last)


def _count(tally: Tally, plan: Plan, intake: Intake, window: tuple[str, ...]) -> None:
    grid = _judged(plan, intake, window)
    tally.people += len(intake.persons)
    regions = np.array(intake.regions)
    names, region = np.unique(regions, return_inverse=True)
    for column, month in enumerate(window):
        amounts = grid.total[:, column]
        paid = amounts > 0
        _add(tally.by_month, (month,), int(paid.sum()), int(amounts.sum()))
        heads = np.bincount(region[paid], minlength=len(names))
        sums = np.bincount(region, weights=amounts, minlength=len(names))
        for number, name in enumerate(names.tolist()):
            _add(tally.by_region, (month, name), int(heads[number]), int(sums[number]))
        _count_groups(tally, plan, grid, column, month)


def _count_groups(tally: Tally, plan: Plan, grid: Grid, column: int, month: str) -> None:
    groups = ["", *(rule.group for rule in plan.rules)]
    paid = np.flatnonzero(grid.total[:, column] > 0)
    planes = np.stack([plane[paid, column] for plane in grid.rules], axis=1)
    kinds, which = np.unique(planes, axis=0, return_inverse=True)
    amounts = grid.total[paid, column]
    for number, kind in enumerate(kinds.tolist()):
        label = "+".join(groups[rule + 1] for rule in kind if rule >= 0)
        mine = which.ravel() == number
        _add(tally.by_group, (month, label), int(mine.sum()), int(amounts[mine].sum()))


def _add(counts: Counts, key: tuple[str, ...], people: int, amount: int) -> None:
    held = counts.setdefault(key, [0, 0])
    held[0] += people
    held[1] += amount


def _compare(
    tally: Tally, plans: tuple[Plan, Plan], intakes: list[Intake], window: tuple[str, ...]
) -> None:
    """Who gains and who loses over all months if the second pack replaces the first."""
    before, after = (
        _judged(plan, intake, window).total.sum(axis=1)
        for plan, intake in zip(plans, intakes, strict=True)
    )
    gain: Amounts = after - before
    for name, chosen in (("winners", gain > 0), ("losers", gain < 0), ("unchanged", gain == 0)):
        held = tally.compared.setdefault(name, [0, 0])
        held[0] += int(chosen.sum())
        held[1] += int(gain[chosen].sum())


def _reach(
    tally: Tally, plan: Plan, intake: Intake, window: tuple[str, ...], needy: dict[str, bool]
) -> None:
    """Of those in need who is paid at all, and of those paid who is not in need."""
    paid = np.count_nonzero(_judged(plan, intake, window).total, axis=1)
    for person, reached in zip(intake.persons, paid.tolist(), strict=True):
        need = needy.get(person)
        if need is not None:
            name = ("need" if need else "no_need") + ("_paid" if reached else "_unpaid")
            tally.reached[name] = tally.reached.get(name, 0) + 1


def _reference(path: Path) -> dict[str, bool]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if rows.fieldnames is None or not {"person_id", "in_need"} <= set(rows.fieldnames):
            refuse([Refused(path.name, "bad_header", "the columns are person_id,in_need")])
        return {row["person_id"]: row["in_need"] == "yes" for row in rows}


def _write(tally: Tally, plan: Plan, window: tuple[str, ...], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    header = ("people", "amount_minor")
    _write_csv(out / "by_month.csv", ("month", *header), tally.by_month)
    _write_csv(out / "by_region.csv", ("month", "region", *header), tally.by_region)
    _write_csv(out / "by_group.csv", ("month", "group", *header), tally.by_group)
    unit = 10 ** CURRENCY_EXPONENT.get(plan.pack.currency, 2)
    series = [tally.by_month[month,][1] // unit for month in window]
    title = f"{plan.pack.code} {plan.pack.version}: cost by month in {plan.pack.currency}"
    (out / "by_month.svg").write_text(line_chart(title, window, series), encoding="utf-8")
    for name, (people, amount) in tally.compared.items():
        print(f"{name} people={people} amount_minor={amount}")
    if tally.reached:
        _print_reach(tally.reached)


def _print_reach(reached: dict[str, int]) -> None:
    """Coverage and leakage as whole permille, which never pretend to more than was counted."""
    paid, unpaid = reached.get("need_paid", 0), reached.get("need_unpaid", 0)
    leaked = reached.get("no_need_paid", 0)
    coverage = 1000 * paid // max(paid + unpaid, 1)
    leakage = 1000 * leaked // max(paid + leaked, 1)
    print(f"coverage_permille={coverage} leakage_permille={leakage} in_need={paid + unpaid}")


def _write_csv(path: Path, header: tuple[str, ...], counts: Counts) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(header)
        writer.writerows((*key, *values) for key, values in sorted(counts.items()))
