"""`hamroh match` in the hands of an office: lists as they come, faults by row, answers as CSV."""

import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli.matching import app

SETS = Path(__file__).parents[1] / "data" / "people"
HEADER = "rec_id,family_name,given_name,sex,birth_date,national_id,phone,place_code"
ALI = "1,Каримов,Али,M,1964-03-10,31003648555811,+998954420403,1722221573"
ALI_AGAIN = "2,Karimov,Ali,M,10.03.1964,31003648555811,(95) 442-04-03,1722221573"
OLGA = "3,Ким,Ольга,F,1990-07-01,,,1722221573"


def match(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def written(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def figures(result: Result) -> dict[str, str]:
    """The last line, for machines."""
    word, *figures = result.stdout.splitlines()[-1].split()
    assert word == "match"
    return dict(figure.split("=") for figure in figures)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small labelled set: people who came twice, and others who came once."""
    folder = tmp_path_factory.mktemp("sets")
    truth, came = rows_of(SETS / "uz_open_labels.csv.gz"), defaultdict(list)
    for row in truth:
        came[row["entity_id"]].append(row["rec_id"])
    twice = [records for records in came.values() if len(records) > 1][:120]
    once = [records for records in came.values() if len(records) == 1][:120]
    chosen = {record for records in twice + once for record in records}
    for name in ("uz_open", "uz_open_labels"):
        rows = [row for row in rows_of(SETS / f"{name}.csv.gz") if row["rec_id"] in chosen]
        with (folder / f"{name.replace('_open', '')}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return folder


def test_a_list_is_matched_with_its_old_codes_and_measures_itself(tmp_path: Path) -> None:
    # given five thousand people with labels, look-alikes and the codes of places before the reform
    out, history = tmp_path / "pairs.csv", SETS / "place_history.csv.gz"
    given = [SETS / f"uk_open{end}.csv.gz" for end in ("", "_labels", "_hard")]
    # when the list is matched
    result = match(
        given[0], "--labels", given[1], "--hard", given[2], "--out", out, "--place-history", history
    )
    # then the pairs are written, surest first, and the last line tells how good they are
    assert result.exit_code == 0, result.output
    told, pairs = figures(result), rows_of(out)
    assert float(told["f1"]) > 0.98
    assert float(told["hard_merged"]) < 0.01
    scores = [float(pair["score"]) for pair in pairs]
    assert scores == sorted(scores, reverse=True)
    assert sum(pair["outcome"] == "same" for pair in pairs) == int(told["pairs"])
    assert "by class of error" not in result.stdout
    assert "true pairs:" in result.stdout


def test_two_lists_give_pairs_between_them_alone(tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", ALI, ALI_AGAIN)
    two = written(tmp_path / "two.csv", ALI.replace("1,", "4,", 1), OLGA)
    out = tmp_path / "pairs.csv"
    assert match(one, two, "--out", out).exit_code == 0
    together = {(row["id_a"], row["id_b"]) for row in rows_of(out)}
    assert match(one, two, "--out", out, "--between").exit_code == 0
    between = {(row["id_a"], row["id_b"]) for row in rows_of(out)}
    assert together == {("1", "2"), ("1", "4"), ("2", "4")}
    assert between == {("1", "4"), ("2", "4")}


def test_a_pair_says_why_and_all_pairs_are_written_for_who_asks(tmp_path: Path) -> None:
    people, out = written(tmp_path / "people.csv", ALI, ALI_AGAIN, OLGA), tmp_path / "pairs.csv"
    assert match(people, "--out", out).exit_code == 0
    [pair] = rows_of(out)
    assert pair["outcome"] == "same"
    assert pair["reasons"]
    assert match(people, "--out", out, "--all").exit_code == 0
    assert len(rows_of(out)) >= 1


def test_a_row_that_cannot_be_used_is_told_by_its_place_and_never_by_its_value(
    tmp_path: Path,
) -> None:
    people = written(
        tmp_path / "people.csv",
        ALI,
        "5,Aliev,Vali,X,31.02.1990,,,",
        "6,too,short",
        ",Nobody,Known,M,1990-01-01,,,",
        "7,Nul\0character,Vali,M,1990-01-01,,,",
    )
    result = match(people, "--out", tmp_path / "pairs.csv")
    assert result.exit_code == 0
    for told in (
        "people.csv row 3, column sex: neither M nor F, taken as missing",
        "people.csv row 3, column birth_date: not a date, taken as missing",
        "people.csv row 4: 3 values under 8 headings, row left out",
        "people.csv row 5, column rec_id: no id, row left out",
        "people.csv row 6: NUL characters, taken out",
    ):
        assert told in result.stdout
    assert not {"31.02.1990", "Aliev", "Nobody"} & {*result.stdout.replace(",", " ").split()}
    assert figures(result)["records"] == "3"


def test_many_faults_are_summed_up(tmp_path: Path) -> None:
    people = written(tmp_path / "people.csv", *(f"{n},A,B,?,1990-01-01,,," for n in range(30)))
    result = match(people, "--out", tmp_path / "pairs.csv")
    assert "... and 10 more:" in result.stdout
    assert "  30 times neither M nor F, taken as missing" in result.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory"),
        (b"", "people.csv: the file is empty"),
        (b"name\nAli\n", "but not an id and a name"),
        ("rec_id,family_name\n1,Ali\n".encode("utf-16"), "saved as UTF-16"),
        (b"rec_id,family_name\n1,\xc0\xeb\xe8\n", "row 2: byte 3 is not utf-8-sig"),
        (b"rec_id,family_name\n1,Ali\n1,Vali\n", "this id stands in people.csv row 2 already"),
        (b'rec_id,family_name\n1,"Ali\n', "unexpected end of data"),
        (b"rec_id,family_name\n1," + b"A" * (1 << 20), "longer than 1048576 bytes"),
    ],
)
def test_a_list_that_cannot_be_understood_is_refused_with_its_place(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    people = tmp_path / "people.csv"
    if content is not None:
        people.write_bytes(content)
    result = match(people, "--out", tmp_path / "pairs.csv")
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.strip().startswith("hamroh match: ")


def test_a_packed_list_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    people = tmp_path / "people.csv.gz"
    people.write_bytes(gzip.compress(f"{HEADER}\n{ALI}\n".encode())[:-20])
    assert match(people, "--out", tmp_path / "pairs.csv").exit_code == 2


def test_labels_without_their_columns_and_a_place_that_cannot_be_written_are_refused(
    tmp_path: Path,
) -> None:
    people = written(tmp_path / "people.csv", ALI)
    wrong = written(tmp_path / "wrong.csv", "1,2", header="rec_id,person")
    short = written(tmp_path / "short.csv", "1", header="rec_id,entity_id")
    for labels, told in ((wrong, "no column entity_id"), (short, "1 values for 2 columns")):
        result = match(people, "--labels", labels, "--out", tmp_path / "pairs.csv")
        assert (result.exit_code, told in result.stderr) == (2, True)
    assert match(people, "--out", tmp_path / "nowhere" / "pairs.csv").exit_code == 2


def test_a_folder_of_sets_is_measured_set_by_set(labelled: Path) -> None:
    result = match("table", labelled)
    assert result.exit_code == 0
    rows = [line.split(" | ")[0] for line in result.stdout.splitlines()]
    assert [row for row in rows if row.startswith(("| uz", "| febrl"))] == [
        "| uz",
        "| febrl1",
        "| febrl3",
    ]


@pytest.mark.slow
def test_weights_are_fitted_anew_and_told_how_they_hold_for_strangers(
    labelled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "weights.json"
    result = match("train", labelled, "--out", out)
    assert result.exit_code == 0, result.output
    averages = [
        float(line.rpartition(" ")[2]) for line in result.stdout.splitlines() if "held out" in line
    ]
    assert len(averages) == 3
    assert min(averages) > 0.9
    assert set(json.loads(out.read_text())) >= {"register", "list"}


@pytest.mark.parametrize("there", [(), ("uz_labels.csv",)], ids=["nothing", "labels alone"])
def test_a_folder_without_a_whole_set_is_refused(tmp_path: Path, there: tuple[str, ...]) -> None:
    for name in there:
        written(tmp_path / name, "1,2", header="rec_id,entity_id")
    for command in ("table", "train"):
        result = match(command, tmp_path)
        assert (result.exit_code, result.stderr[:14]) == (2, "hamroh match: ")
