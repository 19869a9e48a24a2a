"""Letters under names: what is kept, what is compared, and which script a word is written in.

Storage and display keep what a person wrote, composed (Unicode NFC). Everything else here is for
comparison only: case, the many apostrophes, invisible characters, look-alike letters of another
script, and digits that a scanner read in place of letters.
"""

import re
import unicodedata
from functools import lru_cache

LONGEST = 120
REMEMBERED = 1 << 16
"""Unique words kept in memory; a registry of a million people has fewer than that."""

APOSTROPHE = "ʼ"
APOSTROPHES = "'`´ʹʻʼʽˈʿʾ‘’‛′＇ʺ\u0313\u0315"
_APOSTROPHES = str.maketrans(dict.fromkeys(APOSTROPHES, APOSTROPHE))
_SEPARATORS = re.compile(r"[\s\-‐‑‒–—_.,;:/\\|·•()\[\]\"«»“”]+")
_KEPT_CATEGORIES = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"}
_LATIN_AS_CYRILLIC = str.maketrans("abcehikmoptxy", "авсенікмортху")
_CYRILLIC_AS_LATIN = str.maketrans("авсенікмортху", "abcehikmoptxy")
_DIGITS_AS_LATIN = str.maketrans("0123568", "olezsbb")
_DIGITS_AS_CYRILLIC = str.maketrans("0134568", "оізчббв")


def stored(text: str) -> str:
    """What is stored and shown: the text as written, canonically composed (NFC), nothing else."""
    return unicodedata.normalize("NFC", text)


def is_arabic(letter: str) -> bool:
    """Whether a letter is of the Arabic block."""
    return "\u0600" <= letter <= "\u06ff"


def is_cyrillic(letter: str) -> bool:
    """Whether a letter is of the Cyrillic blocks."""
    return "\u0400" <= letter <= "\u052f"


def is_latin(letter: str) -> bool:
    """Whether a letter is of the Latin blocks, with or without marks."""
    return "a" <= letter <= "z" or "\u00c0" <= letter <= "\u024f" or "\u1e00" <= letter <= "\u1eff"


@lru_cache(maxsize=REMEMBERED)
def words(text: str) -> tuple[str, ...]:
    """The words of a name for comparison: lower case, one apostrophe, one script a word.

    Invisible and control characters, punctuation and pictures are dropped; at most 120 characters
    are looked at. A name of nothing but those gives no words. Idempotent on its own output.
    """
    composed = unicodedata.normalize("NFC", text[:LONGEST]).casefold().translate(_APOSTROPHES)
    composed = unicodedata.normalize("NFC", composed)
    spaced = _SEPARATORS.sub(" ", composed)
    kept = "".join(
        letter
        for letter in spaced
        if letter == " " or unicodedata.category(letter) in _KEPT_CATEGORIES
    )
    one_script = (_one_script(word) for word in kept.split())
    return tuple(word for word in one_script if any(letter.isalpha() for letter in word))


def _one_script(word: str) -> str:
    cyrillic = sum(map(is_cyrillic, word))
    latin = sum(map(is_latin, word))
    if cyrillic and cyrillic >= latin:
        return word.translate(_LATIN_AS_CYRILLIC).translate(_DIGITS_AS_CYRILLIC)
    if latin:
        return word.translate(_CYRILLIC_AS_LATIN).translate(_DIGITS_AS_LATIN)
    return word
