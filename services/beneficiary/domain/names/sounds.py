"""How a name sounds: the coarsest key, in which spelling habits and slips of the ear meet.

Slavic, Turkic and Arabic names lose the quality of their vowels (a, o, u are one class, e, i, y, j
the other: Otabek and Атабек, To‘rayev and Тураев), doubled letters and the difference of g and h
(Ігор, Игорь). Vietnamese words are too short for that: only the pairs that regions do not
distinguish meet (tr and ch, s and x, d, gi and r, l and n, i and y).
"""

import re
from functools import lru_cache

from services.beneficiary.domain.names.latin import VIETNAMESE
from services.beneficiary.domain.names.letters import REMEMBERED

_BACK_AND_FRONT = str.maketrans({"o": "a", "u": "a", "e": "i", "g": "h", "f": "v", "c": "k"})
_REPEATED = re.compile(r"(.)\1+")
_GLIDES = re.compile(r"(?<!^)[aeiouyv]+")
_ARTICLE = re.compile(r"^a(?:l(?=[^aeioul])|([nrszdt]|sh)(?=\1))")
_VIETNAMESE_START = (
    ("tr", "ch"),
    ("gi", "d"),
    ("r", "d"),
    ("x", "s"),
    ("l", "n"),
    ("qu", "kw"),
    ("ngh", "ng"),
    ("gh", "g"),
)


@lru_cache(maxsize=REMEMBERED)
def sound(key: str, tradition: str = "") -> str:
    """The sound of a `latin_key`; `tradition` is "vi" for Vietnamese names, else empty."""
    if tradition == VIETNAMESE:
        return _vietnamese(key)
    coarse = key.replace("ch", "q").replace("sh", "x").replace("ts", "s")
    return _REPEATED.sub(r"\1", coarse.translate(_BACK_AND_FRONT))


@lru_cache(maxsize=REMEMBERED)
def consonants(word: str) -> str:
    """The consonants of a `latin` word, the Arabic article gone: Mohammed and محمد meet."""
    bare = _ARTICLE.sub("", word) or word
    return _REPEATED.sub(r"\1", _GLIDES.sub("", bare))


def _vietnamese(key: str) -> str:
    for written, spoken in _VIETNAMESE_START:
        if key.startswith(written):
            key = spoken + key[len(written) :]
            break
    if key.endswith(("ng", "nh")):
        key = key[:-1]
    return _REPEATED.sub(r"\1", key.replace("y", "i"))
