"""`hamroh match` and the lists of the world: every bad one gives pairs or one clear sentence."""

import csv
import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli import app

PEOPLE = Path(__file__).parents[1] / "data" / "people"
HEADER = (
    "rec_id,lang,family_name,given_name,patronymic,sex,birth_date,national_id,phone,"
    "region_code,place_code,address,household_id"
)
DILNOZA = (
    "A1,uz-Latn,Yoʻldosheva,Dilnoza,Karim qizi,F,1990-03-14,,901234567,1718,1718212569,Mehnat 9,H1",
    "A2,uz-Cyrl,Йўлдошева,Дилноза,Каримовна,F,1990-03-14,,90 123-45-67,1718,1718212569,Меҳнат 9,H2",
)
SOMEBODY = "B1,uk,Шевченко,Микола,Іванович,M,1975-04-09,,0671234567,,,,H3"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["match", *map(str, arguments)])


def listed(folder: Path, *rows: str, header: str = HEADER, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def pairs(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figures(result: Result) -> dict[str, str]:
    last = result.output.rstrip().splitlines()[-1]
    assert last.startswith("match ")
    return dict(one.split("=") for one in last.split()[1:])


# What it is for.


def test_a_woman_in_two_scripts_is_found_and_the_reasons_stand_beside(tmp_path: Path) -> None:
    # given one woman in two scripts, and somebody else
    out = tmp_path / "pairs.csv"
    people = listed(tmp_path, *DILNOZA, SOMEBODY)

    # when the list is matched
    result = run(people, "--out", out)

    # then there is one pair, surely the same, and why
    assert result.exit_code == 0, result.output
    (pair,) = pairs(out)
    assert (pair["id_a"], pair["id_b"], pair["outcome"]) == ("A1", "A2", "same")
    assert float(pair["score"]) >= 0.9
    assert "given name is the same in another spelling or script" in pair["reasons"]
    assert figures(result)["records"] == "3"
    assert figures(result)["pairs"] == "1"
    assert figures(result)["precision"] == "-"


def unpacked(folder: Path, name: str) -> list[Path]:
    """A labelled set, its answers, its look-alikes and the old places."""
    paths = []
    for part in (name, f"{name}_labels", f"{name}_hard", "place_history"):
        paths.append(folder / f"{part}.csv")
        with gzip.open(PEOPLE / f"{part}.csv.gz") as source, paths[-1].open("wb") as target:
            shutil.copyfileobj(source, target)
    return paths


@pytest.mark.parametrize(
    ("name", "f1"), [("uz_open", 0.96), ("uk_open", 0.96), ("vi_open", 0.94), ("mixed_open", 0.96)]
)
def test_the_labelled_sets_are_matched_as_well_as_promised(
    tmp_path: Path, name: str, f1: float
) -> None:
    people, labels, hard, history = unpacked(tmp_path, name)
    out = tmp_path / "pairs.csv"
    result = run(
        people, "--place-history", history, "--labels", labels, "--hard", hard, "--out", out
    )
    found = figures(result)
    assert float(found["f1"]) >= f1
    assert float(found["hard_merged"]) <= 0.02
    assert float(found["review_per_1000"]) <= 30
    # and the pairs written say the same as the figures
    same = [pair for pair in pairs(out) if float(pair["score"]) >= 0.9]
    assert len(same) == int(found["pairs"])
    assert {pair["outcome"] for pair in same} == {"same"}


def test_columns_of_febrl_are_understood(tmp_path: Path) -> None:
    header = (
        "rec_id, given_name, surname, street_number, address_1, address_2, suburb, postcode, state,"
        " date_of_birth, soc_sec_id"
    )
    people = listed(
        tmp_path,
        "rec-1-org, karlie, rand, 4, dendy court, , gosford, 2250, nsw, 19301201, 3871920",
        "rec-1-dup-0, karlie, randd, 4, dendy court, , gosford, 2250, nsw, 19301201, 3871920",
        header=header,
    )
    out = tmp_path / "pairs.csv"
    assert run(people, "--out", out).exit_code == 0
    assert [pair["outcome"] for pair in pairs(out)] == ["same"]


def test_an_old_place_code_is_read_by_the_history_given(tmp_path: Path) -> None:
    old = DILNOZA[1].replace("1718212569", "1799999999")
    people = listed(tmp_path, DILNOZA[0], old)
    history = listed(
        tmp_path,
        "UZ,1718,1799999999,1718,1718212569",
        header="country,old_region,old_place,new_region,new_place",
        name="history.csv",
    )
    out = tmp_path / "pairs.csv"
    run(people, "--out", out, "--place-history", history)
    assert "place and address are the same" in pairs(out)[0]["reasons"]
    run(people, "--out", out)
    assert "place and address are the same" not in pairs(out)[0]["reasons"]


# Lists that cannot be used: one sentence, with row and column, and no pairs.


def refused(result: Result, *words: str) -> None:
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.output, result.output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["the file is empty"]),
        (b"\n\n\n", ["the file is empty"]),
        (b"a b c\n1 2 3\n", ["row 1", "expected, separated by commas"]),
        (b"name,age\nAnna,3\n", ["row 1", "rec_id, family_name and given_name are expected"]),
        (",".join(f"c{n}" for n in range(1000)).encode(), ["row 1: 1000 columns"]),
        ("rec_id,family_name\n1,Шевченко\n".encode("cp1251"), ["row 2", "--encoding"]),
        ("rec_id,family_name\n1,Шевченко\n".encode("utf-16"), ["saved as UTF-16"]),
        (b"rec_id,family_name\n1,Anna\n2,Olga\n1,Anna\n", ["row 4, column rec_id", "row 2"]),
        (b'rec_id,family_name\n1,"Anna\n', ["row 3: unexpected end of data"]),
        (b"rec_id,family_name\n1," + b"x" * 200_000 + b"\n", ["row 2"]),
        (b"rec_id,family_name\n1," + b"x" * 2_000_000 + b"\n", ["row 2", "longer than"]),
        (b"PK\x03\x04" + bytes(range(256)) * 8, ["row 1"]),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, words: Sequence[str]
) -> None:
    people, out = tmp_path / "list.csv", tmp_path / "pairs.csv"
    people.write_bytes(content)
    refused(run(people, "--out", out), "hamroh match: ", *words)
    assert not out.exists()


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_another_separator_is_understood(tmp_path: Path, separator: str) -> None:
    people = listed(
        tmp_path,
        *(row.replace(",", separator) for row in DILNOZA),
        header=HEADER.replace(",", separator),
    )
    out = tmp_path / "pairs.csv"
    assert run(people, "--out", out).exit_code == 0
    assert len(pairs(out)) == 1


def test_another_encoding_is_read_where_it_is_named(tmp_path: Path) -> None:
    people, out = tmp_path / "list.csv", tmp_path / "pairs.csv"
    rows = [SOMEBODY, SOMEBODY.replace("B1", "B2").replace("H3", "H4")]
    people.write_bytes("\n".join((HEADER, *rows)).encode("cp1251"))
    assert run(people, "--out", out, "--encoding", "cp1251").exit_code == 0
    assert len(pairs(out)) == 1
    refused(run(people, "--out", out, "--encoding", "klingon"), "klingon")


# Rows that cannot be used are left out and told; values that mean nothing are taken as missing.


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("C1,uz-Latn,Karimov", "row 4: 3 values under 13 headings, row left out"),
        (SOMEBODY + ",extra", "row 4: 14 values under 13 headings, row left out"),
        (SOMEBODY.replace("B1", ""), "row 4, column rec_id: no id, row left out"),
        (SOMEBODY.replace("1975-04-09", "1975-02-30"), "column birth_date: not a date"),
        (SOMEBODY.replace("1975-04-09", "0000-00-00"), "column birth_date: not a date"),
        (SOMEBODY.replace("1975-04-09", "yesterday"), "column birth_date: not a date"),
        (SOMEBODY.replace(",M,", ",yes,"), "column sex: neither M nor F"),
        (SOMEBODY.replace("Микола", "Ми\0кола"), "row 4: NUL characters, taken out"),
    ],
)
def test_a_bad_row_is_told_with_its_place_and_never_with_its_value(
    tmp_path: Path, row: str, told: str
) -> None:
    out = tmp_path / "pairs.csv"
    result = run(listed(tmp_path, *DILNOZA, row), "--out", out)
    assert result.exit_code == 0
    assert told in result.output
    assert "yesterday" not in result.output
    assert len(pairs(out)) == 1


STRANGE = {
    "10,000 characters": "а" * 10_000,
    "10,000 words": "а " * 10_000,
    "marks only": "\u0301\u0302\u0303" * 20,
    "a mark upon a mark": "a" + "\u0301" * 5_000,
    "control characters": "An\x07\x1bna\x7f",
    "direction overrides": "\u202eаннА\u202c\u2066",
    "mixed scripts in a word": "Aннa Шевчeнкo",
    "emoji": "👩‍👩‍👧‍👦🌸",
    "digits": "1234567",
    "a formula": "=HYPERLINK(A1)",
    "a private letter": "\ue000\uf8ff",
    "right to left": "محمد بن عبد الله",
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_name_is_matched_like_any_other(tmp_path: Path, name: str) -> None:
    # given two forms of one person whose names are strange, and the woman in two scripts
    row = "{},uk,{},{},,M,1975-04-09,,0671234567,,1718212569,,{}"
    strange = [row.format(one, STRANGE[name], STRANGE[name], one) for one in ("S1", "S2")]
    out = tmp_path / "pairs.csv"

    # when they are matched
    result = run(listed(tmp_path, *DILNOZA, *strange), "--out", out)

    # then both pairs are answered
    assert result.exit_code == 0, result.output
    found = {(pair["id_a"], pair["id_b"]) for pair in pairs(out)}
    assert found == {("A1", "A2"), ("S1", "S2")}


def test_a_list_with_1000_columns_is_read_where_the_needed_ones_are_there(tmp_path: Path) -> None:
    more = ",".join(f"c{n}" for n in range(987))
    rows = [row + "," * 987 for row in DILNOZA]
    out = tmp_path / "pairs.csv"
    assert run(listed(tmp_path, *rows, header=f"{HEADER},{more}"), "--out", out).exit_code == 0
    assert len(pairs(out)) == 1


def test_a_crowd_of_one_name_costs_no_pairs(tmp_path: Path) -> None:
    # given 40,000 people of one name, place and phone
    row = "{},vi,Nguyễn,Hoa,Thị,F,,,0912345678,,00694,,{}"
    people = listed(tmp_path, *(row.format(n, n) for n in range(40_000)))

    # when they are matched
    result = run(people, "--out", tmp_path / "pairs.csv")

    # then nobody is compared with the whole crowd
    assert result.exit_code == 0
    assert "0 pairs compared" in result.output
    assert "too many people share" in result.output
    assert figures(result)["records"] == "40000"
