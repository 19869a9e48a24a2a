"""Places that change: which unit a code meant on a day, and what it is on another."""

import csv
import gzip
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import places
from contracts.places import Change, History, Level, Unit

DATA = Path(places.__file__).parent / "data"
LAST_DAY, REFORM = date(2025, 6, 30), date(2025, 7, 1)
VIETNAM = places.load_history("VN")


def rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(DATA / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def codes(units: tuple[Unit, ...]) -> list[str]:
    return [unit.code for unit in units]


def count(level: Level, on: date) -> int:
    found = [unit for row in rows("units_vn") if (unit := VIETNAM.unit(row["code"], on))]
    return len({unit.code for unit in found if unit.level is level})


# Viet Nam, before and after 1 July 2025.


def test_the_reform_has_the_published_numbers_of_units() -> None:
    assert count(Level.REGION, LAST_DAY) == 63
    assert count(Level.REGION, REFORM) == 34
    assert count(Level.DISTRICT, LAST_DAY) == 696
    assert count(Level.DISTRICT, REFORM) == 0
    assert count(Level.SETTLEMENT, LAST_DAY) == 10_035
    assert count(Level.SETTLEMENT, REFORM) == 3_321


def test_ha_giang_became_a_part_of_tuyen_quang() -> None:
    # on its last day the province is itself
    before = places.unit("02", LAST_DAY)
    assert before is not None
    assert before.names == {"vi": "Tỉnh Hà Giang"}
    # a day later its code names nothing, and its heir is Tuyên Quang
    assert places.unit("02", REFORM) is None
    assert codes(places.became("02", LAST_DAY, REFORM)) == ["08"]
    # and seen from today, Tuyên Quang was two provinces
    assert set(codes(places.became("08", REFORM, LAST_DAY))) == {"02", "08"}


def test_one_code_meant_another_ward_before_the_reform() -> None:
    then, now = places.unit("00694", LAST_DAY), places.unit("00694", REFORM)
    assert then is not None
    assert now is not None
    assert (then.names["vi"], now.names["vi"]) == ("Phường Nguyễn Trãi", "Phường Hà Giang 1")
    assert (then.parent, now.parent) == ("024", "08")


def test_a_divided_ward_has_its_larger_part_first() -> None:
    assert codes(places.became("31268", LAST_DAY, REFORM)) == ["31288", "31666"]
    assert places.latest("31268") == "31288"


def test_an_abolished_district_lives_on_in_the_heirs_of_its_wards() -> None:
    heirs = places.became("001", LAST_DAY, REFORM)
    assert "Phường Ba Đình" in {unit.names["vi"] for unit in heirs}
    assert {unit.level for unit in heirs} == {Level.SETTLEMENT}


def test_every_old_unit_has_an_heir_in_force_and_every_new_one_an_origin() -> None:
    for row in rows("units_vn"):
        then, now = (LAST_DAY, REFORM) if row["until"] else (REFORM, LAST_DAY)
        relatives = places.became(row["code"], then, now)
        assert relatives, row["code"]
        assert all(unit.in_force(now) for unit in relatives), row["code"]


def test_an_old_code_is_understood_for_a_year_and_no_longer() -> None:
    understood = places.understood("02", date(2026, 6, 30))
    assert understood is not None
    assert understood.code == "08"
    assert places.understood("02", date(2026, 7, 3)) is None
    assert places.understood("02", LAST_DAY, grace_days=0) == places.unit("02", LAST_DAY)
    assert places.understood("98765", REFORM) is None


def test_codes_of_a_region_are_those_in_force_that_day() -> None:
    before, after = places.in_force("VN-07", LAST_DAY), places.in_force("VN-07", REFORM)
    assert len(after) == 124
    assert "00694" not in before
    assert "00694" in after
    assert places.in_force("VN-99", REFORM) == frozenset()
    assert places.in_force("XX-01", REFORM) == frozenset()


# Uzbekistan and Ukraine.


def test_units_are_named_in_the_languages_of_their_source() -> None:
    tashkent = places.unit("1726", REFORM)
    assert tashkent is not None
    assert tashkent.names == {
        "uz-Latn": "Toshkent shahri",
        "uz-Cyrl": "Тошкент шаҳри",
        "ru": "город Ташкент",
    }
    kyiv = places.unit("UA80000000000093317", REFORM)
    assert kyiv is not None
    assert kyiv.names == {"uk": "Київ"}
    assert kyiv.level is Level.REGION


def test_ukrainian_codes_are_known_since_the_register_began() -> None:
    assert places.unit("UA80000000000093317", date(2020, 11, 25)) is None
    assert places.unit("UA80000000000093317", date(2020, 11, 26)) is not None


@pytest.mark.parametrize(
    ("code", "country"),
    [
        *(("1726", "UZ"), ("1718230559", "UZ"), ("UZ-TK", "UZ")),
        *(("UA80000000000093317", "UA"), ("8036100000", "UA"), ("UA-26", "UA")),
        *(("79", "VN"), ("001", "VN"), ("00694", "VN"), ("VN-SG", "VN")),
        *(("", ""), ("Tashkent", ""), ("123456", ""), ("٧٩", "")),
    ],
)
def test_the_form_of_a_code_tells_its_country(code: str, country: str) -> None:
    assert places.country_of(code) == country


@pytest.mark.parametrize(("iso", "national"), [("VN-07", "08"), ("UZ-TK", "1726"), ("74", "79")])
def test_a_region_is_known_by_its_iso_code_its_national_code_and_its_old_code(
    iso: str, national: str
) -> None:
    assert places.latest(iso) == national


@given(st.text(max_size=20), st.dates())
def test_a_code_that_nobody_gave_out_names_nothing(code: str, on: date) -> None:
    found = places.unit(code, on)
    assert found is None or found.in_force(on)
    assert places.latest(places.latest(code)) == places.latest(code)
    if found is None:
        assert places.became(code, on, REFORM) == ()


@pytest.mark.parametrize("code", ["", "xx", "UA-26-1"])
def test_a_code_of_no_country_has_no_history(code: str) -> None:
    assert places.became(code, LAST_DAY, REFORM) == ()
    assert places.understood(code, REFORM) is None
    assert places.latest(code) == code


# A history of several changes, of which today's registers have none yet.


def test_a_chain_of_changes_is_followed_to_its_end_and_back() -> None:
    # given a village that joined a commune in 2000, which was renamed in 2010
    merged, renamed = date(2000, 1, 1), date(2010, 1, 1)
    history = History(
        [
            Unit("VN", "1", Level.SETTLEMENT, "", {"vi": "Làng"}, None, merged),
            Unit("VN", "2", Level.SETTLEMENT, "", {"vi": "Xã"}, None, renamed),
            Unit("VN", "3", Level.SETTLEMENT, "", {"vi": "Phường"}, renamed, None),
        ],
        [Change("1", "2", merged), Change("2", "3", renamed)],
    )
    # then each day has its own answer
    assert codes(history.became("1", date(1999, 1, 1), date(2005, 1, 1))) == ["2"]
    assert codes(history.became("1", date(1999, 1, 1), date(2020, 1, 1))) == ["3"]
    assert codes(history.became("3", date(2020, 1, 1), date(2005, 1, 1))) == ["2"]
    assert history.became("1", date(2005, 1, 1), date(2020, 1, 1)) == ()
    assert history.origins("9", date(2020, 1, 1), date(1999, 1, 1)) == ()
    assert history.latest("1") == "3"
    assert history.latest("9") == "9"


def test_what_became_of_a_district_is_told_by_the_communes_it_had_at_its_end() -> None:
    # given a district that ended in 2010 with one of its communes, the other of which was gone
    gone, ended = date(2000, 1, 1), date(2010, 1, 1)
    history = History(
        [
            Unit("VN", "D", Level.DISTRICT, "", {"vi": "Huyện"}, None, ended),
            Unit("VN", "1", Level.SETTLEMENT, "D", {"vi": "Làng"}, None, gone),
            Unit("VN", "2", Level.SETTLEMENT, "D", {"vi": "Xã"}, None, ended),
            Unit("VN", "3", Level.SETTLEMENT, "", {"vi": "Phường"}, ended, None),
            Unit("VN", "4", Level.SETTLEMENT, "", {"vi": "Phường"}, gone, None),
        ],
        [Change("1", "4", gone), Change("2", "3", ended)],
    )
    assert codes(history.became("D", date(2005, 1, 1), date(2020, 1, 1))) == ["3"]


def test_a_unit_that_ended_without_an_heir_stays_itself() -> None:
    ended = date(2000, 1, 1)
    history = History([Unit("VN", "1", Level.SETTLEMENT, "", {"vi": "Làng"}, None, ended)], [])
    assert history.became("1", ended - timedelta(days=1), ended) == ()
    assert history.understood("1", ended) is None
    assert history.latest("1") == "1"


def test_the_committed_tables_are_what_the_registers_give() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "deploy.places", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
