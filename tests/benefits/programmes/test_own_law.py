"""A ministry's folder of packs: what is law there, what the commands see, what is refused."""

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.benefits.programmes import PackRefused, activation, load_pack, pack_files
from services.benefits.programmes.cases import cases_beside, packaged_cases
from services.benefits.programmes.loading import PACKS, pack_text
from tests.benefits.programmes.own_law import LATER, RAISED, edited, put
from tests.benefits.programmes.test_commands import run

CASE = """
[[cases]]
name = "a child without anybody"
source = "draft"
facts = ["birth_date=2015-05-10", "without_nurture from 2022-02-01", "decision=all from 2022-02-01"]
pays = { "2026-09" = 750000, "2026-10" = 900000 }
"""

SHIPPED = {
    "VN-SA": ("2025.7.1", "e4831eee0741"),
    "UA-IDP": ("2024.3.1", "fa4bc99b6d8c"),
    "UA-BSA": ("2025.7.1", "f3ff365e7863"),
    "UZ-SR": ("2026.2.1", "b71baef068db"),
    "UZ-MA": ("2026.2.1", "b7a2b91be34d"),
    "WF-ST": ("2023.8.1", "860cebdad8c6"),
}
"""Version and digest of the packaged packs, as `hamroh pack list` shows them."""
FACT = "cases.a child without anybody.facts.1: Value error, "
AS_WRITTEN = "a fact is written name=value from DATE to DATE known DATE"
EARLIER = ('version = "2025.7.1"', 'version = "2025.06.30"')


def test_an_own_pack_stands_in_place_of_the_packaged_one_and_a_new_one_beside(
    tmp_path: Path,
) -> None:
    # given a raised rate in a later version, and a programme that nobody shipped
    put(tmp_path, "vn.toml", edited("VN-SA", LATER, RAISED))
    put(tmp_path, "aid.toml", edited("UZ-MA", ('code = "UZ-MA"', 'code = "UZ-AID"')))
    put(tmp_path / "cases", "vn.toml", CASE)
    # when the folder is read
    activation.refuse_folder(tmp_path)
    # then both are law, and all others as they were
    assert [*pack_files(tmp_path)] == [*PACKS, "UZ-AID"]
    assert load_pack("VN-SA", tmp_path).version == "2026.10.1"
    assert load_pack("UZ-MA", tmp_path) == load_pack("UZ-MA")
    assert load_pack("VN-SA").version == "2025.7.1"


def test_cases_are_those_beside_the_pack_else_the_packaged_ones_else_none(tmp_path: Path) -> None:
    file = put(tmp_path, "vn.toml", edited("VN-SA", LATER))
    assert cases_beside(file, "VN-SA") == packaged_cases("VN-SA")
    assert cases_beside(file, "VN-NEW") == ()
    put(tmp_path / "cases", "vn.toml", CASE)
    assert [case.name for case in cases_beside(file, "VN-SA")] == ["a child without anybody"]


def test_the_packaged_pack_itself_may_lie_in_the_folder(tmp_path: Path) -> None:
    put(tmp_path, "vn.toml", "# our copy\n" + pack_text("VN-SA"))
    activation.refuse_folder(tmp_path)


@pytest.mark.parametrize("code", sorted(PACKS))
def test_a_packaged_pack_is_not_edited_under_a_version_that_was_law(code: str) -> None:
    pack = load_pack(code)
    assert (pack.version, pack.digest[:12]) == SHIPPED[code], "give what changed a later version"


def test_an_own_pack_stays_law_when_an_image_brings_a_later_packaged_one(tmp_path: Path) -> None:
    put(tmp_path, "vn.toml", edited("VN-SA", EARLIER, ('"500000"', '"510000"')))
    put(tmp_path / "cases", "vn.toml", CASE.replace("750000", "765000").replace("900000", "765000"))
    activation.refuse_folder(tmp_path)
    assert load_pack("VN-SA", tmp_path).version == "2025.06.30"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("vn.toml", "format = 1\n", "vn.toml: code: missing: Field required (and "),
        ("vn.toml", "law!", "vn.toml: pack: not_toml: "),
        ("vn.toml", "\udcff", "vn.toml: cannot be read: "),
        (
            "vn.toml",
            edited("VN-SA", LATER, ('age = "4..16", without', 'age = "5..16", without')),
            "vn.toml: tables.groups.a1_from_4.age: gap: ",
        ),
        (
            "vn.toml",
            edited("VN-SA", LATER, ('"2.5"', '"2.6"')),
            "vn.toml: A1 under 4: 2024-08: 1300000, not 1250000: mend the pack or the case",
        ),
        (
            "kz.toml",
            edited("UZ-MA", ('"UZ-MA"', '"KZ-MA"'), ('country = "UZ"', 'country = "KZ"')),
            "kz.toml: country: no_calendar: KZ has no calendar of working days",
        ),
        ("cases/vn.toml", CASE, "cases/vn.toml: no pack has this name: name cases like their"),
    ],
)
def test_what_may_not_be_law_is_refused_by_file_and_place(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(PackRefused, match=re.escape(said)) as refused:
        activation.refuse_folder(tmp_path)
    assert str(refused.value).startswith(f"{file}: ")


def test_two_packs_of_one_code_and_a_folder_that_is_none_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.toml", pack_text("UZ-MA"))
    put(tmp_path, "b.toml", pack_text("UZ-MA"))
    with pytest.raises(PackRefused, match=r"b\.toml: code: a\.toml is UZ-MA, too: keep one"):
        activation.refuse_folder(tmp_path)
    with pytest.raises(PackRefused, match="nowhere: no such folder: make it, or leave HAMROH_PACK"):
        activation.refuse_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[cases]]\nname = "nobody"\n', "cases.nobody.source: Field required"),
        ("cases", "Expected '=' after a key in a key/value pair (at end of document)"),
        ("# to come\n", "an empty set of cases proves nothing"),
        ('cases = "x"', "cases: Input should be a valid tuple"),
        ("cases = 3", "cases: Input should be a valid tuple"),
        ("cases = [3]", "cases.0: Input should be a valid dictionary or instance of Case"),
        (f"{CASE}\n[[case]]\n", "case: Extra inputs are not permitted"),
        (CASE.replace("2022-02-01", "2022-02-30", 1), f"{FACT}day is out of range for month"),
        (CASE.replace(" from 2022-02-01", " from", 1), f"{FACT}{AS_WRITTEN}"),
        (CASE.replace(" from 2022-02-01", " form 2022-02-01", 1), f"{FACT}{AS_WRITTEN}"),
    ],
)
def test_cases_that_are_none_are_refused_in_one_line_by_the_folder_and_by_the_command(
    tmp_path: Path, text: str, said: str
) -> None:
    file = put(tmp_path, "vn.toml", edited("VN-SA", LATER))
    cases = put(tmp_path / "cases", "vn.toml", text)
    with pytest.raises(PackRefused) as refused:
        activation.refuse_folder(tmp_path)
    assert str(refused.value) == f"{cases}: no cases: {said}"
    done = run("test", str(file))
    assert done.exit_code == 2
    assert done.stderr == f"cases: bad_cases: {refused.value}\n"


@pytest.mark.parametrize("mode", [0o000, 0o311])
def test_a_folder_that_hides_what_it_has_is_refused_and_not_taken_for_empty(mode: int) -> None:
    nobody = 65534
    with TemporaryDirectory() as name:
        # given a folder with a pack, which the service's user may not list
        folder = Path(name)
        put(folder, "vn.toml", edited("VN-SA", LATER))
        folder.chmod(mode)
        root = os.geteuid() == 0
        os.seteuid(nobody if root else os.geteuid())
        # then it is not as if there were none
        try:
            with pytest.raises(PackRefused, match=f"^{name}: cannot be read: Permission denied$"):
                activation.refuse_folder(folder)
        finally:
            os.seteuid(0 if root else os.geteuid())
            folder.chmod(0o700)


def test_cases_that_cannot_be_listed_are_not_taken_for_none(tmp_path: Path) -> None:
    put(tmp_path, "vn.toml", edited("VN-SA", LATER))
    (tmp_path / "cases").symlink_to(tmp_path / "cases")
    with pytest.raises(PackRefused, match="cases: cannot be read: Too many levels of symbolic"):
        activation.refuse_folder(tmp_path)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("2025.9.9", "2025.10.1"), ("2025.12.31", "2026.1.1"), ("2025.7.9", "2025.7.10")],
)
def test_versions_follow_by_year_month_and_number(earlier: str, later: str) -> None:
    pack = load_pack("VN-SA")
    assert pack.model_copy(update={"version": later}).out_of_turn(earlier, "other") == ()
    (found,) = pack.model_copy(update={"version": earlier}).out_of_turn(later, "other")
    assert (found.place, found.code) == ("version", "not_later")


def test_the_commands_see_the_law_that_the_service_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a folder, named as the service has it
    folder = tmp_path / "packs"
    put(folder, "vn.toml", edited("VN-SA", LATER, RAISED))
    put(folder / "cases", "vn.toml", CASE)
    monkeypatch.setenv("HAMROH_PACKS", str(folder))
    # then a code means its pack and its cases
    assert "2026.10.1" in run("list").output
    assert run("check", "VN-SA").exit_code == 0
    assert run("test", "VN-SA").output == "test cases=1 failures=0\n"
    assert "test cases=33" in run("test", "UZ-SR").output
    assert run("export", "VN-SA", "--xlsx", str(tmp_path / "vn.xlsx")).exit_code == 0
    done = run(
        "import", "VN-SA", "--xlsx", str(tmp_path / "vn.xlsx"), "--out", str(tmp_path / "again")
    )
    assert "changed_lines=0" in done.output


@pytest.mark.parametrize(
    ("text", "version"),
    [(edited("VN-SA", RAISED), "2025.7.1"), (edited("VN-SA", EARLIER, RAISED), "2025.06.30")],
)
def test_an_edit_in_place_is_found_by_check_before_the_service_refuses_it(
    tmp_path: Path, text: str, version: str
) -> None:
    file = put(tmp_path, "vn.toml", text)
    done = run("check", str(file))
    assert done.exit_code == 1
    said = f"version: not_later: {version} says something else than 2025.7.1"
    assert done.stdout.startswith(said)


def test_a_programme_that_nobody_shipped_follows_no_version(tmp_path: Path) -> None:
    file = put(tmp_path, "aid.toml", edited("UZ-MA", ('code = "UZ-MA"', 'code = "UZ-AID"')))
    assert run("check", str(file)).output == "check findings=0\n"


def test_a_broken_folder_ends_every_command_that_is_given_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path, "vn.toml", "format = 1\n")
    monkeypatch.setenv("HAMROH_PACKS", str(tmp_path))
    for command in (("list",), ("check", "VN-SA"), ("test", "UZ-MA")):
        done = run(*command)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"HAMROH_PACKS: bad_pack: {file}: code: missing: ")
