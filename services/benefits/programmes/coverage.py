"""What a table's rows leave out or say twice: gaps, overlaps and rows that never decide."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise

from services.benefits.programmes.pack import Finding, Pack, Row, Table, scaled
from services.benefits.programmes.plan import age_band

OLDEST = 999
"""Above every age: the end of a band that has none."""
_DAY = timedelta(days=1)
Period = tuple[date, date]


def table_findings(pack: Pack) -> Iterator[Finding]:
    """Gaps, overlaps and unreachable rows of every table of a pack whose references are sound."""
    for table in pack.tables:
        yield from _overlaps(pack, table)
        yield from _age_gaps(pack, table)
        yield from _law_gaps(pack, table)
        yield from _unreachable(pack, table)


def _band(row: Row) -> tuple[int, int]:
    low, high = age_band(row.cells.get("age", "0.."))
    return low, OLDEST if high is None else high


def _law(pack: Pack, row: Row) -> Period:
    return row.from_ or pack.law_from, row.to or date.max


def _others(row: Row) -> frozenset[tuple[str, str]]:
    """The cells besides age."""
    return frozenset((name, cell) for name, cell in row.cells.items() if name != "age")


def _kin(row: Row) -> tuple[object, ...]:
    """Rows that differ only in age or law period share this."""
    return row.group, row.component, row.count, _others(row)


def _share_days(pack: Pack, left: Row, right: Row) -> bool:
    (a, b), (c, d) = _law(pack, left), _law(pack, right)
    return a <= d and c <= b


def _share_ages(left: Row, right: Row) -> bool:
    (a, b), (c, d) = _band(left), _band(right)
    return a < d and c < b


def _compatible(pack: Pack, left: Row, right: Row) -> bool:
    """Whether somebody can be in both rows on one day, as far as their cells tell."""
    if not (_share_days(pack, left, right) and _share_ages(left, right)):
        return False
    for name in left.cells.keys() & right.cells.keys() - {"age"}:
        if _exclude(pack, name, left.cells[name], right.cells[name]):
            return False
    return True


def _exclude(pack: Pack, name: str, left: str, right: str) -> bool:
    if (left == "no") != (right == "no"):
        return True
    spec = pack.fact(name)
    single = spec is not None and spec.kind == "code"
    if not single or {left, right} & {"no", "any"}:
        return False
    return not set(left.split("|")) & set(right.split("|"))


def _overlaps(pack: Pack, table: Table) -> Iterator[Finding]:
    for left, right in combinations(table.rows, 2):
        same = _kin(left) == _kin(right) and _share_days(pack, left, right)
        twice = same and _share_ages(left, right) and table.hit != "first"
        if twice or (table.hit == "unique" and _compatible(pack, left, right)):
            place = f"tables.{table.name}.{right.id}"
            yield Finding(place, "overlap", f"somebody fits {left.id} and {right.id} on one day")


def _families(rows: Sequence[Row]) -> list[list[Row]]:
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(_kin(row), []).append(row)
    return list(found.values())


def _age_gaps(pack: Pack, table: Table) -> Iterator[Finding]:
    """Rows that differ only in age must leave no age out between the youngest and the oldest."""
    for rows in _families(table.rows):
        days = {_law(pack, row)[0] for row in rows}
        for day in sorted(days):
            active = [row for row in rows if _law(pack, row)[0] <= day <= _law(pack, row)[1]]
            ordered = sorted(active, key=_band)
            for younger, older in pairwise(ordered):
                if _band(younger)[1] < _band(older)[0]:
                    yield Finding(
                        f"tables.{table.name}.{older.id}.age",
                        "gap",
                        f"no row from age {_band(younger)[1]} to before {_band(older)[0]}",
                    )


def _law_gaps(pack: Pack, table: Table) -> Iterator[Finding]:
    """Rows that differ only in their law period must follow one another without a day between."""
    families: dict[tuple[object, ...], list[Row]] = {}
    for row in table.rows:
        families.setdefault((*_kin(row), _band(row)), []).append(row)
    for rows in families.values():
        for earlier, later in pairwise(sorted(rows, key=lambda row: _law(pack, row))):
            end, start = _law(pack, earlier)[1], _law(pack, later)[0]
            if end != date.max and end + _DAY < start:
                place = f"tables.{table.name}.{later.id}.from"
                yield Finding(place, "gap", f"no row from {end + _DAY} to {start - _DAY}")


def _unreachable(pack: Pack, table: Table) -> Iterator[Finding]:
    """Rows that another row always beats: before it in a `first` table, or dearer in its group."""
    for index, row in enumerate(table.rows):
        for position, other in enumerate(table.rows):
            if other is row or not _covers(pack, other, row):
                continue
            before = table.hit == "first" and position < index
            if before or (table.hit == "collect" and _beats(other, row, position < index)):
                place = f"tables.{table.name}.{row.id}"
                yield Finding(place, "unreachable", f"{other.id} always decides instead")
                break


def _covers(pack: Pack, wide: Row, narrow: Row) -> bool:
    """Whether everybody in the narrow row is in the wide one too."""
    (a, b), (c, d) = _band(wide), _band(narrow)
    (e, f), (g, h) = _law(pack, wide), _law(pack, narrow)
    return a <= c and d <= b and e <= g and h <= f and _others(wide) <= _others(narrow)


def _beats(other: Row, row: Row, earlier: bool) -> bool:
    same = (other.group, other.rate, other.amount, other.per, other.count, other.less) == (
        row.group,
        row.rate,
        row.amount,
        row.per,
        row.count,
        row.less,
    )
    ours, theirs = scaled(row.coefficient), scaled(other.coefficient)
    return same and row.amount is None and (theirs > ours or (theirs == ours and earlier))
