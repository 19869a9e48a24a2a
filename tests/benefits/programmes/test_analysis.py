import pytest

from services.benefits.programmes import Finding, Pack, load_pack, read_pack
from services.benefits.programmes.activation import activation_refusals, unverified
from services.benefits.programmes.analysis import analyse
from services.benefits.programmes.loading import MAX_PACK_CHARS, PACKS, pack_text

VN = pack_text("VN-SA")
IDP = pack_text("UA-IDP")
SR = pack_text("UZ-SR")
ST = pack_text("WF-ST")


def findings(text: str) -> set[tuple[str, str]]:
    found = read_pack(text)
    listed = analyse(found) if isinstance(found, Pack) else found
    return {(finding.place, finding.code) for finding in listed}


def edited(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize("code", sorted(PACKS))
def test_every_packaged_pack_is_sound(code: str) -> None:
    assert analyse(load_pack(code)) == ()


@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        ('currency = "VND"', 'currency = "KZT"', "currency", "unknown_currency"),
        ('"Asia/Ho_Chi_Minh"', '"Asia/Nowhere"', "time_zone", "unknown_time_zone"),
        ('"Asia/Ho_Chi_Minh"', '"America/Argentina"', "time_zone", "unknown_time_zone"),
        ('age = "4..16", without', 'age = "5..16", without', "tables.groups.a1_from_4.age", "gap"),
        ('age = "4..16", without', 'age = "3..16", without', "tables.groups.a1_from_4", "overlap"),
        ('age = "0..4", hiv', 'age = "0-4", hiv', "tables.groups.a3_under_4.age", "bad_cell"),
        ('age = "0..4", hiv', 'age = "4..4", hiv', "tables.groups.a3_under_4.age", "unreachable"),
        ('hiv = "yes", poor', 'hiv = "maybe", poor', "tables.groups.a3_under_4.hiv", "bad_cell"),
        (
            'hiv = "yes", poor',
            'aids = "yes", poor',
            "tables.groups.a3_under_4.aids",
            "unknown_fact",
        ),
        ('hiv = "yes", poor', 'sex = "yes", poor', "tables.groups.a3_under_4.sex", "wrong_kind"),
        (
            'disability = "severe", decision',
            'disability = "light", decision',
            "tables.groups.a6_severe_child.disability",
            "unknown_value",
        ),
        (
            'from = 2015-01-01, value = "270000"',
            'from = 2016-01-01, value = "270000"',
            "parameters.standard",
            "gap",
        ),
        (
            'from = 2015-01-01, value = "270000"',
            'from = 2015-01-01, to = 2021-05-31, value = "270000"',
            "parameters.standard",
            "gap",
        ),
        (
            'from = 2015-01-01, value = "270000"',
            'from = 2015-01-01, to = 2021-07-01, value = "270000"',
            "parameters.standard",
            "overlap",
        ),
        (
            'from = 2024-07-01, value = "500000"',
            'from = 2024-07-01, to = 2030-06-30, value = "500000"',
            "parameters.standard",
            "gap",
        ),
        (
            'raised_by = "provincial_standard"',
            'raised_by = "pension"',
            "parameters.standard.raised_by",
            "wrong_kind",
        ),
        (
            'raised_by = "provincial_standard"',
            'raised_by = "nothing"',
            "parameters.standard.raised_by",
            "unknown_fact",
        ),
        (
            'to = 2025-06-30, rate = "standard", coefficient = "1.0"',
            'to = 2025-06-29, rate = "standard", coefficient = "1.0"',
            "tables.groups.a5b_difficult_commune.to",
            "mid_month",
        ),
        (
            'from = 2025-07-01, rate = "social_pension"',
            'from = 2025-07-02, rate = "social_pension"',
            "tables.groups.sp_from_75.from",
            "mid_month",
        ),
        (
            'from = 2025-07-01, rate = "social_pension"',
            'from = 2025-07-01, to = 2025-05-31, rate = "social_pension"',
            "tables.groups.sp_from_75",
            "unreachable",
        ),
        (
            'from = 2025-07-01, rate = "social_pension"',
            'to = 2014-12-31, rate = "social_pension"',
            "tables.groups.sp_from_75",
            "unreachable",
        ),
        (
            'rate = "social_pension", coefficient',
            'rate = "pension_rate", coefficient',
            "tables.groups.sp_from_75.rate",
            "unknown_parameter",
        ),
        (
            'per = "raised_children"',
            'per = "raised_pets"',
            "tables.groups.a4_single_parent.per",
            "unknown_table",
        ),
        (
            'per = "raised_children", ',
            'count = "1..", ',
            "tables.groups.a4_single_parent.count",
            "no_members",
        ),
        ('link = "child"', 'link = "hiv"', "members.raised_children", "wrong_kind"),
        ('parts = [["SP"]]', 'parts = [["XX"]]', "combination", "unknown_group"),
        ('parts = [["SP"]]', 'parts = [["A1"]]', "combination.SP", "unreachable"),
        (
            'languages = ["vi", "en", "ar"]',
            'languages = ["vi", "tlh"]',
            "languages",
            "unknown_language",
        ),
        ('suspension = "suspended"', 'suspension = "halted"', "suspension", "unknown_fact"),
        (
            'by = "suspended=not_reverified"',
            'by = "suspended=asleep"',
            "lapses.suspended=asleep",
            "unknown_value",
        ),
        (
            'of = ["poor_household", "near_poor_household"]',
            'of = ["poor_household", "rich"]',
            "inputs.poor_or_near_poor",
            "unknown_fact",
        ),
        (
            'of = ["poor_household", "near_poor_household"]',
            'of = ["was_a1", "poor_household"]',
            "inputs.poor_or_near_poor",
            "defined_later",
        ),
        (
            'of = ["poor_household", "near_poor_household"]',
            'of = ["poor_or_near_poor"]',
            "inputs.poor_or_near_poor",
            "circular",
        ),
        (
            'of = ["nurtured_by_state_at_16", "former_a1"]',
            'of = ["nurtured_by_state_at_16=x"]',
            "inputs.was_a1",
            "unknown_value",
        ),
        (
            'groups = ["A5b", "A5c"]',
            'groups = ["A5b", "A5z"]',
            "inputs.converted_2025",
            "unknown_group",
        ),
    ],
)
def test_a_pack_that_makes_no_sense_is_found_out_with_its_place(
    old: str, new: str, place: str, code: str
) -> None:
    assert (place, code) in findings(edited(VN, old, new))


def test_a_code_without_values_and_a_name_that_is_taken_are_found_out() -> None:
    text = edited(VN, 'values = ["severe", "extremely_severe"]\n', "")
    assert ("facts.disability", "no_values") in findings(text)
    text = edited(VN, 'name = "sex"', 'name = "law"')
    assert ("facts.law", "reserved") in findings(text)


def test_inputs_that_wait_for_each_other_are_circular() -> None:
    text = edited(VN, 'of = ["nurtured_by_state_at_16", "former_a1"]', 'of = ["poor_or_near_poor"]')
    text = edited(text, 'of = ["poor_household", "near_poor_household"]', 'of = ["was_a1"]')
    assert ("inputs.poor_or_near_poor", "circular") in findings(text)


@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        ('disability = "no", to', "to", "tables.amounts.adult_before_conditions", "overlap"),
        ('amount = "bank_deposit"', 'amount = "abroad"', "inputs.large_deposit", "wrong_kind"),
        (
            'parameter = "extension_income"',
            'parameter = "adult"',
            "inputs.low_income",
            "unknown_parameter",
        ),
        ('fact = "vehicle_made_on"', 'fact = "abroad"', "inputs.young_vehicle", "wrong_kind"),
        ("months = 6\n", "", "inputs.granted", "no_length"),
        ('renew_while = "may_extend"', 'renew_while = "may_not"', "inputs.granted", "unknown_fact"),
        ('wealthy = "no", from = 2023-09-01', 'wealthy = "no", from = 2023-11-01', "", ""),
    ],
)
def test_a_pack_of_terms_and_comparisons_is_found_out_too(
    old: str, new: str, place: str, code: str
) -> None:
    found = findings(edited(IDP, old, new))
    assert ((place, code) in found) if place else (found == set())


@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        (
            'per = "member"\nparameter',
            'per = "formal_work"\nparameter',
            "inputs.below_line",
            "wrong_kind",
        ),
        ('members = "small_children"', 'members = "pets"', "inputs.child_under_3", "unknown_table"),
        (
            "from = 2023-07-18, value",
            "from = 2022-01-01, value",
            "parameters.minimum_consumer_expenditure",
            "overlap",
        ),
    ],
)
def test_a_pack_of_families_is_found_out_too(old: str, new: str, place: str, code: str) -> None:
    assert (place, code) in findings(edited(SR, old, new))


def test_a_length_that_is_no_count_is_found_out() -> None:
    text = edited(ST, 'months_fact = "term_months"', 'months_fact = "agreed_stipend"')
    assert ("inputs.term", "wrong_kind") in findings(text)


def test_a_row_that_another_always_beats_is_unreachable() -> None:
    row = next(line for line in VN.split("\n") if 'id = "a1_from_4"' in line)
    poorer = row.replace("a1_from_4", "a1_again").replace('age = "4..16", ', "")
    poorer = poorer.replace('"1.5"', '"1.0"').replace(
        '"yes", decision', '"yes", hiv = "yes", decision'
    )
    wider = row.replace("a1_from_4", "a1_wide").replace('age = "4..16", ', "")
    found = findings(edited(VN, row, f"{row}\n{wider}\n{poorer}"))
    assert ("tables.groups.a1_again", "unreachable") in found


def test_in_a_first_table_a_row_behind_a_wider_one_is_unreachable() -> None:
    text = edited(IDP, 'hit = "unique"', 'hit = "first"')
    row = next(line for line in text.split("\n") if 'id = "adult", ' in line)
    behind = row.replace('id = "adult"', 'id = "behind"').replace(
        "granted", 'abroad = "yes", granted'
    )
    assert ("tables.amounts.behind", "unreachable") in findings(
        edited(text, row, f"{row}\n{behind}")
    )


def test_months_between_two_versions_of_a_row_are_a_gap() -> None:
    row = next(line for line in VN.split("\n") if 'id = "a1_from_4"' in line)
    early = row.replace("a1_from_4", "a1_early").replace("rate =", "to = 2023-12-31, rate =")
    late = row.replace("a1_from_4", "a1_late").replace("rate =", "from = 2024-03-01, rate =")
    found = findings(edited(VN, row, f"{early}\n{late}"))
    assert ("tables.groups.a1_late.from", "gap") in found
    # and versions that follow one another from day to day are none
    late = late.replace("from = 2024-03-01", "from = 2024-01-01")
    assert findings(edited(VN, row, f"{early}\n{late}")) == set()


def test_floats_are_refused_with_their_place() -> None:
    text = edited(VN, 'coefficient = "2.5"', "coefficient = 2.5")
    assert findings(text) == {("tables.groups.a1_under_4.coefficient", "float")}


def test_what_is_no_pack_is_refused() -> None:
    assert findings("this is no TOML =") == {("pack", "not_toml")}
    assert findings(f"x = {'[' * 5000}{']' * 5000}") == {("pack", "not_toml")}
    assert findings("#" * (MAX_PACK_CHARS + 1)) == {("pack", "too_large")}
    assert ("version", "missing") in findings("format = 1\n")
    assert findings(edited(VN, "format = 1", "format = 2")) == {("format", "literal_error")}
    assert ("extra", "extra_forbidden") in findings(f"extra = 1\n{VN}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('id = "a1_from_4"', 'id = "a1_under_4"'),
        ('name = "hiv"', 'name = "pension"'),
        ('name = "was_a1"', 'name = "pension"'),
        ('name = "social_pension"\nkind', 'name = "standard"\nkind'),
        ('name = "groups"', 'name = "raised_children"'),
        ('rate = "standard", coefficient = "2.5", law', "law"),
    ],
)
def test_names_that_come_twice_and_rows_that_pay_nothing_are_refused(old: str, new: str) -> None:
    assert isinstance(read_pack(edited(VN, old, new)), tuple)


def test_a_table_that_is_no_table_is_refused() -> None:
    text = edited(
        VN,
        '[[tables]]\nname = "groups"\nhit = "collect"\nrows = [',
        '[[tables]]\nname = "groups"\nhit = "collect"\nrows = [ 5,',
    )
    found = read_pack(text)
    assert isinstance(found, tuple)
    members = edited(VN, 'link = "child"\nrows = [', 'link = "child"\nrows = [ 5,')
    assert isinstance(read_pack(members), tuple)


def test_unverified_rows_forbid_real_money_and_allow_rehearsal() -> None:
    pack = load_pack("VN-SA")
    refused = activation_refusals(pack, real_money=True)
    assert (
        Finding(
            "tables.groups.a1_under_4",
            "unverified",
            "Nghe An decision 1838/QD-UBND of 2015, for Decree 136/2013 only",
        )
        in refused
    )
    assert activation_refusals(pack, real_money=False) == ()


def test_what_ships_unverified_is_known_place_by_place() -> None:
    places = {code: [f.place for f in unverified(load_pack(code))] for code in PACKS}
    assert places["VN-SA"] == [
        "tables.groups.a1_under_4",
        "tables.groups.a1_from_4",
        "tables.groups.a2_in_education",
        "tables.groups.a7_under_3",
        "tables.groups.a8_adult_with_hiv",
        "tables.groups.sp_converted",
        "tables.groups.r_under_4",
        "tables.groups.r_from_4",
        "notes.start_before_july_2025",
        "notes.no_new_decision",
        "notes.earlier_groups",
        "notes.stay_months",
        "combination.choices.1",
    ]
    assert places["UZ-MA"] == []
    assert len(places["UZ-SR"]) == 16
