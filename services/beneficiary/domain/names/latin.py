"""One Latin spelling for words of the Cyrillic, Latin and Arabic scripts.

The target is not a standard but a meeting point: Uzbek Latin, Uzbek and Karakalpak Cyrillic, the
spelling of Russian-speaking offices, Ukrainian, and the four usual ways to write them in
passports all land on the same or nearly the same letters. Sources: the Uzbek alphabet law of
1993 as amended in 1995, the Karakalpak alphabet of 2016, ICAO Doc 9303 part 3, resolution 55 of the
Ukrainian cabinet (2010), BGN/PCGN 1947 and 1965, ISO 9:1995.
"""

import re
import unicodedata
from functools import lru_cache

from services.beneficiary.domain.names.letters import APOSTROPHE, REMEMBERED, is_arabic, is_cyrillic
from services.beneficiary.domain.names.vietnamese import without_telex

_CYRILLIC = str.maketrans(
    {
        **dict(zip("абвгґғдезийклмнопрстуфхҳэ", "abvgggdeziyklmnoprstufhhe", strict=True)),
        "ц": "ts",
        "ж": "j",
        "ч": "ch",
        "ш": "sh",
        "щ": "sh",
        "ю": "yu",
        "я": "ya",
        "ё": "yo",
        "є": "e",
        "і": "i",
        "ї": "i",
        "ы": "i",
        "қ": "k",
        "ў": "o",
        "ъ": "",
        "ь": "",
        "ә": "a",
        "ө": "o",
        "ү": "u",
        "ң": "n",
        "җ": "j",
        "һ": "h",
        "ӣ": "i",
        "ӯ": "u",
        "ҷ": "j",
    }
)
_ARABIC = str.maketrans(
    {
        **dict(zip("بتجدرزسفكلمنهيىوضصطظقپژگ", "btjdrzsfklmnhyyvdstzkpjg", strict=True)),
        "ا": "a",
        "أ": "a",
        "إ": "i",
        "آ": "a",
        "ٱ": "a",
        "ؤ": "v",
        "ئ": "y",
        "ء": "",
        "ع": "",
        "ث": "th",
        "ح": "h",
        "خ": "h",
        "ذ": "d",
        "ش": "sh",
        "غ": "g",
        "ة": "a",
        "چ": "ch",
        "ـ": "",
        "ک": "k",
        "ی": "y",
    }
)
_LATIN_LETTERS = str.maketrans({"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ß": "ss", "æ": "e"})
_HISSING = str.maketrans({"č": "ch", "š": "sh", "ž": "j", "ç": "ch", "ş": "sh", "ŝ": "sh"})
"""Letters of ISO 9 and of Turkic Latin alphabets whose mark makes another sound."""
_SOFT = str.maketrans({"y": "i", "j": "i"})
_DJ = re.compile("д+ж")
_TA_MARBUTA = re.compile("(?<=..[^اويى])ه$")
"""A feminine ending whose two dots were left out: فاطمه; not the root's own letter in وجيه."""
_REPEATED = re.compile(r"(.)\1+")
VIETNAMESE = "vi"
_SINGLE = str.maketrans({"x": "h", "q": "k", "w": "v", "ı": "i"})
_DIGRAPHS = (
    ("shch", "sh"),
    ("sch", "sh"),
    ("ddzh", "j"),
    ("dzh", "j"),
    ("ddj", "j"),
    ("dj", "j"),
    ("zh", "j"),
    ("kh", "h"),
    ("gh", "g"),
    ("ph", "f"),
    ("ck", "k"),
)


def without_marks(word: str) -> str:
    """The word without combining marks: "Đặng" gives "Dang", "Gúlnara" gives "Gulnara"."""
    taken_apart = unicodedata.normalize("NFD", word.translate(_LATIN_LETTERS))
    return "".join(letter for letter in taken_apart if not unicodedata.combining(letter))


@lru_cache(maxsize=REMEMBERED)
def latin(word: str) -> str:
    """The word of `letters.words` in plain Latin letters a to z, apostrophes gone.

    Letters of other scripts than Cyrillic, Latin and Arabic stay as they are, so that two people
    written in them can still be equal. Idempotent.
    """
    if any(map(is_cyrillic, word)):
        return without_marks(_DJ.sub("ж", word).translate(_CYRILLIC)).replace(APOSTROPHE, "")
    if any(map(is_arabic, word)):
        spelled = _TA_MARBUTA.sub("ة", word).translate(_ARABIC)
        return without_marks(spelled).replace(APOSTROPHE, "")
    bare = without_marks(word.translate(_HISSING)).replace(APOSTROPHE, "")
    return _shortest(bare.translate(_SINGLE))


def _shortest(word: str) -> str:
    """Replaces digraphs until none is left: each step shortens the word, so it ends."""
    while True:
        shorter = word
        for digraph, letter in _DIGRAPHS:
            shorter = shorter.replace(digraph, letter)
        if shorter == word:
            return word
        word = shorter


@lru_cache(maxsize=REMEMBERED)
def latin_key(word: str, tradition: str = "") -> str:
    """The key under which spellings of one name meet: Aliyev and Алиев, Serhij and Сергій.

    `word` is one of `letters.words`. With tradition "vi" only the marks go: Khánh is not Hạnh.
    """
    if tradition == VIETNAMESE:
        return without_telex(without_marks(word).replace(APOSTROPHE, ""))
    return _REPEATED.sub(r"\1", latin(word).translate(_SOFT))
