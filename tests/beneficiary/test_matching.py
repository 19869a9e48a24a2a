"""Who is who: twenty pairs and what an officer reads of them; and what holds for every pair."""

from dataclasses import dataclass, fields, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.beneficiary.domain import matching
from services.beneficiary.domain.matching import Outcome, Person
from tests.beneficiary.test_identifiers import cccd, pinfl, rnokpp

SAME, REVIEW, DIFFERENT = Outcome.SAME, Outcome.REVIEW, Outcome.DIFFERENT

DILNOZA = Person(
    record_id="1",
    family_name="Yoʻldosheva",
    given_name="Dilnoza",
    patronymic="Karim qizi",
    sex="F",
    birth_date=date(1990, 3, 14),
    national_id=pinfl(date(1990, 3, 14), "F"),
    phone="+998 90 123 45 67",
    region_code="1718",
    place_code="1718212569",
    address="Navbahor MFY, Mehnat 140",
    household_id="H1",
    language="uz-Latn",
)
MYKOLA = Person(
    record_id="1",
    family_name="Шевченко",
    given_name="Микола",
    patronymic="Іванович",
    sex="M",
    birth_date=date(1975, 4, 9),
    national_id=rnokpp(date(1975, 4, 9), "M"),
    phone="067 123 45 67",
    region_code="UA32000000000030281",
    place_code="UA32060030000048241",
    address="вул. Садова 42",
    household_id="H1",
    language="uk",
)
HA = Person(
    record_id="1",
    family_name="Nguyễn",
    given_name="Hà",
    patronymic="Thị",
    sex="F",
    birth_date=date(1988, 11, 2),
    national_id=cccd(date(1988, 11, 2), "F"),
    phone="0912 345 678",
    region_code="08",
    place_code="00694",
    address="12 Lê Lợi, Tổ 5",
    household_id="H1",
    language="vi",
)
AHMED = Person(
    record_id="1",
    family_name="الخطيب",
    given_name="أحمد",
    patronymic="محمود",
    sex="M",
    birth_date=date(1982, 6, 20),
    phone="+998 93 555 12 12",
    region_code="1718",
    place_code="1718212569",
    address="Mehnat 7",
    household_id="H1",
    language="ar",
)


@dataclass(frozen=True)
class Story:
    """Two forms, what is said of them, and words that an officer must read."""

    one: Person
    other: Person
    outcome: Outcome
    words: tuple[str, ...]


STORIES = {
    "script change": Story(
        DILNOZA,
        replace(
            DILNOZA,
            family_name="Йўлдошева",
            given_name="Дилноза",
            patronymic="Каримовна",
            phone="90 123-45-67",
            address="Навбаҳор МФЙ, Меҳнат 140",
            household_id="H2",
            language="uz-Cyrl",
        ),
        SAME,
        (
            "national number is the same",
            "phone is the same",
            "given name is the same in another spelling or script",
            "entered on two forms",
        ),
    ),
    "as a Russian office writes it": Story(
        replace(DILNOZA, national_id=""),
        replace(DILNOZA, family_name="Юлдашева", given_name="Дильноза", patronymic="К.",
                national_id="", household_id="H2", language="ru"),
        SAME,
        ("patronymic or middle name is an initial that fits", "missing on a form: national number"),
    ),
    "married surname": Story(
        DILNOZA,
        replace(DILNOZA, family_name="Karimova", national_id="", household_id="H2"),
        SAME,
        ("family name is different", "phone is the same", "birth date is the same"),
    ),
    "a man's other family name": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, family_name="Бондар", national_id="", phone="", household_id="H2",
                birth_date=date(1975, 9, 17)),
        REVIEW,
        ("family name is different, and is not one that marriage changes",
         "only the birth year is the same"),
    ),
    "swapped day and month": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, birth_date=date(1975, 9, 4), national_id="", household_id="H2"),
        SAME,
        ("day and month of birth are swapped",),
    ),
    "1 January": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, birth_date=date(1975, 1, 1), national_id="", household_id="H2"),
        SAME,
        ("one birth date is 1 January of the other's year",),
    ),
    "the date inside the number": Story(
        MYKOLA,
        replace(MYKOLA, birth_date=date(1976, 5, 19), national_id=rnokpp(date(1975, 4, 9), "M", 77),
                household_id="H2"),
        DIFFERENT,
        ("two people: each has a valid national number, and the numbers differ",),
    ),
    "a slip in the number": Story(
        MYKOLA,
        replace(MYKOLA, national_id=MYKOLA.national_id[:5] + "9" + MYKOLA.national_id[6:],
                household_id="H2"),
        SAME,
        ("national numbers are one slip apart",),
    ),
    "Ukrainian and Russian": Story(
        MYKOLA,
        replace(MYKOLA, given_name="Николай", patronymic="Иванович", national_id="",
                household_id="H2", language="ru"),
        SAME,
        ("given name is the same in another spelling or script",),
    ),
    "Latin in a passport": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, family_name="Ševčenko", given_name="Mykola", patronymic="Ivanovych",
                address="st. Sadova 42", household_id="H2", language="en"),
        SAME,
        ("family name is the same in another spelling or script",),
    ),
    "family and given name changed places": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, family_name="Микола", given_name="Шевченко", household_id="H2"),
        SAME,
        ("family and given name have changed places",),
    ),
    "twins with numbers": Story(
        DILNOZA,
        replace(DILNOZA, given_name="Dilfuza",
                national_id=pinfl(date(1990, 3, 14), "F", serial=43)),
        DIFFERENT,
        ("two people:", "neighbouring serials, as twins have", "entered together on one form"),
    ),
    "twins without numbers": Story(
        replace(DILNOZA, family_name="Karimov", given_name="Hasan", sex="M", national_id=""),
        replace(DILNOZA, family_name="Karimov", given_name="Husan", sex="M", national_id=""),
        REVIEW,
        ("given name is alike, but both are names in use", "entered together on one form"),
    ),
    "siblings": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, given_name="Петро", national_id="", birth_date=date(1976, 10, 1)),
        DIFFERENT,
        ("given name is different", "birth dates are at most two years apart"),
    ),
    "father and son of one name": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, patronymic="Миколайович", birth_date=date(1999, 2, 5), national_id=""),
        DIFFERENT,
        ("birth dates are a generation apart", "patronymic or middle name is different"),
    ),
    "a child's form with the parent's number": Story(
        DILNOZA,
        replace(DILNOZA, given_name="Malika", patronymic="Anvar qizi", birth_date=date(2015, 8, 1)),
        DIFFERENT,
        ("national number is the same", "birth dates are a generation apart"),
    ),
    "a father's number on his son's form": Story(
        MYKOLA,
        replace(MYKOLA, patronymic="Миколайович", birth_date=date(2005, 8, 1), household_id="H2"),
        REVIEW,
        ("a question: the number is the same", "birth dates are a generation apart"),
    ),
    "given name missing": Story(
        replace(DILNOZA, national_id=""),
        replace(DILNOZA, given_name="", birth_date=None, national_id="", household_id="H2"),
        REVIEW,
        ("a question: a given name is missing", "missing on a form: given name, birth date"),
    ),
    "Hà and Hạ": Story(
        replace(HA, national_id=""),
        replace(HA, given_name="Hạ", phone="", address="31 Lê Lợi, Tổ 2", household_id="H2"),
        DIFFERENT,
        ("given name is alike, but both are names in use",),
    ),
    "Hà without her marks": Story(
        HA,
        replace(HA, family_name="Nguyen", given_name="Ha", patronymic="Thi", household_id="H2",
                address="12 Le Loi, To 5", language="en"),
        SAME,
        ("given name is the same in another spelling or script",),
    ),
    "old place code": Story(
        replace(HA, place_code="31288", region_code="92", national_id=""),
        replace(HA, place_code="31268", region_code="92", household_id="H2"),
        SAME,
        ("place and address are the same",),
    ),
    "moved to another region": Story(
        MYKOLA,
        replace(MYKOLA, region_code="UA80000000000093317", place_code="UA80000000000126643",
                address="вул. Миру 3", household_id="H2"),
        SAME,
        ("place is in another region", "national number is the same"),
    ),
    "a namesake elsewhere": Story(
        replace(MYKOLA, national_id=""),
        replace(MYKOLA, region_code="UA80000000000093317", place_code="UA80000000000126643",
                address="вул. Миру 3", phone="050 765 43 21", household_id="H2"),
        REVIEW,
        ("place is in another region", "phone is different", "birth date is the same"),
    ),
    "two who know only a year": Story(
        replace(HA, birth_date=date(1950, 1, 1), national_id=""),
        replace(HA, birth_date=date(1950, 1, 1), national_id="", phone="", household_id="H2",
                address="88 Nguyễn Du, Tổ 9"),
        DIFFERENT,
        ("both birth dates are 1 January, as is written where only a year is known",),
    ),
    "one name, one office's phone, one 1 January": Story(
        replace(HA, birth_date=date(1950, 1, 1), national_id=""),
        replace(HA, birth_date=date(1950, 1, 1), national_id="", household_id="H2",
                address="88 Nguyễn Du, Tổ 9"),
        REVIEW,
        ("a question: both birth dates are 1 January", "phone is the same"),
    ),
    "Arabic and Latin": Story(
        AHMED,
        replace(AHMED, family_name="Al-Khatib", given_name="Ahmed", patronymic="Mahmoud",
                household_id="H2", language="en"),
        SAME,
        ("given name is the same in another spelling or script",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_an_officer_reads_why(name: str) -> None:
    story = STORIES[name]
    judged = matching.compare(story.one, story.other)
    assert judged.outcome is story.outcome, (judged.score, judged.words)
    for words in story.words:
        assert words in judged.words


# What holds for every pair.

TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "Hà",
        "Hạ",
        "Шевченко",
        "Yoʻldosheva",
        "\u202eabc",
        "\u0301\u0301",
        "🌸",
        "محمد",
        "a" * 10_000,
    ]
)
PEOPLE = st.builds(
    Person,
    record_id=st.just("x"),
    **dict.fromkeys(
        (one.name for one in fields(Person) if one.name not in ("record_id", "birth_date")), TEXTS
    ),
    birth_date=st.none() | st.dates(),
)
KNOWN = st.sampled_from([one for story in STORIES.values() for one in (story.one, story.other)])


@given(PEOPLE | KNOWN, PEOPLE | KNOWN)
@settings(deadline=None)
def test_who_comes_first_changes_nothing(a: Person, b: Person) -> None:
    assert matching.compare(a, b) == matching.compare(b, a)


@given(PEOPLE | KNOWN, PEOPLE | KNOWN)
@settings(deadline=None)
def test_every_pair_has_an_answer_and_reasons(a: Person, b: Person) -> None:
    judged = matching.compare(a, b)
    assert 0 <= judged.score <= 1
    assert (judged.outcome is SAME) == (judged.score >= matching.SAME_AT)
    assert judged.words
    weights = [abs(reason.weight) for reason in judged.reasons]
    assert weights == sorted(weights, reverse=True)


@given(PEOPLE)
@settings(deadline=None)
def test_what_was_written_is_left_as_it_is(person: Person) -> None:
    before = replace(person)
    matching.compare(person, person)
    matching.keys(person)
    assert person == before


@given(st.lists(st.tuples(KNOWN, KNOWN), max_size=6))
@settings(deadline=None)
def test_a_batch_is_judged_as_its_pairs_are_one_by_one(pairs: list[tuple[Person, Person]]) -> None:
    assert matching.judge(pairs) == [matching.compare(a, b) for a, b in pairs]


@pytest.mark.parametrize("name", [name for name, one in STORIES.items() if one.outcome is SAME])
def test_two_forms_of_one_person_meet_in_a_block(name: str) -> None:
    story = STORIES[name]
    assert set(matching.keys(story.one)) & set(matching.keys(story.other))


def test_a_person_of_whom_nothing_is_known_meets_nobody() -> None:
    assert matching.keys(Person("1")) == ()
    assert (
        matching.keys(Person("1", given_name="\u0301", phone="nonsense", national_id="000000"))
        == ()
    )


def test_what_was_prepared_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    matching._default.cache_clear()

    matching.prepare()

    monkeypatch.setattr(matching, "load_model", lambda: pytest.fail("the model was read again"))
    assert matching.compare(DILNOZA, DILNOZA).outcome is SAME
