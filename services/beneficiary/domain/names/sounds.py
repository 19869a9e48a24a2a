"""How a name sounds: the coarsest keys, in which spelling habits and slips of the ear meet.

Slavic, Turkic and Arabic names lose the difference of e and i, g and h (Ігор, Игорь), f and v, and
doubled letters; an o is heard as a or as u. Vietnamese words are too short for that: only the pairs
that regions do not distinguish meet (tr and ch, s and x, d, gi and r, l and n, i and y).
"""

import re
from functools import lru_cache

from services.beneficiary.domain.names.latin import VIETNAMESE
from services.beneficiary.domain.names.letters import REMEMBERED

_COARSE = {"e": "i", "g": "h", "f": "v", "c": "k"}
_OPEN_O = str.maketrans({"o": "a", **_COARSE})
_CLOSED_O = str.maketrans({"o": "u", **_COARSE})
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
def sounds(key: str, tradition: str = "") -> tuple[str, str]:
    """Two sounds of a `latin_key`: o heard as a (Otabek, Атабек), o heard as u (To‘rayev, Тураев).

    Two names sound alike if either is equal; Hasan and Husan, brothers as a rule, do not.
    `tradition` is "vi" for Vietnamese names, whose two sounds are one.
    """
    if tradition == VIETNAMESE:
        sound = _vietnamese(key)
        return sound, sound
    coarse = key.replace("ch", "q").replace("sh", "x").replace("ts", "s")
    opened, closed = coarse.translate(_OPEN_O), coarse.translate(_CLOSED_O)
    return _REPEATED.sub(r"\1", opened), _REPEATED.sub(r"\1", closed)


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
