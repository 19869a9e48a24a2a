"""Disclosure control: which cells of a table are hidden so that no small count can be solved.

Counts of 1 to 4 are hidden, zero is shown (primary suppression). Further cells are hidden, the
smallest first, until every row and column that hides something hides at least two (complementary
suppression): then no hidden cell follows from the others by subtraction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

THRESHOLD = 5
TOTAL = "total"

Place = tuple[str, str]
"""(row, column); either may be `TOTAL`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as published: `count` is None where it is hidden."""

    row: str
    column: str
    count: int | None


def with_totals(counts: Mapping[Place, int]) -> dict[Place, int]:
    """The table with the totals of its rows, its columns and all."""
    rows = sorted({row for row, _ in counts})
    columns = sorted({column for _, column in counts})
    table = {(row, column): counts.get((row, column), 0) for row in rows for column in columns}
    for row in rows:
        table[row, TOTAL] = sum(table[row, column] for column in columns)
    for column in (*columns, TOTAL):
        table[TOTAL, column] = sum(table[row, column] for row in rows)
    return table


def hidden_cells(table: Mapping[Place, int]) -> frozenset[Place]:
    """The cells to hide in a table with totals: rows are mended before columns."""
    hidden = {place for place, count in table.items() if 0 < count < THRESHOLD}
    rows, columns = _lines(table)
    while further := _next(table, rows, hidden) or _next(table, columns, hidden):
        hidden.add(further)
    return frozenset(hidden)


def _lines(table: Mapping[Place, int]) -> tuple[list[list[Place]], list[list[Place]]]:
    """Rows and columns, each with its total: the sums that a reader can subtract in."""
    rows = sorted({row for row, _ in table})
    columns = sorted({column for _, column in table})
    across = [[(row, column) for column in columns] for row in rows]
    down = [[(row, column) for row in rows] for column in columns]
    return across, down


def _next(
    table: Mapping[Place, int], lines: Iterable[Sequence[Place]], hidden: set[Place]
) -> Place | None:
    """The smallest cell that would keep a lone hidden one from being told; totals last, no zero."""
    candidates = [
        place
        for line in lines
        if sum(place in hidden for place in line) == 1
        for place in line
        if place not in hidden and table[place] > 0
    ]
    return min(candidates, key=lambda place: (TOTAL in place, table[place], place), default=None)


def tells_few(before: Mapping[Place, int | None], after: Mapping[Place, int | None]) -> bool:
    """Whether who subtracts a former publication from this one learns of 1 to 4: then it waits."""
    changes = (
        abs(now - was)
        for place, now in after.items()
        if now is not None and (was := before.get(place)) is not None
    )
    return any(0 < change < THRESHOLD for change in changes)


def publish(counts: Mapping[Place, int]) -> list[Cell]:
    """The table with its totals, as it may be shown to anybody."""
    table = with_totals(counts)
    hidden = hidden_cells(table)
    return [
        Cell(row, column, None if (row, column) in hidden else count)
        for (row, column), count in sorted(table.items())
    ]
