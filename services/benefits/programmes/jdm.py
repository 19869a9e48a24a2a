"""Decision tables in the JSON format of the GoRules editors (JDM), out and back in.

A table is one decision-table node that gives every row that holds on a day (`row`, with its
group and coefficient). Age is a number, flags are booleans, codes are texts, and facts with
several values at once are lists. Derived inputs are flags of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from re import compile as pattern
from typing import Any, Final

from services.benefits.programmes.pack import Finding, Pack, Row, Table

_BAND: Final = pattern(r"\[([0-9]{1,3})\.\.([0-9]{1,3})\)|>= ?([0-9]{1,3})")
_SOME: Final = pattern(r"some\(\$, # in \[(.*)\]\)")
_OUTPUTS: Final = ("row", "group", "coefficient")


def export_table(pack: Pack, table: Table) -> dict[str, Any]:
    """A table as a JDM document with one input, one decision table and one output."""
    inputs = list(dict.fromkeys(name for row in table.rows for name in row.cells))
    hit = "first" if table.hit == "first" else "collect"
    content = {
        "hitPolicy": hit,
        "inputs": [{"id": f"in-{name}", "name": name, "field": name} for name in inputs],
        "outputs": [{"id": f"out-{name}", "name": name, "field": name} for name in _OUTPUTS],
        "rules": [_rule(pack, row, inputs) for row in table.rows],
    }
    return {
        "nodes": [
            _node("inputNode", "input", {}),
            _node("decisionTableNode", table.name, content),
            _node("outputNode", "output", {}),
        ],
        "edges": [
            {"id": "edge-1", "sourceId": "input", "targetId": table.name, "type": "edge"},
            {"id": "edge-2", "sourceId": table.name, "targetId": "output", "type": "edge"},
        ],
    }


@dataclass(frozen=True, slots=True)
class Imported:
    """What a JDM document says about a table of ours: the cells and coefficient of each row."""

    table: Table
    rows: dict[str, dict[str, str]]


def import_cells(pack: Pack, document: Any) -> Imported | tuple[Finding, ...]:
    """The rows of a JDM document, or what is wrong with it.

    Rows must be rows of the table: legal references and sources are not part of JDM, so a row
    that does not exist here cannot come from there.
    """
    nodes = _listed(document, "nodes")
    tables = {table.name: table for table in pack.tables}
    found = [node for node in nodes if node.get("name") in tables]
    if len(found) != 1:
        return (Finding("nodes", "not_one_table", "exactly one table of this pack is expected"),)
    table, content = tables[found[0]["name"]], found[0].get("content")
    fields = {str(item.get("id")): str(item.get("field")) for item in _listed(content, "inputs")}
    known = {row.id for row in table.rows}
    rows: dict[str, dict[str, str]] = {}
    findings: list[Finding] = []
    for rule in _listed(content, "rules"):
        name = _unquoted(rule.get("out-row"))
        if name not in known:
            detail = f"{table.name} has no such row"
            findings.append(Finding(f"rules.{name}", "unknown_row", detail))
            continue
        rows[name] = {"coefficient": _unquoted(rule.get("out-coefficient"))}
        for key, field in fields.items():
            text = str(rule.get(key, "")).strip()
            cell = _cell(pack, field, text) if text else ""
            if cell is None:
                place = f"rules.{name}.{field}"
                findings.append(Finding(place, "bad_cell", f"cannot read {text!r}"))
            elif cell:
                rows[name][field] = cell
    return tuple(findings) or Imported(table, rows)


def merge_cells(imported: Imported, sheet: list[list[str]]) -> None:
    """Lay imported cells over the table's sheet; rows that are not among them go."""
    header = sheet[0]
    inputs = {name for row in imported.table.rows for name in row.cells} | {"coefficient"}
    for name in sorted({key for cells in imported.rows.values() for key in cells} - set(header)):
        place = header.index("law")
        for row in sheet:
            row.insert(place, name if row is header else "")
    identity = header.index("id")
    sheet[1:] = [row for row in sheet[1:] if row[identity] in imported.rows]
    for row in sheet[1:]:
        cells = imported.rows[row[identity]]
        for column, key in enumerate(header):
            if key in inputs or key in cells:
                row[column] = _same(row[column], cells.get(key, ""))


def _same(ours: str, theirs: str) -> str:
    """Our way to say the same, where there are two: any value of a flag is its yes."""
    return ours if ours == "any" and theirs == "yes" else theirs


def _listed(holder: Any, name: str) -> list[dict[str, Any]]:
    """The objects of a list in a document that may be anything."""
    found = holder.get(name) if isinstance(holder, dict) else None
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _unquoted(value: Any) -> str:
    return str(value or "").strip("'\"")


def _node(kind: str, name: str, content: dict[str, Any]) -> dict[str, Any]:
    node = {"id": name, "type": kind, "name": name, "position": {"x": 0, "y": 0}}
    return {**node, "content": content} if content else node


def _rule(pack: Pack, row: Row, inputs: list[str]) -> dict[str, str]:
    rule = {"_id": row.id}
    for name in inputs:
        rule[f"in-{name}"] = _expression(pack, name, row.cells.get(name, ""))
    rule["out-row"] = f"'{row.id}'"
    rule["out-group"] = f"'{row.group}'"
    rule["out-coefficient"] = f"'{row.coefficient}'"
    return rule


def _expression(pack: Pack, name: str, cell: str) -> str:
    if not cell:
        return ""
    if name == "age":
        low, _, high = cell.partition("..")
        return f"[{low}..{high})" if high else f">= {low}"
    spec = pack.fact(name)
    if spec is None or spec.kind not in {"code", "codes"}:
        return {"yes": "true", "any": "true", "no": "false"}[cell]
    values = spec.values if cell in {"any", "no"} else cell.split("|")
    texts = ", ".join(f"'{value}'" for value in values)
    if spec.kind == "codes":
        return f"some($, # in [{texts}])"
    return f"$ not in [{texts}]" if cell == "no" else texts


def _cell(pack: Pack, name: str, text: str) -> str | None:
    """A cell of ours from an expression of theirs, or None where it says something else."""
    if name == "age":
        band = _BAND.fullmatch(text)
        return None if band is None else f"{band[1] or band[3]}..{band[2] or ''}"
    spec = pack.fact(name)
    if spec is None or spec.kind not in {"code", "codes"}:
        return {"true": "yes", "false": "no"}.get(text)
    some = _SOME.fullmatch(text)
    if some is not None:
        text = some[1]
    elif text.startswith("$ not in"):
        return "no"
    values = tuple(_values(text))
    return "|".join(values) if values and set(values) <= set(spec.values) else None


def _values(text: str) -> Iterator[str]:
    for part in text.split(","):
        yield part.strip().strip("'\"")
