"""The invented list of the demonstration: repeatable, good where it should be, broken by one rule.

The rules are written down here a second time, from the sources and not from the generator.
"""

import csv
import re
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vietnam_provinces import Ward

from deploy.demo.people import Label, Row, labelled, people, workers, write_csv
from deploy.demo.people.names import PUBLIC_FIGURES, full_name
from deploy.demo.people.records import Person
from deploy.demo.people.second import with_birth_error

DEMO = Path(__file__).parents[2] / "deploy" / "demo"
SEED, COUNT = 2026, 5000
BUSINESS_DATE = date(2026, 9, 15)
WARDS = {f"{ward.code.value:05}" for ward in Ward.iter_all() if ward.province_code.value == 8}
STATUS_LEVELS: dict[str, set[str]] = {
    "without_nurture": {""},
    "poor_household": {""},
    "near_poor_household": {""},
    "single_no_support": {""},
    "disability": {"severe", "extremely_severe"},
    "pension": {""},
    "difficult_commune": {""},
    "in_education": {""},
    "social_pension_request": {""},
}
# Circular 59/2021/TT-BCA: the codes of the 63 provinces of that time.
GAPS = {3, 5, 7, 9, 13, 16, 18, 21, 23, 28, 29, 32, 39, 41, 43, 47, 50, 53, 55, 57, 59, 61, 63}
GAPS |= {65, 69, 71, 73, 76, 78, 81, 85, 88, 90}
CCCD_PROVINCES = {f"{code:03}" for code in range(1, 97) if code not in GAPS}
VULGAR = {"buồi", "cặc", "chó", "cứt", "đĩ", "địt", "điếm", "lồn", "ngu", "đụ", "dâm", "khùng"}


def day(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def age(row: Row) -> int:
    born = date.fromisoformat(row.birth_date)
    return BUSINESS_DATE.year - born.year - ((born.month, born.day) > (9, 15))


def identifier_is_good(row: Row) -> bool:
    if not row.identifier:
        return True
    if not re.fullmatch(r"\d{12}", row.identifier) or row.identifier[:3] not in CCCD_PROVINCES:
        return False
    born = day(row.birth_date)
    if born is None or row.sex not in {"1", "2"}:
        return True  # contradicts nothing that is known
    century_and_sex = {(19, "1"): "0", (19, "2"): "1", (20, "1"): "2", (20, "2"): "3"}
    stated = century_and_sex[(born.year // 100, row.sex)] + f"{born.year % 100:02}"
    return row.identifier[3:6] == stated


def statuses_are_good(row: Row) -> bool:
    born = day(row.birth_date)
    for status in filter(None, row.statuses.split(";")):
        code, level, text = status.split(":")
        since = day(text)
        if since is None or level not in STATUS_LEVELS.get(code, set()):
            return False
        if born and since < born:
            return False
    return True


def phone_is_good(row: Row) -> bool:
    if not row.phone:
        return True
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(row.phone, "VN"))
    except phonenumbers.NumberParseException:
        return False


def birth_date_is_good(row: Row) -> bool:
    born = day(row.birth_date)
    return born is not None and date(1896, 1, 1) < born <= date(2026, 9, 14)


def text_is_good(text: str, most: int = 200) -> bool:
    return len(text) <= most and not any(unicodedata.category(c) == "Cc" for c in text)


RULES: dict[str, Callable[[Row], bool]] = {
    "role": lambda row: row.role in {"head", "spouse", "child", "parent", "other"},
    "family_name": lambda row: bool(row.family_name) and text_is_good(row.family_name),
    "middle_name": lambda row: text_is_good(row.middle_name),
    "given_name": lambda row: bool(row.given_name) and text_is_good(row.given_name),
    "sex": lambda row: row.sex in {"0", "1", "2", "9"},
    "birth_date": birth_date_is_good,
    "birth_precision": lambda row: row.birth_precision in {"day", "month", "year"},
    "identifier_kind": lambda row: row.identifier_kind == ("vn-cccd" if row.identifier else ""),
    "identifier": lambda row: row.identifier_kind == "vn-cmnd" or identifier_is_good(row),
    "phone": phone_is_good,
    "language": lambda row: row.language in {"vi", "en"},
    "place_code": lambda row: row.place_code in WARDS,
    "address": lambda row: text_is_good(row.address),
    "account": lambda row: re.fullmatch(r"(\d{13})?", row.account) is not None,
    "statuses": statuses_are_good,
}


def broken_columns(row: Row) -> list[str]:
    return [column for column, holds in RULES.items() if not holds(row)]


def groups(row: Row) -> set[str]:
    """Which groups of Decree 20/2021 and the social pension a person's statuses lead to."""
    held = {status.split(":")[0] for status in row.statuses.split(";")}
    poor = "poor_household" in held
    needy = poor or "near_poor_household" in held
    asked = "social_pension_request" in held and "pension" not in held
    years = age(row)
    fits = {
        "A1": "without_nurture" in held and years < 16,
        "A5a": poor and "single_no_support" in held and years >= 60,
        "A6": "disability" in held,
        "pension": asked and (years >= 75 or (years >= 70 and needy)),
    }
    return {group for group, fit in fits.items() if fit}


def read(name: str) -> list[dict[str, str]]:
    with (DEMO / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pairs() -> list[tuple[Row, Label]]:
    rows = [Row(**line) for line in read("people.csv")]
    labels = [Label(**line) for line in read("expected.csv")]  # type: ignore[arg-type]
    assert [row.record_id for row in rows] == [label.record_id for label in labels]
    return list(zip(rows, labels, strict=True))


def of_kind(pairs: Iterable[tuple[Row, Label]], *kinds: str) -> list[Row]:
    return [row for row, label in pairs if label.kind in kinds]


def forms(rows: Iterable[Row]) -> list[list[Row]]:
    members: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        members[row.form_id].append(row)
    return list(members.values())


def test_the_committed_files_are_what_the_seed_gives(tmp_path: Path) -> None:
    pairs = labelled(SEED, COUNT)
    write_csv(tmp_path / "people.csv", Row, (row for row, _ in pairs))
    write_csv(tmp_path / "expected.csv", Label, (label for _, label in pairs))
    committed = [(DEMO / name).read_bytes() for name in ("people.csv", "expected.csv")]

    assert [(tmp_path / n).read_bytes() for n in ("people.csv", "expected.csv")] == committed


def test_the_command_writes_the_same_bytes_for_the_same_seed_and_others_for_another(
    tmp_path: Path,
) -> None:
    def run(name: str, seed: int) -> bytes:
        out = tmp_path / name
        options = ["--seed", str(seed), "--people", "200", "--out", str(out)]
        subprocess.run([sys.executable, "-m", "deploy.demo.people", *options], check=True)
        return out.read_bytes()

    once, again, other = run("once.csv", 7), run("again.csv", 7), run("other.csv", 8)

    assert once == again
    assert once != other
    assert len(once.splitlines()) > 200


def test_five_thousand_rows_a_fifth_again_and_a_hundredth_broken(
    pairs: list[tuple[Row, Label]],
) -> None:
    kinds = Counter(label.kind for _, label in pairs)

    assert kinds == {"first": 3950, "second": 1000, "broken": 50}
    assert len({row.record_id for row, _ in pairs}) == COUNT
    assert {row.place_code for row in of_kind(pairs, "first")} == WARDS


def test_good_rows_break_no_rule(pairs: list[tuple[Row, Label]]) -> None:
    faults = {row.record_id: broken_columns(row) for row in of_kind(pairs, "first", "second")}

    assert {record: columns for record, columns in faults.items() if columns} == {}


def test_every_broken_row_breaks_one_rule_in_the_column_that_its_reason_names(
    pairs: list[tuple[Row, Label]],
) -> None:
    broken = [(row, label.reason) for row, label in pairs if label.kind == "broken"]

    assert len({reason for _, reason in broken}) >= 30
    for row, reason in broken:
        assert broken_columns(row) == [reason.split(".")[0]], reason


def test_a_second_registration_keeps_two_of_identifier_phone_birth_date_and_ward(
    pairs: list[tuple[Row, Label]],
) -> None:
    firsts = {label.entity: row for row, label in pairs if label.kind == "first"}
    same_identifier, changed = 0, 0
    for row, label in pairs:
        if label.kind != "second":
            continue
        first = firsts[label.entity]
        identified = row.identifier != "" and row.identifier == first.identifier
        same_identifier += identified
        called = row.phone != "" and number(row) == number(first)
        kept = (identified + called + (row.birth_date == first.birth_date)) + (
            row.place_code == first.place_code
        )
        assert kept >= 2, row.record_id
        assert row.sex == first.sex
        assert label.reason
        changed += full_name(*name(row)) != full_name(*name(first))

    assert 450 <= same_identifier <= 560
    assert 600 <= changed <= 850


def number(row: Row) -> str:
    return re.sub(r"\D", "", row.phone)[-9:]


def name(row: Row) -> tuple[str, str, str]:
    family, middle, given = row.family_name, row.middle_name, row.given_name
    return (nfc(family), nfc(middle), nfc(given))


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def test_what_is_given_out_once_is_held_by_one_person(pairs: list[tuple[Row, Label]]) -> None:
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for row, label in pairs:
        if label.kind == "first":
            holders[row.identifier].add(label.entity)
        holders[row.account].add(label.entity)
    del holders[""]

    assert [value for value, entities in holders.items() if len(entities) > 1] == []


def test_a_form_has_one_head_and_at_most_seven_rows_of_one_address(
    pairs: list[tuple[Row, Label]],
) -> None:
    whole = forms(row for row, _ in pairs)

    assert {len(form) for form in whole} == set(range(1, 8))
    for form in whole:
        assert [row.role for row in form].count("head") == 1, form[0].form_id
        assert form[0].role == "head"
    for form in forms(of_kind(pairs, "first", "second")):
        assert len({(row.place_code, row.address, row.language) for row in form}) == 1


def test_a_form_with_somebody_to_be_paid_has_an_adult_head_with_an_account(
    pairs: list[tuple[Row, Label]],
) -> None:
    for form in forms(of_kind(pairs, "first", "second")):
        assert form[0].role == "head"
        assert age(form[0]) >= 18
        if any(groups(row) for row in form):
            assert form[0].account, form[0].form_id


def test_a_quarter_or_so_are_entitled_in_every_group_that_the_demonstration_judges(
    pairs: list[tuple[Row, Label]],
) -> None:
    firsts = of_kind(pairs, "first")
    entitled = [groups(row) for row in firsts if groups(row)]
    counts = Counter(group for fits in entitled for group in fits)

    assert 0.20 <= len(entitled) / len(firsts) <= 0.30
    assert set(counts) == {"A1", "A5a", "A6", "pension"}
    assert min(counts.values()) >= 50
    assert {level for row in firsts for level in re.findall(r"disability:(\w+)", row.statuses)} == {
        "severe",
        "extremely_severe",
    }


def test_offices_write_composed_and_decomposed_with_marks_and_without(
    pairs: list[tuple[Row, Label]],
) -> None:
    names = [row.family_name + row.given_name for row in of_kind(pairs, "first", "second")]
    decomposed = sum(nfc(text) != text for text in names)
    composed = sum(nfc(text) == text and not text.isascii() for text in names)
    bare = sum(text.isascii() for text in names)

    assert 0.02 <= decomposed / len(names) <= 0.07
    assert composed / len(names) >= 0.75
    assert bare / len(names) >= 0.02


def test_nobody_is_a_public_figure_and_no_name_is_a_vulgar_word(
    pairs: list[tuple[Row, Label]],
) -> None:
    known = {figure.casefold() for figure in PUBLIC_FIGURES}
    for row, _ in pairs:
        written = full_name(*name(row)).casefold()
        assert written not in known
        assert not VULGAR & set(written.split()), row.record_id


def test_everybody_comes_in_the_first_half_of_september_in_the_order_of_the_list(
    pairs: list[tuple[Row, Label]],
) -> None:
    times = [datetime.fromisoformat(row.registered_at) for row, _ in pairs]
    opened = [datetime.fromisoformat(form[0].registered_at) for form in forms(r for r, _ in pairs)]

    assert {moment.utcoffset() for moment in times} == {timedelta(hours=7)}
    assert date(2026, 9, 1) <= min(times).date() <= max(times).date() <= date(2026, 9, 14)
    assert opened == sorted(opened)


def test_every_ward_has_a_worker_during_the_drive(tmp_path: Path) -> None:
    write_csv(tmp_path / "workers.csv", type(workers(SEED)[0]), workers(SEED))
    listed = read("workers.csv")
    active = [w for w in listed if w["first_day"] <= "2026-09-01" and w["last_day"] > "2026-12-31"]

    assert (tmp_path / "workers.csv").read_bytes() == (DEMO / "workers.csv").read_bytes()
    assert len(listed) == 24
    assert {code for worker in active for code in worker["communities"].split(";")} == WARDS
    assert all("vi" in worker["languages"].split(";") for worker in listed)


@given(
    born_on=st.dates(date(2024, 1, 1), date(2026, 8, 31)),
    error=st.sampled_from(["day_month_swap", "jan1_default", "birth_date_typo"]),
)
def test_a_slip_in_a_birth_date_never_makes_somebody_unborn(born_on: date, error: str) -> None:
    infant = Person("E1", "child", "Ma", "Thị", "Hoa", sex="2", born_on=born_on)

    again = with_birth_error(Random(1), infant, error)

    assert again.born_on < date(2026, 9, 1)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(50, 300))
def test_any_seed_gives_as_many_good_rows_as_it_should(seed: int, count: int) -> None:
    pairs = labelled(seed, count)
    kinds = Counter(label.kind for _, label in pairs)

    assert list(people(seed, count)) == [row for row, _ in pairs]
    assert (kinds["second"], kinds["broken"]) == (round(count / 5), round(count / 100))
    assert kinds.total() == count
    for row, label in pairs:
        columns = [] if label.kind != "broken" else [label.reason.split(".")[0]]
        assert broken_columns(row) == columns, (row, label)
    assert all([row.role for row in form].count("head") == 1 for form in forms(r for r, _ in pairs))


def test_nothing_that_runs_knows_the_truth_about_the_rows() -> None:
    root = DEMO.parents[1]
    sources = [
        path
        for part in ("contracts", "services", "deploy")
        for path in root.glob(f"{part}/**/*.py")
    ]

    assert sources
    assert [path for path in sources if "expected.csv" in path.read_text(encoding="utf-8")] == []
