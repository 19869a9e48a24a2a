"""How an office writes a name in the language of its form, and how a pen or a scanner slips."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from random import Random

APOSTROPHES = "ʻ'ʼ‘’"
LETTERS_UZBEK = (
    *(("sh", "ш"), ("ch", "ч"), ("oʻ", "ў"), ("gʻ", "ғ"), ("yo", "ё"), ("yu", "ю"), ("ya", "я")),
    *(("ye", "е"), ("ts", "ц"), ("ʼ", "ъ")),
    *zip("abdefghijklmnopqrstuvxyz", "абдефгҳижклмнопқрстувхйз", strict=True),
)
RUSSIAN_OFFICE = (("ў", "у"), ("қ", "к"), ("ғ", "г"), ("ҳ", "х"), ("ж", "дж"))
KARAKALPAK = (("oʻ", "o"), ("gʻ", "ǵ"), ("ch", "sh"), ("f", "p"))
UKRAINIAN_AS_RUSSIAN = (("ськ", "ск"), ("цьк", "цк"), ("і", "и"), ("ї", "и"), ("є", "е"))
LATIN_STYLES = (
    {"х": "kh", "ж": "zh", "ю": "iu", "я": "ia", "є": "ie", "ї": "i", "й": "i", "щ": "shch"},
    {"х": "kh", "ж": "zh", "ю": "yu", "я": "ya", "є": "ye", "ї": "yi", "й": "y", "щ": "shch"},
    {"х": "h", "ж": "j", "ю": "ju", "я": "ja", "є": "je", "ї": "ji", "й": "j", "щ": "sch"},
    {"х": "x", "ж": "ž", "ю": "ju", "я": "ja", "є": "je", "ї": "i", "й": "j", "щ": "šč", "ч": "č",
     "ш": "š"},
)  # fmt: skip
LATIN = {
    **dict(zip("абвгґдезиіклмнопрстуф", "abvhgdezyiklmnoprstuf", strict=True)),
    "ц": "ts", "ч": "ch", "ш": "sh", "ь": "", "ъ": "", "’": "", "ё": "yo", "ы": "y", "э": "e",
}  # fmt: skip
UZBEK_LATIN_STYLES = (
    (("x", "kh"), ("oʻ", "u"), ("gʻ", "gh"), ("q", "k")),
    (("x", "h"), ("oʻ", "o"), ("gʻ", "g")),
    (("j", "dj"), ("oʻ", "u"), ("gʻ", "g"), ("x", "kh")),
    (("oʻ", "o'"), ("gʻ", "g'")),
)
OCR = (
    ("o", "0"),
    ("l", "1"),
    ("b", "6"),
    ("з", "3"),
    ("о", "0"),
    ("rn", "m"),
    ("ш", "щ"),
    ("и", "н"),
)
BY_EAR = {
    "uz": (("x", "h"), ("h", "x"), ("o", "a"), ("i", "e"), ("v", "f"), ("х", "ҳ"), ("о", "а")),
    "uk": (("и", "і"), ("е", "и"), ("о", "а"), ("г", "х"), ("ї", "і")),
    "vi": (("tr", "ch"), ("s", "x"), ("x", "s"), ("d", "gi"), ("l", "n"), ("n", "l"), ("y", "i")),
    "ar": (("أ", "ا"), ("ة", "ه"), ("ي", "ى"), ("ou", "u"), ("ee", "i")),
}
TELEX = {"\u0300": "f", "\u0301": "s", "\u0309": "r", "\u0303": "x", "\u0323": "j"}


def replaced(text: str, table: Sequence[tuple[str, str]]) -> str:
    """Replaces from left to right, longest first where the table says so; keeps capitals."""
    for old, new in table:
        text = text.replace(old, new).replace(old.capitalize(), new.capitalize())
    return text


@lru_cache(maxsize=1 << 15)
def uzbek(text: str, language: str, style: int) -> str:
    if language == "uz-Latn":
        return text.replace("ʻ", APOSTROPHES[style % 5])
    if language == "kaa":
        return replaced(text, KARAKALPAK)
    if language == "en":
        return replaced(text, UZBEK_LATIN_STYLES[style % 4])
    cyrillic = replaced(text, LETTERS_UZBEK)
    cyrillic = "Э" + cyrillic[1:] if cyrillic.startswith("Е") else cyrillic
    return cyrillic if language == "uz-Cyrl" else replaced(cyrillic, RUSSIAN_OFFICE)


@lru_cache(maxsize=1 << 15)
def ukrainian(text: str, language: str, style: int) -> str:
    if language == "uk":
        return text
    if language == "ru":
        return replaced(text, UKRAINIAN_AS_RUSSIAN)
    letters = LATIN | LATIN_STYLES[style % 4]
    return "".join(letters.get(one, one) for one in text.lower()).title()


@lru_cache(maxsize=1 << 15)
def vietnamese(text: str, language: str, style: int) -> str:
    _ = style
    return text if language == "vi" else without_marks(text)


@lru_cache(maxsize=1 << 15)
def arabic(text: str, language: str, style: int) -> str:
    """Arabic names carry their Latin forms behind a colon."""
    home, _, latin = text.partition(":")
    forms = latin.split(",") if latin else [home]
    return home if language == "ar" else forms[style % len(forms)]


def without_marks(text: str) -> str:
    apart = unicodedata.normalize("NFD", text.translate(str.maketrans("đĐ", "dD")))
    return "".join(one for one in apart if not unicodedata.combining(one))


def typo(rng: Random, text: str) -> str:
    """One letter swapped, dropped, doubled or replaced, not the first."""
    if len(text) < 3:
        return text + text[-1:]
    at = rng.randrange(1, len(text) - 1)
    return rng.choice(
        (
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + text[at + 1 :],
            text[: at + 1] + text[at:],
            text[:at] + rng.choice(text.lower()) + text[at + 1 :],
        )
    )


def ocr(rng: Random, text: str) -> str:
    return _one_of(rng, text, OCR)


def by_ear(rng: Random, text: str, tradition: str) -> str:
    """What is heard in place of what was said; in Vietnamese only where a syllable begins."""
    if tradition != "vi":
        return _one_of(rng, text, BY_EAR[tradition])
    fitting = [(old, new) for old, new in BY_EAR["vi"] if text.lower().startswith(old)]
    if not fitting:
        return text
    old, new = rng.choice(fitting)
    return new.capitalize() + text[len(old) :]


def other_tone(rng: Random, text: str) -> str:
    """Another tone, or the key of the tone left at the end."""
    apart = unicodedata.normalize("NFD", text)
    tone = next((one for one in apart if one in TELEX), "")
    if not tone:
        return text
    if rng.random() < 0.5 and " " not in text:
        return unicodedata.normalize("NFC", apart.replace(tone, "", 1)) + TELEX[tone]
    other = rng.choice([one for one in TELEX if one != tone])
    return unicodedata.normalize("NFC", apart.replace(tone, other, 1))


def _one_of(rng: Random, text: str, table: Sequence[tuple[str, str]]) -> str:
    fitting = [(old, new) for old, new in table if old in text]
    if not fitting:
        return text
    old, new = rng.choice(fitting)
    return text.replace(old, new, 1)
