"""Names across scripts: storage keeps what was written, comparison folds what means the same."""

import unicodedata
from functools import partial
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.beneficiary.domain import names
from services.beneficiary.domain.names.equivalents import canonical

NAMES = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("ʻʼ'’`´ғқҳўёъьіїєґабвжцшщюяŏgúśńáàạảãăâđơưễếأإآةىعحخشﷲ\u0300\u0301\u0323"),
    max_size=40,
)
TRADITIONS = st.sampled_from(["", names.VIETNAMESE])


def keys(text: str, tradition: str = "") -> list[str]:
    return [canonical(names.latin_key(word, tradition)) for word in names.words(text)]


def sounds(text: str) -> set[str]:
    return set(names.sounds("".join(keys(text))))


# What is stored.


@given(NAMES)
def test_storage_keeps_every_character_composed(text: str) -> None:
    kept = names.stored(text)
    assert kept == unicodedata.normalize("NFC", text)
    assert names.stored(kept) == kept


@pytest.mark.parametrize(
    "text", ["O‘g‘iloy", "O'g'iloy", "Гʻulomjon", "Hạ", "Hà", "МАРʼЯНА", "أحمد", "Gúlnara", "  x "]
)
def test_storage_folds_nothing(text: str) -> None:
    assert names.stored(text) == text


# What is compared: folding once is folding for good.


@given(NAMES)
def test_words_of_words_are_the_same_words(text: str) -> None:
    once = names.words(text)
    assert names.words(" ".join(once)) == once


@given(NAMES)
def test_latin_letters_of_latin_letters_are_the_same(text: str) -> None:
    for word in names.words(text):
        assert names.latin(names.latin(word)) == names.latin(word)


@given(NAMES, TRADITIONS)
def test_the_key_of_a_key_is_the_key(text: str, tradition: str) -> None:
    for word in names.words(text):
        key = names.latin_key(word, tradition)
        assert names.latin_key(key) == names.latin_key(names.latin_key(key))
        assert canonical(canonical(key)) == canonical(key)


@given(NAMES)
def test_composed_and_decomposed_are_one(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    assert names.words(unicodedata.normalize("NFC", text)) == names.words(apart)


# Spellings of one name meet under one key.

ONE_NAME = {
    "five apostrophes": ["Gʻulom", "G'ulom", "Gʼulom", "G‘ulom", "G’ulom", "G`ulom", "G´ulom"],
    "Uzbek Latin and Cyrillic": ["Shahnoza", "Шаҳноза"],
    "Uzbek x, kh, h": ["Xurshid", "Khurshid", "Хуршид", "Hurshid"],
    "Uzbek o‘ in Cyrillic": ["To‘lqin", "Тўлқин", "Tolqin"],
    "Karakalpak marks": ["Gúlnara", "Gulnara", "ГУЛНАРА"],
    "Ukrainian and Russian: Mykola": ["Микола", "Николай", "Mykola"],
    "Ukrainian and Russian: Olena": ["Олена", "Елена", "Olena", "Yelena"],
    "Ukrainian and Russian: Oleksandr": ["Олександр", "Александр", "Alexander"],
    "Ukrainian apostrophe": ["Мар'яна", "Марʼяна", "Мар’яна"],
    "soft endings": ["Yuriy", "Yurij", "Yurii", "Юрий", "Юрій"],
    "four Latin styles: zh": ["Zhanna", "Janna", "Žanna", "Жанна"],
    "four Latin styles: shch": ["Shcherbak", "Ščerbak", "Щербак"],
    "carons": ["Шевченко", "Shevchenko", "Ševčenko"],
    "Arabic in Latin": ["Mohammed", "Muhammad", "Mohamed", "Mohammad"],
    "Arabic alef": ["أحمد", "احمد", "آحمد"],
    "Arabic ta marbuta": ["فاطمة", "فاطمه"],
    "invisible characters": ["Анна", "Ан\u200bна", "\u202eАнна\u202c", "Ан\u00adна"],
    "one letter of the other script": ["Анна", "Aннa"],
    "pictures": ["Анна", "Анна 🌸"],
}


@pytest.mark.parametrize("case", ONE_NAME)
def test_spellings_of_one_name_meet(case: str) -> None:
    written = ONE_NAME[case]
    first = written[0]
    for other in written[1:]:
        assert keys(first) == keys(other) or sounds(first) & sounds(other), (first, other)


@pytest.mark.parametrize(
    "forms", [["Nguyễn", "Nguyen", "NGUYỄN", "Nguye\u0302\u0303n"], ["Hòa", "Hoà", "Hoa"]]
)
def test_vietnamese_with_and_without_marks_share_a_key_for_candidates(forms: list[str]) -> None:
    assert len({tuple(keys(form, names.VIETNAMESE)) for form in forms}) == 1


def test_a_vietnamese_tone_is_kept_apart_from_the_letters() -> None:
    assert names.syllable("hòa") == names.syllable("hoà") == ("hoa", "\u0300")
    assert names.syllable("hà") != names.syllable("hạ")
    assert names.syllable("trânf") == names.syllable("trần")
    assert names.syllable("tân") != names.syllable("tấn")


# Different names stay different.


@pytest.mark.parametrize(
    "different",
    [
        ["Hasan", "Husan"],
        ["Botir", "Bahrom"],
        ["Олександр", "Олексій"],
        ["Марія", "Мар’яна"],
        ["Anvar", "Akbar"],
    ],
)
def test_two_names_do_not_meet(different: list[str]) -> None:
    for one, other in combinations(different, 2):
        assert keys(one) != keys(other)
        assert not sounds(one) & sounds(other)


def test_khanh_is_not_hanh() -> None:
    vietnamese = partial(keys, tradition=names.VIETNAMESE)
    assert vietnamese("Khánh") != vietnamese("Hạnh")
    assert vietnamese("Phúc") != vietnamese("Phước")


# The father's name inside a patronymic.

ONE_FATHER = [
    [
        "Karimovich",
        "Karim o‘g‘li",
        "Karimogli",
        "Karim ugli",
        "Каримович",
        "Карим ўғли",
        "Karimovna",
    ],
    ["Karim qizi", "Karimqizi", "Карим қизи", "Karimovna", "Karim kizi", "Каримовна"],
    ["Миколайович", "Николаевич", "Mykolaiovych", "Миколаївна", "Николаевна", "Mykolaivna"],
    ["Сергійович", "Сергеевич", "Serhiiovych", "Сергеевна", "Сергіївна"],
    ["Ильич", "Ілліч"],
]


@pytest.mark.parametrize("forms", ONE_FATHER, ids=lambda forms: forms[0])
def test_every_form_of_a_patronymic_names_one_father(forms: list[str]) -> None:
    fathers = [set(names.sounds(names.father(form))) for form in forms]
    assert all(one & fathers[0] for one in fathers), [names.father(form) for form in forms]


def test_two_fathers_stay_two() -> None:
    assert names.father("Karimovich") != names.father("Salimovich")
    assert names.father("Іванович") != names.father("Петрович")
    assert names.father("K.") == "k"
    assert names.father("") == ""


def test_a_vietnamese_middle_name_is_no_patronymic() -> None:
    assert names.father("Thị Ngọc", names.VIETNAMESE) == "thi ngoc"


# Nonsense.


@given(NAMES, TRADITIONS)
def test_no_text_breaks_the_folding(text: str, tradition: str) -> None:
    for word in names.words(text):
        key = names.latin_key(word, tradition)
        assert names.sounds(key, tradition)
        assert names.consonants(names.latin(word)) is not None
    assert names.father(text, tradition) is not None


@pytest.mark.parametrize(
    "nothing",
    ["", " ", "\u202e", "\u0301\u0301", "🌸🌸", "...", "—", "12 34", "\x00\x07", "\u200b"],
)
def test_a_name_of_nothing_readable_has_no_words(nothing: str) -> None:
    assert names.words(nothing) == ()


def test_of_an_endless_name_only_the_beginning_is_looked_at() -> None:
    assert len("".join(names.words("а" * 10_000))) <= 120
