"""Names that are one name in two languages: Микола and Николай, Олена and Елена.

Compiled by hand from common knowledge; spellings that the Latin key already brings together need
no line. A name and the stem of its patronymic share one line.
"""

from functools import lru_cache
from importlib.resources import files

from services.beneficiary.domain.names.latin import latin_key
from services.beneficiary.domain.names.letters import REMEMBERED, words
from services.beneficiary.domain.names.vietnamese import syllable

_VOWELS = "aeiou"


def stem(key: str) -> str:
    """A Latin key without its last vowels, as it stands inside a patronymic: Андрій-ович."""
    bare = key.rstrip(_VOWELS)
    return bare if len(bare) > 1 else key


def _read() -> tuple[dict[str, str], dict[str, str]]:
    text = files(__package__).joinpath("equivalents.csv").read_text(encoding="utf-8")
    names: dict[str, str] = {}
    stems: dict[str, str] = {}
    for line in text.splitlines():
        keys = [latin_key(word) for written in line.split() for word in words(written)]
        for key in keys:
            names.setdefault(key, keys[0])
            stems.setdefault(stem(key), stem(keys[0]))
    return names, stems


_NAMES, _STEMS = _read()


@lru_cache(maxsize=REMEMBERED)
def canonical(key: str) -> str:
    """The key of the first name of its line; a name without line stands for itself."""
    return _NAMES.get(key, key)


@lru_cache(maxsize=REMEMBERED)
def canonical_stem(key: str) -> str:
    """The same for the stem that a patronymic leaves."""
    bare = stem(key)
    return _STEMS.get(bare, bare)


def _in_use() -> frozenset[str]:
    folder = files(__package__)
    counted = folder.joinpath("given_names.txt").read_text(encoding="utf-8").split()
    vietnamese = folder.joinpath("vietnamese_given_names.txt").read_text(encoding="utf-8").split()
    return frozenset(counted) | frozenset(_NAMES) | {"".join(syllable(w)) for w in vietnamese}


_IN_USE = _in_use()


def is_given_name(name: str) -> bool:
    """Whether a Latin key, or the letters and tone of a Vietnamese word, is a name in common use.

    Two names in use that differ by a letter are two names; a name in use and one that nobody bears
    are a name and a slip of it.
    """
    return name in _IN_USE
