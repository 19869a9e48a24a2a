import json
from typing import Any

import pytest
import zen

from services.benefits.programmes import Pack, load_pack
from services.benefits.programmes.days import last_day, parse_month
from services.benefits.programmes.derivation import conditions_hold, holds_on
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.jdm import Imported, export_table, import_cells, merge_cells
from services.benefits.programmes.loading import PACKS, plan_of
from services.benefits.programmes.pack import Table
from services.benefits.programmes.plan import Plan
from tests.benefits.programmes.populations import population


def context(plan: Plan, table: Table, dossier: Dossier, day: int) -> dict[str, Any]:
    """A person on a day, as a rule editor sees them."""
    found: dict[str, Any] = {"age": (day - dossier.birth) // 384}
    for name in {name for row in table.rows for name in row.cells} - {"age"}:
        spec = plan.pack.fact(name)
        held = [key for key in plan.keys(name) if holds_on(dossier.spans.get(key, ()), day)]
        if spec is not None and spec.kind == "codes":
            found[name] = [key.partition("=")[2] for key in held]
        elif spec is not None and spec.kind == "code":
            found[name] = held[0].partition("=")[2] if held else ""
        else:
            found[name] = bool(held)
    return found


@pytest.mark.parametrize("code", ["VN-SA", "UA-IDP", "UZ-SR"])
def test_a_foreign_engine_finds_the_same_rows_on_a_day(code: str) -> None:
    pack = load_pack(code)
    plan, table = plan_of(pack), pack.tables[0]
    decision = zen.ZenEngine().create_decision(json.dumps(export_table(pack, table)))
    rules = [rule for rule in plan.rules if rule.table == table.name]
    matched = 0
    for number, dossier in enumerate(population(pack, 1_500, seed=11)):
        day = last_day((parse_month("2023-10") or 0) + number % 30)
        if not dossier.birth <= day <= dossier.death or dossier.birth % 384 == 61:
            continue
        result = decision.evaluate(context(plan, table, dossier, day))["result"]
        theirs = sorted(found["row"] for found in result)
        whole_life = [(32, day + 1_000_000, day + 1_000_000)]
        ours = sorted(
            rule.row.id
            for rule in rules
            if holds_on(conditions_hold(rule.when, dossier, whole_life), day)
        )
        assert theirs == ours
        matched += len(ours)
    assert matched > 0


@pytest.mark.parametrize("code", sorted(PACKS))
def test_a_table_comes_back_from_the_editor_as_it_went(code: str) -> None:
    pack = load_pack(code)
    for table in pack.tables:
        document = json.loads(json.dumps(export_table(pack, table)))
        found = import_cells(pack, document)
        assert isinstance(found, Imported)
        rows = found.rows
        for row in table.rows:
            cells = dict(rows[row.id])
            assert cells.pop("coefficient") == row.coefficient
            assert {k: v.replace("any", "yes") for k, v in row.cells.items()} == cells or (
                expanded(pack, row.cells) == cells
            )


def expanded(pack: Pack, cells: dict[str, str]) -> dict[str, str]:
    """Cells with `any` written out, as the editor knows it."""
    found = {}
    for name, cell in cells.items():
        spec = pack.fact(name)
        coded = spec is not None and spec.kind in {"code", "codes"} and cell == "any"
        found[name] = "|".join(spec.values) if coded and spec else cell.replace("any", "yes")
    return found


def vn_document() -> tuple[Pack, dict[str, Any]]:
    pack = load_pack("VN-SA")
    return pack, export_table(pack, pack.tables[0])


@pytest.mark.parametrize(
    ("field", "text"),
    [("in-age", "about four"), ("in-hiv", "maybe"), ("in-disability", "'light'")],
)
def test_a_cell_that_cannot_be_read_back_is_named(field: str, text: str) -> None:
    pack, document = vn_document()
    document["nodes"][1]["content"]["rules"][0][field] = text
    found = import_cells(pack, document)
    assert isinstance(found, tuple)
    assert found[0].code == "bad_cell"


def test_rows_that_are_not_ours_and_documents_without_one_table_are_refused() -> None:
    pack, document = vn_document()
    document["nodes"][1]["content"]["rules"][0]["out-row"] = "'stranger'"
    found = import_cells(pack, document)
    assert isinstance(found, tuple)
    assert found[0].code == "unknown_row"
    nothings: tuple[object, ...] = ({"nodes": []}, {"nodes": 5}, [], None, {"nodes": [5]})
    for nothing in nothings:
        assert isinstance(import_cells(pack, nothing), tuple)


def test_the_absence_of_a_code_survives_the_way_there_and_back() -> None:
    pack = load_pack("VN-SA")
    row = pack.tables[0].rows[0]
    without = row.model_copy(update={"cells": {"disability": "no", "decision": "any"}})
    table = pack.tables[0].model_copy(update={"rows": (without,)})
    pack = pack.model_copy(update={"tables": (table,)})
    found = import_cells(pack, export_table(pack, table))
    assert isinstance(found, Imported)
    assert found.rows[row.id]["disability"] == "no"
    assert found.rows[row.id]["decision"].startswith("A1|A2|")


def test_cells_laid_over_a_sheet_add_columns_and_drop_rows() -> None:
    pack = load_pack("WF-ST")
    table = pack.tables[0]
    sheet = [["id", "travel_settled", "coefficient", "law"], ["stipend", "", "1.0", "l"]]
    sheet.append(["travel", "any", "1.0", "l"])
    imported = Imported(
        table, {"travel": {"coefficient": "0.5", "travel_settled": "yes", "deployed": "yes"}}
    )
    merge_cells(imported, sheet)
    assert sheet == [
        ["id", "travel_settled", "coefficient", "deployed", "law"],
        ["travel", "any", "0.5", "yes", "l"],
    ]
