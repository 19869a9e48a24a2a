"""The father's name inside a patronymic, whatever its form.

Karimovich, Karim o‘g‘li, Karimogli, Karim ugli and Karim ulı name one father, and so do Миколаївна,
Николаевна and Mykolaivna. What is compared is the father's name, as a stem.
"""

import re
from functools import lru_cache

from services.beneficiary.domain.names.equivalents import canonical_stem
from services.beneficiary.domain.names.latin import VIETNAMESE, latin_key
from services.beneficiary.domain.names.letters import REMEMBERED, words

_SON_OR_DAUGHTER = re.compile(r"(?<=..)(?:[ou]gli|k[ie][zs][ieao]?)$")
_SEPARATE = frozenset({"uli", "ugli", "ogli", "kizi", "kezi", "kisi", "kiz"})
_SLAVIC = re.compile(r"(?<=..)(?:[oei]*[vf]i?(?:ch|sh|c)|[oei]*[vf]n[aeiou]?|(?:in)?ichn[ao])$")


@lru_cache(maxsize=REMEMBERED)
def father(patronymic: str, tradition: str = "") -> str:
    """The Latin stem of the father's name, or of the middle name where that is what is written.

    An initial stays an initial; nothing gives an empty text. Vietnamese middle names keep all.
    """
    keys = [latin_key(word, tradition) for word in words(patronymic)]
    if tradition == VIETNAMESE:
        return " ".join(keys)
    if len(keys) > 1 and keys[-1] in _SEPARATE:
        keys = keys[:-1]
    joined = _SON_OR_DAUGHTER.sub("", "".join(keys))
    return canonical_stem(_SLAVIC.sub("", joined))
