"""A pack's tables as sheets of text, and back: what was not edited comes back byte for byte.

Sheets hold the rows of decision tables and member tables, and the values of parameters. Coming
back, only the lines of edited rows change in the pack's TOML text; everything else stays.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from re import compile as pattern
from typing import Any, Final, NamedTuple

from services.benefits.programmes.analysis import analyse
from services.benefits.programmes.days import parse_day
from services.benefits.programmes.loading import read_pack
from services.benefits.programmes.pack import Finding, Pack

Sheet = Sequence[Sequence[str]]
"""A header and rows of text cells; an empty cell is an absent key."""

_BEFORE: Final = ("id", "group", "component", "kind", "weight")
_AFTER: Final = ("per", "count", "self_weight", "rate", "amount", "coefficient")
_LAST: Final = ("less", "less_divisor", "from", "to", "value", "law", "verified", "source")
_DAYS: Final = frozenset({"from", "to"})
_NUMBERS: Final = frozenset({"less_divisor"})
_WHOLE: Final = pattern(r"[1-9][0-9]{0,3}")
_KEY: Final = pattern(r"[a-z][a-z0-9_]{0,47}")
_HEADERS: Final = {"tables": "rows", "members": "rows", "parameters": "values"}
PARAMETERS: Final = "parameters"


class SheetFault(NamedTuple):
    """What is wrong in a sheet: row and column counted from 1 and named; 0 for the whole."""

    sheet: str
    row: int
    column: str
    detail: str


class _Block(NamedTuple):
    """The lines of one list of inline tables in the text: first line and one past the last."""

    begin: int
    end: int
    entries: list[dict[str, Any]]


def sheets_of(text: str) -> dict[str, Sheet]:
    """The sheets of a pack's TOML text: one per table, one for all parameters."""
    sheets: dict[str, Sheet] = {}
    parameters: list[dict[str, Any]] = []
    for kind, name, block in _blocks(text):
        if kind == "parameters":
            parameters += [{"parameter": name, **entry} for entry in block.entries]
        else:
            sheets[name] = _sheet(block.entries, ())
    sheets[PARAMETERS] = _sheet(parameters, ("parameter",))
    return sheets


def apply_sheets(text: str, sheets: Mapping[str, Sheet]) -> str | tuple[SheetFault, ...]:
    """The pack's text with the sheets' edits, or everything wrong with the sheets."""
    faults: list[SheetFault] = []
    lines = text.split("\n")
    for kind, name, block in reversed(list(_blocks(text))):
        sheet = sheets.get(PARAMETERS if kind == "parameters" else name)
        if sheet is None:
            continue
        where = PARAMETERS if kind == "parameters" else name
        entries = [entry for entry in _entries(where, sheet, faults) if _belongs(entry, kind, name)]
        for entry in entries:
            entry.pop("parameter", None)
        if entries != block.entries:
            lines[block.begin : block.end] = _written(
                lines[block.begin : block.end], block, entries
            )
    faults += _strangers(text, sheets)
    if faults:
        return tuple(dict.fromkeys(faults))
    edited = "\n".join(lines)
    return tuple(_findings(edited, sheets)) or edited


def _belongs(entry: dict[str, Any], kind: str, name: str) -> bool:
    return kind != "parameters" or entry.get("parameter") == name


def _blocks(text: str) -> Iterator[tuple[str, str, _Block]]:
    """The lists of rows in a text that keeps one row a line, as all packs do."""
    lines = text.split("\n")
    kind = name = ""
    for number, line in enumerate(lines):
        if line.startswith("[["):
            kind, name = line.strip("[] "), ""
        elif line.startswith("name = "):
            name = tomllib.loads(line)["name"]
        elif kind in _HEADERS and line.startswith(f"{_HEADERS[kind]} = ["):
            end = next(i for i in range(number, len(lines)) if lines[i].startswith("]"))
            body = [line for line in lines[number + 1 : end] if line.strip()]
            entries = [tomllib.loads(f"row = {line.strip().rstrip(',')}")["row"] for line in body]
            yield kind, name, _Block(number + 1, end, entries)


def _sheet(entries: Sequence[dict[str, Any]], leading: tuple[str, ...]) -> Sheet:
    present = {key for entry in entries for key in entry}
    fixed = {*leading, *_BEFORE, *_AFTER, *_LAST}
    cells = [key for key in dict.fromkeys(k for e in entries for k in e) if key not in fixed]
    columns = [
        *(key for key in (*leading, *_BEFORE) if key in present),
        *cells,
        *(key for key in (*_AFTER, *_LAST) if key in present),
    ]
    return [columns, *([_text(entry.get(key)) for key in columns] for entry in entries)]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _entries(where: str, sheet: Sheet, faults: list[SheetFault]) -> list[dict[str, Any]]:
    header = [str(cell).strip() for cell in sheet[0]] if sheet else []
    faults.extend(
        SheetFault(where, 1, column, "no name of a column, or one that comes twice")
        for column in header
        if _KEY.fullmatch(column) is None or header.count(column) > 1
    )
    entries = []
    for number, row in enumerate(sheet[1:], start=2):
        if any(cell.strip() for cell in row):
            entry: dict[str, Any] = {}
            for column, cell in zip(header, row, strict=False):
                if cell.strip():
                    entry[column] = _value(where, number, column, cell.strip(), faults)
            entries.append(entry)
    return entries


def _value(where: str, row: int, column: str, cell: str, faults: list[SheetFault]) -> Any:
    if column in _DAYS:
        if parse_day(cell) is None:
            faults.append(SheetFault(where, row, column, "a day is written 2024-06-30"))
            return cell
        return date.fromisoformat(cell)
    if column in _NUMBERS:
        if _WHOLE.fullmatch(cell) is None:
            faults.append(SheetFault(where, row, column, "a whole number"))
            return cell
        return int(cell)
    return cell


def _strangers(text: str, sheets: Mapping[str, Sheet]) -> Iterator[SheetFault]:
    """Sheets, and parameters within them, that the pack does not have."""
    blocks = list(_blocks(text))
    known = {name for kind, name, _ in blocks if kind != "parameters"} | {PARAMETERS}
    for sheet in sheets.keys() - known:
        yield SheetFault(sheet, 0, "", "the pack has no such table")
    parameters = {name for kind, name, _ in blocks if kind == "parameters"}
    for number, entry in enumerate(_entries(PARAMETERS, sheets.get(PARAMETERS, ()), []), start=2):
        if entry.get("parameter") not in parameters:
            yield SheetFault(PARAMETERS, number, "parameter", "the pack has no such parameter")


def _written(old: list[str], block: _Block, entries: list[dict[str, Any]]) -> list[str]:
    """The block's lines: those of unchanged rows as they were, the others written anew."""
    lines = [line for line in old if line.strip()]
    by_entry = [(entry, line) for entry, line in zip(block.entries, lines, strict=True)]
    written = []
    for entry in entries:
        kept = next((line for known, line in by_entry if known == entry), None)
        written.append(kept if kept is not None else _line(entry))
    return written


def _line(entry: dict[str, Any]) -> str:
    return "  { " + ", ".join(f"{key} = {_toml(value)}" for key, value in entry.items()) + " },"


def _toml(value: Any) -> str:
    if isinstance(value, date | int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _findings(text: str, sheets: Mapping[str, Sheet]) -> Iterator[SheetFault]:
    """What is wrong with the edited pack, as faults of the cells it comes from."""
    found = read_pack(text)
    for finding in analyse(found) if isinstance(found, Pack) else found:
        yield _located(finding, sheets)


def _located(finding: Finding, sheets: Mapping[str, Sheet]) -> SheetFault:
    parts = finding.place.split(".")
    detail = f"{finding.code}: {finding.detail}"
    if parts[0] in {"tables", "members"} and len(parts) > 1 and parts[1] in sheets:
        _, name, row_id, *path = (*parts, "")
        sheet = sheets[name]
        rows = [list(row)[: len(sheet[0])] for row in sheet]
        identity = list(sheet[0]).index("id") if "id" in sheet[0] else 0
        ids = [row[identity].strip() if len(row) > identity else "" for row in rows]
        row = ids.index(row_id) + 1 if row_id in ids else 0
        column = next((part for part in reversed(path) if part in sheet[0]), "")
        return SheetFault(name, row, column, detail)
    if parts[0] == "parameters" and len(parts) > 1:
        return SheetFault(PARAMETERS, _parameter_row(parts, sheets), "", detail)
    return SheetFault("", 0, finding.place, detail)


def _parameter_row(parts: list[str], sheets: Mapping[str, Sheet]) -> int:
    """The first row of a parameter, moved on by the number of the value where it is known."""
    rows = [row[0] for row in sheets.get(PARAMETERS, ())]
    if parts[1] not in rows:
        return 0
    offset = next((int(part) for part in parts[2:] if part.isdigit()), 0)
    return rows.index(parts[1]) + 1 + offset
