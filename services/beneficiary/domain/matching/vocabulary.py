"""Texts and names as whole numbers, so that equality is one comparison of integers."""

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain import names
from services.beneficiary.domain.names.equivalents import canonical, is_given_name, stem

Ints = npt.NDArray[np.int64]


class Growing:
    """Whole numbers that are appended one by one and read as one array."""

    def __init__(self) -> None:
        self._array: Ints = np.zeros(1, dtype=np.int64)
        self._pending: list[int] = []

    def append(self, value: int) -> None:
        """Adds a value at the end."""
        self._pending.append(value)

    @property
    def array(self) -> Ints:
        """All values so far; the value at 0 is 0."""
        if self._pending:
            added = np.array(self._pending, dtype=np.int64)
            self._array = np.concatenate([self._array, added])
            self._pending.clear()
        return self._array


class Texts:
    """Texts numbered from 0 in order of first use; 0 is the empty text."""

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        self.lengths = Growing()
        self._numbers: dict[str, int] = {"": 0}

    def number(self, text: str) -> int:
        """The number of a text, a new one for a new text."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
            self.lengths.append(len(text))
        return found


class Names:
    """Name words numbered, each with its keys: row 0 is "no name".

    `written`, `plains`, `raw_keys`, `keys`, `stems`, `open_sounds`, `closed_sounds` and
    `consonants` hold numbers of `texts`; `initials` is 1 for a lone letter, `firsts` the first
    letter, `known` 1 for a given name in use.
    """

    def __init__(self) -> None:
        self.texts = Texts()
        self.written, self.plains, self.raw_keys = Growing(), Growing(), Growing()
        self.keys, self.stems = Growing(), Growing()
        self.open_sounds, self.closed_sounds = Growing(), Growing()
        self.consonants, self.initials, self.firsts = Growing(), Growing(), Growing()
        self.known = Growing()
        self._marked = [False]
        self._rows: dict[tuple[str, str], int] = {("", ""): 0}

    def number(self, text: str, tradition: str) -> int:
        """The row of a name (words of `names.words` joined by spaces) in its tradition."""
        if not text:
            return 0
        found = self._rows.get((text, tradition))
        return self._add(text, tradition) if found is None else found

    def is_marked(self, row: int) -> bool:
        """Whether a Vietnamese name is written with marks."""
        return self._marked[row]

    def _add(self, text: str, tradition: str) -> int:
        row = self._rows[text, tradition] = len(self._rows)
        words = text.split(" ")
        vietnamese = tradition == names.VIETNAMESE
        key = "".join(names.latin_key(word, tradition) for word in words)
        meeting = meeting_key(text, tradition)
        plain = key if vietnamese else "".join(map(names.latin, words))
        opened, closed = names.sounds(meeting, tradition)
        skeleton = "" if vietnamese else names.consonants(plain)
        number = self.texts.number
        self.written.append(number(text))
        self.plains.append(number(plain))
        self.raw_keys.append(number(key))
        self.keys.append(number(tradition + meeting))
        self.stems.append(number(tradition + (key if vietnamese else stem(meeting))))
        self.open_sounds.append(number(tradition + opened))
        self.closed_sounds.append(number(tradition + closed))
        self.consonants.append(number(skeleton) if len(skeleton) > 2 else 0)  # noqa: PLR2004 - two letters are not a skeleton
        self._marked.append(vietnamese and key != text.replace(" ", ""))
        self.initials.append(int(len(text) == 1))
        self.firsts.append(ord(meeting[0]) if meeting else 0)
        self.known.append(int(is_given_name(text if vietnamese else key)))
        return row


def meeting_key(text: str, tradition: str) -> str:
    """The Latin key of a name's words, brought to the first name of its line of equivalents."""
    key = "".join(names.latin_key(word, tradition) for word in text.split(" "))
    return key if tradition == names.VIETNAMESE else canonical(key)
