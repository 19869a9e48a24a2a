import pytest

from services.benefits.programmes import load_pack, read_pack
from services.benefits.programmes.comparison import compare
from services.benefits.programmes.loading import PACKS, pack_text
from services.benefits.programmes.pack import Pack
from services.benefits.programmes.sheets import SheetFault, apply_sheets, sheets_of

VN = pack_text("VN-SA")
Sheets = dict[str, list[list[str]]]


def editable(text: str) -> Sheets:
    return {name: [list(row) for row in sheet] for name, sheet in sheets_of(text).items()}


def put(sheets: Sheets, sheet: str, row: int, column: str, cell: str) -> None:
    rows = sheets[sheet]
    rows[row - 1][rows[0].index(column)] = cell


def faults(sheets: Sheets) -> list[tuple[str, int, str]]:
    found = apply_sheets(VN, sheets)
    assert not isinstance(found, str)
    return [(fault.sheet, fault.row, fault.column) for fault in found]


@pytest.mark.parametrize("code", sorted(PACKS))
def test_sheets_that_nobody_edited_bring_the_pack_back_byte_for_byte(code: str) -> None:
    text = pack_text(code)
    assert apply_sheets(text, sheets_of(text)) == text


def test_an_edited_cell_changes_its_line_and_nothing_else() -> None:
    sheets = editable(VN)
    put(sheets, "groups", 2, "coefficient", "2.6")
    edited = apply_sheets(VN, sheets)
    assert isinstance(edited, str)
    changed = [
        (old, new)
        for old, new in zip(VN.split("\n"), edited.split("\n"), strict=True)
        if old != new
    ]
    ((old, new),) = changed
    assert old.replace('"2.5"', '"2.6"') == new
    pack = read_pack(edited)
    assert isinstance(pack, Pack)
    (difference,) = compare(load_pack("VN-SA"), pack)
    assert (difference.kind, difference.before, difference.after) == ("changed", "2.5", "2.6")


def test_a_new_rate_is_one_dated_line() -> None:
    sheets = editable(VN)
    sheets["parameters"].append(
        ["standard", "2027-01-01", "", "600000", "a decree", "no", "a draft"]
    )
    edited = apply_sheets(VN, sheets)
    assert isinstance(edited, str)
    assert len(edited.split("\n")) == len(VN.split("\n")) + 1
    assert '{ from = 2027-01-01, value = "600000"' in edited


def test_a_row_may_go_and_a_row_may_come_with_a_quote_in_its_law() -> None:
    sheets = editable(VN)
    new = list(sheets["groups"][1])
    sheets["groups"].append(new)
    put(sheets, "groups", len(sheets["groups"]), "id", "a1_twin")
    put(sheets, "groups", len(sheets["groups"]), "law", 'the "new" decree')
    put(sheets, "groups", len(sheets["groups"]), "in_education", "no")
    put(sheets, "groups", len(sheets["groups"]), "coefficient", "2.7")
    edited = apply_sheets(VN, sheets)
    assert isinstance(edited, str)
    assert '\\"new\\"' in edited
    sheets["groups"].pop()
    assert apply_sheets(edited, sheets) == VN


@pytest.mark.parametrize(
    ("sheet", "row", "column", "cell"),
    [
        ("groups", 3, "age", "5..16"),
        ("groups", 3, "age", "4-16"),
        ("groups", 3, "coefficient", "1,5"),
        ("groups", 3, "hiv", "perhaps"),
        ("groups", 10, "to", "30.06.2025"),
        ("groups", 3, "verified", "perhaps"),
    ],
)
def test_a_wrong_cell_is_named_by_sheet_row_and_column(
    sheet: str, row: int, column: str, cell: str
) -> None:
    sheets = editable(VN)
    put(sheets, sheet, row, column, cell)
    assert faults(sheets) == [(sheet, row, column)]


def test_a_wrong_rate_is_named_by_its_row() -> None:
    sheets = editable(VN)
    put(sheets, "parameters", 3, "value", "NaN")
    assert faults(sheets)[0][:2] == ("parameters", 3)
    sheets = editable(VN)
    put(sheets, "parameters", 3, "from", "2024-07-01")
    assert faults(sheets)[0][0] == "parameters"


def test_sheets_columns_and_parameters_that_the_pack_does_not_have_are_named() -> None:
    sheets = editable(VN)
    sheets["wages"] = [["id"], ["x"]]
    assert faults(sheets) == [("wages", 0, "")]
    sheets = editable(VN)
    sheets["groups"][0].append("What is this?")
    assert faults(sheets)[0] == ("groups", 1, "What is this?")
    sheets = editable(VN)
    sheets["parameters"].append(["bonus", "2027-01-01", "", "1", "law", "no", "source"])
    assert ("parameters", len(sheets["parameters"]), "parameter") in faults(sheets)


def test_a_pack_left_without_rows_and_other_faults_name_their_place() -> None:
    sheets = editable(VN)
    del sheets["groups"][2:]
    found = apply_sheets(VN, sheets)
    assert isinstance(found, tuple)
    assert all(isinstance(fault, SheetFault) for fault in found)
    assert {fault.sheet for fault in found} == {""}


def test_whole_numbers_come_back_as_numbers_or_are_named() -> None:
    text = pack_text("UA-BSA")
    sheets = editable(text)
    put(sheets, "amounts", 2, "less_divisor", "6")
    edited = apply_sheets(text, sheets)
    assert isinstance(edited, str)
    assert "less_divisor = 6" in edited
    put(sheets, "amounts", 2, "less_divisor", "six")
    found = apply_sheets(text, sheets)
    assert isinstance(found, tuple)
    assert (found[0].row, found[0].column) == (2, "less_divisor")


def test_empty_rows_and_missing_sheets_change_nothing() -> None:
    sheets = editable(VN)
    sheets["groups"].append([""] * len(sheets["groups"][0]))
    del sheets["parameters"]
    assert apply_sheets(VN, sheets) == VN


def test_two_versions_are_compared_place_by_place() -> None:
    text = VN.replace('version = "2025.7.1"', 'version = "2025.7.2"')
    text = text.replace('suspension = "suspended"\n', "")
    text = text.replace('parts = [["SP"]]', 'parts = [["SP"]]', 1)
    other = read_pack(text)
    assert isinstance(other, Pack)
    found = {(d.place, d.kind) for d in compare(load_pack("VN-SA"), other)}
    assert found == {("version", "changed"), ("suspension", "removed")}
    assert ("suspension", "added") in {
        (d.place, d.kind) for d in compare(other, load_pack("VN-SA"))
    }
    assert compare(other, other) == ()
