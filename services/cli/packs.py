"""`hamroh pack`: rule packs for officials: read, check, test, explain, compare, edit, simulate."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook
from rich.console import Console
from rich.table import Table

from services.benefits.programmes import Finding, Pack, PackRefused, read_pack
from services.benefits.programmes.activation import activation_refusals, faults_of, unverified
from services.benefits.programmes.cases import (
    Case,
    cases_beside,
    packaged_cases,
    read_cases,
    run_cases,
)
from services.benefits.programmes.comparison import compare
from services.benefits.programmes.explanation import Explanation, explain
from services.benefits.programmes.facts import Refused
from services.benefits.programmes.jdm import export_table, import_cells, merge_cells
from services.benefits.programmes.loading import own_files, pack_text
from services.benefits.programmes.sheets import apply_sheets, sheets_of
from services.benefits.programmes.speech import LANGUAGES
from services.cli.entitlement import (
    business_day,
    chosen_pack,
    known_packs,
    optional_day,
    pack_file,
    pack_folder,
    read_table,
    refuse,
)
from services.cli.simulation import simulate

app = typer.Typer(
    help="Rule packs: the law as dated data.", no_args_is_help=True, add_completion=False
)
app.command(name="simulate")(simulate)

PackName = Annotated[str, typer.Argument(help="Code of a rule pack, or a TOML file.")]
_SHOWN = 40


@app.command(name="list")
def list_packs() -> None:
    """List the packs with version, digest and what is not verified yet."""
    table = Table("pack", "version", "rows", "not verified", "digest", "title")
    for code in known_packs():
        pack = chosen_pack(code)
        rows = sum(1 for _ in pack.rows())
        open_points = len(unverified(pack))
        table.add_row(code, pack.version, str(rows), str(open_points), pack.digest[:12], pack.title)
    Console().print(table)


@app.command()
def facts(pack: PackName) -> None:
    """List the facts a pack asks for: name, kind, values, and what they mean."""
    chosen = chosen_pack(pack)
    print("fact,kind,values,required,meaning")
    for spec in chosen.facts:
        fixed = {"flag": "yes|no", "date": "YYYY-MM-DD"}.get(spec.kind, "")
        values = "|".join(spec.values) or fixed
        required = "required" if spec.required else ""
        print(f'{spec.name},{spec.kind},{values},{required},"{spec.text}"')
    for note in chosen.notes:
        print(f"# note{'' if note.verified == 'yes' else ' (not verified)'}: {note.text}")
    print("# a month counts if all conditions of a row hold on one of its days; what an end, a")
    print("# birthday or a fact that speaks against lowers counts from the month after it")
    print("# columns: person_id,fact,value,from,to,known_since[,source]; from and to are days,")
    print("# both included; empty means since ever, without end, always known. A row known later")
    print("# restates the row of the same fact and first day, and overrides others where it lies.")
    print(
        "# The value none (for several values at once: !VALUE) takes the fact with the same first"
    )
    print(
        "# day back, as if never stated; where there is none, it says that the fact does not hold."
    )


@app.command()
def check(
    pack: PackName,
    *,
    real_money: Annotated[bool, typer.Option(help="Refuse unverified rows too.")] = False,
) -> None:
    """Look for gaps, overlaps, unreachable rows, unknown facts and floats; exit 1 if any."""
    found = _read(pack)
    findings = found if isinstance(found, tuple) else faults_of(found)
    if isinstance(found, Pack) and not findings:
        findings = activation_refusals(found, real_money=real_money)
    for finding in findings:
        print(f"{finding.place}: {finding.code}: {finding.detail}")
    print(f"check findings={len(findings)}")
    raise typer.Exit(1 if findings else 0)


def _read(name: str) -> Pack | tuple[Finding, ...]:
    path = Path(name)
    if path.suffix == ".toml":
        return read_pack(pack_file(path))
    return chosen_pack(name)


@app.command(name="test")
def run_tests(
    pack: PackName,
    cases: Annotated[Path | None, typer.Option(help="TOML file of cases.", exists=True)] = None,
) -> None:
    """Run the test cases beside a pack, or those of a file; exit 1 if one fails."""
    chosen = chosen_pack(pack, sound=True)
    wanted = _cases_beside(pack, chosen.code) if cases is None else _cases(cases)
    if not wanted:
        print("no test cases: an empty set of cases proves nothing", file=sys.stderr)
        raise typer.Exit(1)
    failures = run_cases(chosen, wanted)
    for failure in failures:
        print(f"{failure.case}: {failure.month}: {failure.found}, not {failure.expected}")
    print(f"test cases={len(wanted)} failures={len(failures)}")
    raise typer.Exit(1 if failures else 0)


def _cases_beside(name: str, code: str) -> tuple[Case, ...]:
    folder, path = pack_folder(), Path(name)
    file = path if path.suffix == ".toml" else own_files(folder).get(code) if folder else None
    try:
        return cases_beside(file, code) if file else packaged_cases(code)
    except PackRefused as refused:
        refuse([Refused("cases", "bad_cases", str(refused))])


def _cases(path: Path) -> tuple[Case, ...]:
    try:
        return read_cases(pack_file(path))
    except ValueError as fault:  # what is no TOML, and what is no case
        refuse([Refused(path.name, "bad_cases", str(fault))])


@app.command(name="explain")
def explain_person(
    pack: PackName,
    facts: Annotated[Path, typer.Option(help="CSV of dated facts.", exists=True)],
    person: Annotated[str, typer.Option(help="Whose month is explained.")],
    month: Annotated[str, typer.Option(help="The month, such as 2024-09.")],
    language: Annotated[str, typer.Option(help=f"One of {', '.join(LANGUAGES)}.")] = "en",
    known_at: Annotated[str, typer.Option(help="By what was known on this day.")] = "",
) -> None:
    """Explain a person's month in their language."""
    chosen = chosen_pack(pack, sound=True)
    table = read_table(chosen, facts, business_day(chosen))
    if language not in LANGUAGES or person not in table.facts:
        what = "language" if language not in LANGUAGES else "person"
        print(f"unknown {what}", file=sys.stderr)
        raise typer.Exit(2)
    known = optional_day(known_at, "--known-at")
    found = explain(chosen, table.facts[person], month, language, known, table.facts)
    if not isinstance(found, Explanation):
        refuse([found])
    print(found.text)


@app.command()
def diff(before: PackName, after: PackName) -> None:
    """Show what differs between two packs, place by place; exit 1 if anything does."""
    old, new = chosen_pack(before), chosen_pack(after)
    found = compare(old, new)
    for item in found:
        if item.kind == "changed":
            print(f"{item.place}: {item.before} -> {item.after}")
        else:
            print(f"{item.place}: {item.kind} {item.before or item.after}")
    print(f"diff places={len(found)}")
    raise typer.Exit(1 if found else 0)


@app.command(name="export")
def export_pack(
    pack: PackName,
    xlsx: Annotated[Path | None, typer.Option(help="Spreadsheet to write.")] = None,
    jdm: Annotated[Path | None, typer.Option(help="JDM file to write.")] = None,
    table: Annotated[str, typer.Option(help="The table of a JDM file.")] = "",
) -> None:
    """Write a pack's tables to a spreadsheet, or one table in the JSON format of rule editors."""
    _one_format(xlsx, jdm)
    text = _text(pack)
    if xlsx is not None:
        with xlsxwriter.Workbook(xlsx, {"strings_to_formulas": False}) as book:
            bold = book.add_format({"bold": True, "bg_color": "#E8EEF7"})
            as_text = book.add_format({"num_format": "@"})
            for name, sheet in sheets_of(text).items():
                page = book.add_worksheet(name[:31])
                page.freeze_panes(1, 1)
                page.set_column(0, max(len(sheet[0]) - 1, 0), 18, as_text)
                for number, row in enumerate(sheet):
                    for column, cell in enumerate(row):
                        page.write_string(number, column, cell, bold if number == 0 else as_text)
        print(f"export {xlsx.name}")
    if jdm is not None:
        chosen = chosen_pack(pack)
        found = next((t for t in chosen.tables if table in {"", t.name}), None)
        if found is None:
            print(f"no table {table}", file=sys.stderr)
            raise typer.Exit(2)
        document = export_table(chosen, found)
        jdm.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")
        print(f"export {jdm.name}")


def _one_format(xlsx: Path | None, jdm: Path | None) -> None:
    if xlsx is None and jdm is None:
        raise typer.BadParameter("say --xlsx FILE or --jdm FILE")


def _text(name: str) -> str:
    chosen = chosen_pack(name)
    path = Path(name)
    return pack_file(path) if path.suffix == ".toml" else pack_text(chosen.code, pack_folder())


@app.command(name="import")
def import_pack(
    pack: PackName,
    out: Annotated[Path, typer.Option(help="TOML file to write.")],
    xlsx: Annotated[Path | None, typer.Option(help="Edited spreadsheet.", exists=True)] = None,
    jdm: Annotated[Path | None, typer.Option(help="Edited JDM file.", exists=True)] = None,
) -> None:
    """Take a pack's edited tables back from a spreadsheet or a rule editor.

    All other parts stay byte for byte. Anything wrong is named by sheet, row and column, with
    exit code 2 and nothing written.
    """
    _one_format(xlsx, jdm)
    text = _text(pack)
    sheets = {name: [list(row) for row in sheet] for name, sheet in sheets_of(text).items()}
    if xlsx is not None:
        sheets.update(_read_workbook(xlsx))
    if jdm is not None:
        _merge_jdm(chosen_pack(pack), sheets, jdm)
    edited = apply_sheets(text, sheets)
    if isinstance(edited, tuple):
        for fault in edited[:_SHOWN]:
            place = f"sheet {fault.sheet}, row {fault.row}, column {fault.column}"
            print(f"{place}: {fault.detail}", file=sys.stderr)
        raise typer.Exit(2)
    out.write_text(edited, encoding="utf-8")
    changed = sum(a != b for a, b in zip(text.split("\n"), edited.split("\n"), strict=False))
    print(f"import {out.name} changed_lines={changed}")


def _read_workbook(path: Path) -> dict[str, list[list[str]]]:
    try:
        book = CalamineWorkbook.from_path(str(path))
        return {
            name: [
                [_cell(cell) for cell in row]
                for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            ]
            for name in book.sheet_names
        }
    except CalamineError as fault:
        print(f"{path.name}: {fault}", file=sys.stderr)
        raise typer.Exit(2) from fault


def _cell(value: Any) -> str:
    """A spreadsheet's cell as the text a pack holds: numbers without a tail, days as ISO."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _merge_jdm(pack: Pack, sheets: dict[str, list[list[str]]], path: Path) -> None:
    """Lay the cells of an edited JDM table over its sheet."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        print(f"{path.name}: {fault}", file=sys.stderr)
        raise typer.Exit(2) from fault
    found = import_cells(pack, document)
    if isinstance(found, tuple):
        for finding in found[:_SHOWN]:
            print(f"{finding.place}: {finding.code}: {finding.detail}", file=sys.stderr)
        raise typer.Exit(2)
    merge_cells(found, sheets[found.table.name])


if __name__ == "__main__":
    app()
