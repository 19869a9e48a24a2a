"""`hamroh pack simulate`, as an official runs it."""

import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import Result

from services.benefits.programmes.loading import pack_text
from tests.benefits.programmes.test_commands import FACTS, facts, run

__all__ = ["facts"]


def simulated(pack: str, facts: Path, out: Path, *more: str) -> Result:
    options = ("--facts", str(facts), "--months", "2024-05..2024-07", "--out", str(out))
    return run("simulate", pack, *options, *more)


def test_a_simulation_adds_up_by_month_region_and_group(facts: Path, tmp_path: Path) -> None:
    dearer = tmp_path / "dearer.toml"
    dearer.write_text(pack_text("VN-SA").replace('"2.5"', '"3.0"', 1), encoding="utf-8")
    need = tmp_path / "need.csv"
    need.write_text("person_id,in_need\np1,yes\np2,no\np3,yes\n", encoding="utf-8")
    out = tmp_path / "out"
    done = simulated("VN-SA", facts, out, "--against", str(dearer), "--reference", str(need))
    assert done.exit_code == 0, done.output
    assert "winners people=1 amount_minor=180000" in done.output
    assert "unchanged people=2 amount_minor=0" in done.output
    assert "coverage_permille=500 leakage_permille=500 in_need=2" in done.output
    assert "simulate people=3 months=3 cost_minor=" in done.output
    by_month = (out / "by_month.csv").read_text(encoding="utf-8").splitlines()
    assert by_month[1] == "2024-05,2,1260000"
    by_region = (out / "by_region.csv").read_text(encoding="utf-8").splitlines()
    assert "2024-05,VN-07,1,900000" in by_region
    by_group = (out / "by_group.csv").read_text(encoding="utf-8").splitlines()
    assert "2024-07,A1,1,750000" in by_group
    chart = (out / "by_month.svg").read_text(encoding="utf-8")
    assert chart.startswith("<svg")
    assert "cost by month in VND" in chart
    assert "2024-05: 1260000" in chart


def test_a_chart_shows_whole_units_of_the_currency(facts: Path, tmp_path: Path) -> None:
    rows = [
        FACTS.splitlines()[0],
        "p1,birth_date,1990-01-01,,,",
        "p1,displaced,yes,2024-01-01,,",
        "p1,application,yes,2024-06-03,,",
    ]
    facts.write_text("\n".join(rows), encoding="utf-8")
    assert simulated("UA-IDP", facts, tmp_path / "out").exit_code == 0
    assert (
        "2024-05: 0; 2024-06: 2000; 2024-07: 2000<" in (tmp_path / "out/by_month.svg").read_text()
    )


def test_parquet_without_its_reader_is_refused_with_what_to_install(
    facts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = tmp_path / "facts.parquet"
    duckdb.execute(f"copy (select * from read_csv('{facts}', all_varchar=true)) to '{parquet}'")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = simulated("VN-SA", parquet, tmp_path / "out")
    assert done.exit_code == 2
    assert "facts.parquet: no_reader: Parquet needs hamroh[bulk]" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_parquet_file_is_simulated_like_the_csv(facts: Path, tmp_path: Path) -> None:
    parquet = tmp_path / "facts.parquet"
    duckdb.execute(f"copy (select * from read_csv('{facts}', all_varchar=true)) to '{parquet}'")
    csv_out, parquet_out = tmp_path / "csv", tmp_path / "parquet"
    assert simulated("VN-SA", facts, csv_out).exit_code == 0
    assert simulated("VN-SA", parquet, parquet_out).exit_code == 0
    assert (csv_out / "by_group.csv").read_text() == (parquet_out / "by_group.csv").read_text()


@pytest.mark.parametrize(
    "text",
    [
        FACTS.replace("person_id", "person"),
        f"{FACTS}p4,birth_date\n",
        f"{FACTS}p4,birth_date,2099-01-01,,,\n",
    ],
)
def test_a_simulation_refuses_what_the_law_refuses(text: str, facts: Path, tmp_path: Path) -> None:
    facts.write_text(text, encoding="utf-8")
    assert simulated("VN-SA", facts, tmp_path / "out").exit_code == 2


def test_a_reference_without_its_columns_is_refused(facts: Path, tmp_path: Path) -> None:
    need = tmp_path / "need.csv"
    need.write_text("who,need\n", encoding="utf-8")
    assert simulated("VN-SA", facts, tmp_path / "out", "--reference", str(need)).exit_code == 2


def test_families_are_simulated_with_their_members(tmp_path: Path) -> None:
    facts = tmp_path / "families.csv"
    facts.write_text(
        "person_id,fact,value,from,to,known_since\nf,birth_date,1990-01-01,,,\n"
        "f,application,yes,2024-04-10,,\nf,family_income_3_months,0,2024-04-10,,\n"
        "f,member,kid,2015-01-01,,\nkid,birth_date,2015-01-01,,,\n",
        encoding="utf-8",
    )
    done = simulated("UZ-SR", facts, tmp_path / "out")
    assert "cost_minor=75000000 currency=UZS" in done.output
    facts.write_text(f"{facts.read_text()}kid\n", encoding="utf-8")
    assert simulated("UZ-SR", facts, tmp_path / "out").exit_code == 2


def test_a_file_that_is_no_parquet_is_refused_by_name(tmp_path: Path) -> None:
    parquet = tmp_path / "facts.parquet"
    parquet.write_bytes(b"no parquet")
    done = simulated("VN-SA", parquet, tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith("facts.parquet: bad_parquet: ")
