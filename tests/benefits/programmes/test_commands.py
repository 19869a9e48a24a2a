import csv
import json
import re
from datetime import datetime
from errno import ENOENT
from os import strerror
from pathlib import Path

import pytest
import xlsxwriter
from typer.testing import CliRunner, Result

from deploy.local.plan import ROOT
from services.benefits.programmes.loading import pack_text
from services.cli import entitlement, packs

NO_FILE = strerror(ENOENT)
EXAMPLE = re.compile(r"```csv\n(.*?)```\n.*?```\n\$ hamroh pack (.*?)\n(.*?)```", re.DOTALL)
FACTS = """person_id,fact,value,from,to,known_since
p1,birth_date,2020-05-10,,,
p1,region,VN-07,,,
p1,without_nurture,yes,2021-01-01,,2021-01-05
p1,decision,A1,2021-01-20,,2021-01-20
p2,birth_date,1960-05-10,,,
p2,region,VN-24,,,
p2,single_parent,yes,2021-01-01,,
p2,poor_household,yes,2021-01-01,,
p2,child,p3,2021-01-01,,
p2,decision,all,2021-01-20,,2021-01-20
p3,birth_date,2015-07-10,,,
"""


def run(*arguments: str, app: object = packs.app) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])  # type: ignore[arg-type]


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    path = tmp_path / "facts.csv"
    path.write_text(FACTS, encoding="utf-8")
    return path


def entitled(facts: Path, out: Path, *more: str, months: str = "2024-05..2024-07") -> Result:
    options = ("--pack", "VN-SA", "--facts", str(facts), "--months", months, "--out", str(out))
    return run(*options, *more, app=entitlement.app)


def test_one_command_judges_a_file_of_facts(facts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = entitled(facts, out)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("entitle people=3 months=3 rows=6 seconds=")
    with out.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows[0] == {
        "person_id": "p1",
        "month": "2024-05",
        "component": "allowance",
        "group": "A1",
        "coefficient": "2.5",
        "amount_minor": "900000",
        "currency": "VND",
        "kind": "monthly",
        "reason": "a1_under_4",
    }
    assert [row["amount_minor"] for row in rows if row["person_id"] == "p2"] == [
        "360000",
        "360000",
        "500000",
    ]


def test_what_was_not_known_then_is_not_paid(facts: Path, tmp_path: Path) -> None:
    done = entitled(facts, tmp_path / "out.csv", "--known-at", "2021-01-10")
    assert "rows=0" in done.output


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("decision,A1", "decision,A9", "row 5, column value: unknown_value"),
        ("2021-01-20,,2021-01-20", "2021-01-20,2020-01-20,", "row 5, column to: ends_before_start"),
        ("p2,child,p3", "p2,child,p9", "rows 10: unknown_person"),
        ("p1,birth_date,2020-05-10,,,\n", "", "person p1: missing"),
        ("2021-01-01,,2021-01-05", "2099-01-01,,", "row 4, column from: in_future"),
        ("person_id,fact", "person,fact", "row 1: missing"),
    ],
)
def test_wrong_facts_are_refused_with_row_and_reason_and_nothing_is_written(
    facts: Path, tmp_path: Path, old: str, new: str, place: str
) -> None:
    facts.write_text(FACTS.replace(old, new, 1), encoding="utf-8")
    out = tmp_path / "out.csv"
    done = entitled(facts, out)
    assert done.exit_code == 2
    assert place in done.output
    assert not out.exists()


def test_only_the_first_refusals_are_shown(facts: Path, tmp_path: Path) -> None:
    facts.write_text(FACTS + "p1,hiv,maybe,,,\n" * 30, encoding="utf-8")
    done = entitled(facts, tmp_path / "out.csv")
    assert "more" in done.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("months", "more"),
    [
        ("2024-07..2024-05", ()),
        ("2024-7", ()),
        ("1800-01..2024-01", ()),
        ("2014-01", ()),
        ("2024-05", ("--known-at", "yesterday")),
    ],
)
def test_months_and_days_that_cannot_be_are_refused(
    facts: Path, tmp_path: Path, months: str, more: tuple[str, ...]
) -> None:
    assert entitled(facts, tmp_path / "out.csv", *more, months=months).exit_code == 2


def test_an_unknown_pack_a_broken_file_and_bytes_that_are_no_text_are_refused(
    facts: Path, tmp_path: Path
) -> None:
    assert run("check", "XX").exit_code == 2
    broken = tmp_path / "broken.toml"
    broken.write_text("format = 1\n", encoding="utf-8")
    assert run("facts", str(broken)).exit_code == 2
    assert run("check", str(broken)).exit_code == 1
    facts.write_bytes(b"\xff\xfe\x00")
    assert "not_utf8" in entitled(facts, tmp_path / "out.csv").output


def test_people_are_never_judged_by_a_pack_with_findings(facts: Path, tmp_path: Path) -> None:
    unsound = tmp_path / "unsound.toml"
    text = pack_text("VN-SA").replace('age = "4..16", without', 'age = "5..16", without')
    unsound.write_text(text, encoding="utf-8")
    options = ("--facts", str(facts), "--months", "2024-06", "--out", str(tmp_path / "out"))
    done = run("--pack", str(unsound), *options, app=entitlement.app)
    assert done.exit_code == 2
    assert "tables.groups.a1_from_4.age: gap" in done.output
    assert run("simulate", str(unsound), *options).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_packs_are_listed_checked_tested_and_their_facts_printed(tmp_path: Path) -> None:
    assert "VN-SA" in run("list").output
    assert run("check", "VN-SA").exit_code == 0
    assert "check findings=13" in run("check", "VN-SA", "--real-money").output
    assert "failures=0" in run("test", "VN-SA").output
    printed = run("facts", "VN-SA").output
    assert 'without_nurture,flag,yes|no,,"Child without' in printed
    assert "birth_date,date,YYYY-MM-DD,required" in printed
    other = tmp_path / "other.toml"
    other.write_text(
        pack_text("VN-SA").replace('code = "VN-SA"', 'code = "VN-XX"'), encoding="utf-8"
    )
    assert run("test", str(other)).exit_code == 1
    cases = tmp_path / "cases.toml"
    cases.write_text(
        '[[cases]]\nname = "n"\nsource = "s"\nfacts = ["birth_date=1990-01-01"]\n'
        'pays = { "2024-08" = 1 }\n',
        encoding="utf-8",
    )
    assert "failures=1" in run("test", str(other), "--cases", str(cases)).output


def test_a_decision_is_explained_in_the_language_asked_for(facts: Path) -> None:
    options = ("explain", "VN-SA", "--facts", str(facts), "--month", "2024-07")
    spoken = run(*options, "--person", "p1", "--language", "vi").output
    assert "750.000 ₫" in spoken.replace("\xa0", " ")
    assert run(*options, "--person", "p9").exit_code == 2
    assert run(*options, "--person", "p1", "--language", "tlh").exit_code == 2
    early = ("explain", "VN-SA", "--facts", str(facts), "--month", "2014-07", "--person", "p1")
    assert run(*early).exit_code == 2


def test_the_readme_shows_what_is_said(tmp_path: Path) -> None:
    # given the facts that the README shows
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    table, typed, shown = EXAMPLE.findall(page)[0]
    (tmp_path / "F.csv").write_text(table, encoding="utf-8")
    # when its command is typed, then it answers as shown
    words = [str(tmp_path / word) if word == "F.csv" else word for word in typed.split()]
    assert run(*words).output == shown


def test_an_edited_spreadsheet_comes_back_as_one_changed_line(tmp_path: Path) -> None:
    sheet, pack = tmp_path / "vn.xlsx", tmp_path / "vn.toml"
    assert run("export", "VN-SA", "--xlsx", str(sheet)).exit_code == 0
    assert (
        "changed_lines=0" in run("import", "VN-SA", "--xlsx", str(sheet), "--out", str(pack)).output
    )
    assert pack.read_text(encoding="utf-8") == pack_text("VN-SA")
    assert run("diff", "VN-SA", str(pack)).exit_code == 0
    pack.write_text(pack_text("VN-SA").replace('"2.5"', '"2.6"', 1), encoding="utf-8")
    found = run("diff", "VN-SA", str(pack))
    assert found.exit_code == 1
    assert "tables.groups.rows.a1_under_4.coefficient: 2.5 -> 2.6" in found.output
    other = pack_text("VN-SA").replace('suspension = "suspended"\n', "")
    pack.write_text(other, encoding="utf-8")
    assert "suspension: removed suspended" in run("diff", "VN-SA", str(pack)).output


def test_a_spreadsheet_of_numbers_days_and_truths_is_read_as_text(tmp_path: Path) -> None:
    sheet, pack = tmp_path / "edited.xlsx", tmp_path / "vn.toml"
    with xlsxwriter.Workbook(sheet) as book:
        page = book.add_worksheet("parameters")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        header = ("parameter", "from", "to", "value", "law", "verified", "source")
        page.write_row(0, 0, header)
        rows = (("standard", "2015-01-01", "270000"), ("standard", "2021-07-01", "360000"))
        for number, (name, since, value) in enumerate(rows, start=1):
            page.write(number, 0, name)
            page.write_datetime(number, 1, datetime.fromisoformat(since), day)
            page.write_number(number, 3, float(value))
            page.write_row(number, 4, ("law", "no", "source"))
            page.write_boolean(number, 5, boolean=False)
        page.write_row(3, 0, ("social_pension", "2015-01-01", "", 0.5, "law", True, "source"))
    done = run("import", "VN-SA", "--xlsx", str(sheet), "--out", str(pack))
    assert done.exit_code == 0, done.output
    text = pack.read_text(encoding="utf-8")
    assert '{ from = 2021-07-01, value = "360000", law = "law", verified = "no"' in text
    assert '{ from = 2015-01-01, value = "0.5", law = "law", verified = "yes"' in text


def test_a_wrong_cell_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    sheet, pack = tmp_path / "edited.xlsx", tmp_path / "vn.toml"
    with xlsxwriter.Workbook(sheet) as book:
        page = book.add_worksheet("raised_children")
        page.write_row(0, 0, ("id", "age", "weight", "law", "verified", "source"))
        page.write_row(1, 0, ("child", "sixteen", "1", "law", "no", "source"))
    done = run("import", "VN-SA", "--xlsx", str(sheet), "--out", str(pack))
    assert done.exit_code == 2
    assert "sheet raised_children, row 2, column age: bad_cell" in done.output
    assert not pack.exists()
    sheet.write_bytes(b"no spreadsheet")
    assert run("import", "VN-SA", "--xlsx", str(sheet), "--out", str(pack)).exit_code == 2


def test_a_table_edited_in_a_rule_editor_comes_back(tmp_path: Path) -> None:
    path, pack = tmp_path / "vn.json", tmp_path / "vn.toml"
    assert run("export", "VN-SA", "--jdm", str(path)).exit_code == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    rule = document["nodes"][1]["content"]["rules"][0]
    rule["out-coefficient"] = "'2.6'"
    path.write_text(json.dumps(document), encoding="utf-8")
    done = run("import", "VN-SA", "--jdm", str(path), "--out", str(pack))
    assert "changed_lines=1" in done.output
    rule["in-age"] = "young"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert run("import", "VN-SA", "--jdm", str(path), "--out", str(pack)).exit_code == 2
    path.write_text("{", encoding="utf-8")
    assert run("import", "VN-SA", "--jdm", str(path), "--out", str(pack)).exit_code == 2
    assert run("export", "VN-SA", "--jdm", str(path), "--table", "none").exit_code == 2


def test_people_without_a_decision_are_counted(facts: Path, tmp_path: Path) -> None:
    facts.write_text(
        FACTS.replace("p2,decision,all,2021-01-20,,2021-01-20\n", ""), encoding="utf-8"
    )
    done = entitled(facts, tmp_path / "out.csv")
    assert "note: 1 people without a decision fact" in done.stderr
    assert done.stdout.startswith("entitle people=3")


def test_a_contradiction_and_an_own_pack_are_handled_by_the_command(
    facts: Path, tmp_path: Path
) -> None:
    facts.write_text(f"{FACTS}p1,hiv,yes,2024-01-01,,\np1,hiv,no,2024-02-01,,\n", encoding="utf-8")
    assert "rows 13, 14: contradicts" in entitled(facts, tmp_path / "out.csv").output
    own = tmp_path / "own.toml"
    own.write_text(pack_text("VN-SA"), encoding="utf-8")
    facts.write_text(FACTS, encoding="utf-8")
    done = run(
        *("--pack", str(own), "--facts", str(facts), "--months", "2024-06"),
        *("--out", str(tmp_path / "out.csv")),
        app=entitlement.app,
    )
    assert "months=1 rows=2" in done.output


def test_packs_that_ask_for_no_decision_need_none(facts: Path, tmp_path: Path) -> None:
    facts.write_text(
        "person_id,fact,value,from,to,known_since\np,birth_date,1990-01-01,,,\n"
        "p,displaced,yes,2024-01-01,,\np,application,yes,2024-08-15,,\n",
        encoding="utf-8",
    )
    done = run(
        *("--pack", "UA-IDP", "--facts", str(facts), "--months", "2024-08..2024-09"),
        *("--out", str(tmp_path / "out.csv")),
        app=entitlement.app,
    )
    assert "rows=2" in done.stdout
    assert done.stderr == ""


def test_nobody_is_linked_to_themselves(facts: Path, tmp_path: Path) -> None:
    facts.write_text(FACTS + "p2,child,p2,2021-01-01,,\n", encoding="utf-8")
    done = entitled(facts, tmp_path / "out.csv")
    assert done.exit_code == 2
    assert done.stderr == "row 13, column value: circular: child links the person to themselves\n"


def test_a_month_before_the_law_is_refused_as_the_option_that_it_is(
    facts: Path, tmp_path: Path
) -> None:
    done = entitled(facts, tmp_path / "out.csv", months="2014-12..2015-01")
    assert done.exit_code == 2
    assert done.stderr == "--months: outside_law: VN-SA answers from 2015-01 on\n"
    assert not (tmp_path / "out.csv").exists()


def test_what_cannot_be_read_or_written_is_refused_by_name(facts: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "out.csv"
    done = entitled(facts, nowhere)
    assert (done.exit_code, done.stderr) == (2, f"{nowhere}: not_written: {NO_FILE}\n")
    done = run("check", str(tmp_path / "no.toml"))
    assert (done.exit_code, done.stderr) == (2, f"{tmp_path / 'no.toml'}: no_file: {NO_FILE}\n")


def test_a_command_without_its_file_and_cases_that_are_none_are_refused(tmp_path: Path) -> None:
    for command in (("export", "VN-SA"), ("import", "VN-SA", "--out", str(tmp_path / "x.toml"))):
        done = run(*command)
        assert done.exit_code == 2
        assert "say --xlsx FILE or --jdm FILE" in done.output
    assert not (tmp_path / "x.toml").exists()
    cases = tmp_path / "cases.toml"
    for text in ("person_id,fact\n", '[[cases]]\nname = "nobody"\n'):
        cases.write_text(text, encoding="utf-8")
        done = run("test", "VN-SA", "--cases", str(cases))
        assert done.exit_code == 2
        assert done.stderr.startswith("cases.toml: bad_cases: ")
