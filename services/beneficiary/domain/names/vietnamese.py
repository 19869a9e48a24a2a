"""Vietnamese tones: the five marks of pitch, apart from the marks that make another vowel.

The place of a tone in its syllable is a habit (hoà, hòa), and a keyboard set wrongly leaves the
letter that should have become a tone at the end of the word (Trânf for Trần): no Vietnamese word
ends in one of these letters.
"""

import unicodedata
from functools import lru_cache

from services.beneficiary.domain.names.letters import REMEMBERED

_TELEX = {"f": "\u0300", "s": "\u0301", "x": "\u0303", "r": "\u0309", "j": "\u0323"}
_TONES = frozenset(_TELEX.values())
_SHORTEST_WITH_TELEX = 3


def without_telex(word: str) -> str:
    """The word without a tone letter left at its end."""
    return word[:-1] if len(word) >= _SHORTEST_WITH_TELEX and word[-1] in _TELEX else word


@lru_cache(maxsize=REMEMBERED)
def syllable(word: str) -> tuple[str, str]:
    """A word as its letters, with the marks that make vowels, and its tone ("" for the level one).

    Hòa and hoà give ("hoa", grave); Tân gives ("tân", ""); Trânf gives ("trân", grave).
    """
    bare = without_telex(word)
    apart = unicodedata.normalize("NFD", bare)
    letters = unicodedata.normalize("NFC", "".join(one for one in apart if one not in _TONES))
    tone = "".join(one for one in apart if one in _TONES)
    return letters, tone or (_TELEX[word[-1]] if bare != word else "")
