"""Texts and names as whole numbers, so that equality is one comparison of integers."""

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain import names
from services.beneficiary.domain.names.equivalents import canonical, is_given_name, stem
from services.beneficiary.domain.names.letters import is_arabic

Ints = npt.NDArray[np.int64]


class Growing:
    """Whole numbers that are appended one by one and read as one array; the first is 0."""

    def __init__(self) -> None:
        self._array: Ints = np.zeros(1, dtype=np.int64)
        self._pending: list[int] = []

    def append(self, value: int) -> None:
        """Adds a value at the end."""
        self._pending.append(value)

    @property
    def array(self) -> Ints:
        """All values so far."""
        if self._pending:
            added = np.array(self._pending, dtype=np.int64)
            self._array = np.concatenate([self._array, added])
            self._pending.clear()
        return self._array


class Texts:
    """Texts numbered from 0 in order of first use; 0 is the empty text."""

    def __init__(self) -> None:
        self.lengths = Growing()
        self._texts: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}

    def number(self, text: str) -> int:
        """The number of a text, a new one for a new text."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self._texts)
            self._texts.append(text)
            self.lengths.append(len(text))
        return found

    def take(self, numbers: Ints) -> list[str]:
        """The texts of these numbers, in order."""
        texts = self._texts
        return [texts[number] for number in numbers.tolist()]


class Names:
    """Names numbered, each with its keys; row 0 is "no name".

    All columns but the last five hold numbers of `texts`. `spellings` are letters and tone of a
    Vietnamese name, else the name itself; `letters` the same without tone; `written` the words as
    `names.words` gives them; `plains` their Latin letters, `raw_keys` their Latin key; `keys` that
    key after `equivalents`, `stems` without its last vowels; two sounds; `consonants`.
    `toned` is 1 if each word has a tone, `initials` 1 for a lone letter, `firsts` the first letter,
    `known` 1 for a given name in use, `arabic` 1 for the Arabic script, which leaves vowels out.
    """

    def __init__(self) -> None:
        self.texts = Texts()
        self.spellings, self.letters, self.written = Growing(), Growing(), Growing()
        self.plains, self.raw_keys, self.keys, self.stems = (Growing() for _ in range(4))
        self.open_sounds, self.closed_sounds, self.consonants = Growing(), Growing(), Growing()
        self.toned, self.initials, self.firsts, self.known = (Growing() for _ in range(4))
        self.arabic = Growing()
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
        vietnamese = tradition == names.VIETNAMESE
        meeting = meeting_key(text, tradition)
        self._add_letters(text, tradition)
        opened, closed = names.sounds(meeting, tradition)
        number = self.texts.number
        self.keys.append(number(tradition + meeting))
        self.stems.append(number(tradition + (meeting if vietnamese else stem(meeting))))
        self.open_sounds.append(number(tradition + opened))
        self.closed_sounds.append(number(tradition + closed))
        self.initials.append(int(len(text) == 1))
        self.firsts.append(ord(meeting[0]) if meeting else 0)
        return row

    def _add_letters(self, text: str, tradition: str) -> None:
        words, number = text.split(" "), self.texts.number
        vietnamese = tradition == names.VIETNAMESE
        key = raw_key(text, tradition)
        plain = key if vietnamese else "".join(map(names.latin, words))
        skeleton = "" if vietnamese else names.consonants(plain)
        syllables = [names.syllable(word) if vietnamese else (word, "") for word in words]
        spelling = " ".join(letters + tone for letters, tone in syllables)
        self.spellings.append(number(tradition + spelling))
        self.letters.append(number(tradition + " ".join(letters for letters, _ in syllables)))
        self.written.append(number(text))
        self.plains.append(number(plain))
        self.raw_keys.append(number(key))
        self.consonants.append(number(skeleton))
        self.arabic.append(int(any(map(is_arabic, text))))
        self.toned.append(int(all(tone for _, tone in syllables)))
        self.known.append(int(is_given_name(spelling if vietnamese else key)))
        self._marked.append(vietnamese and names.without_marks(text) != text)


def raw_key(text: str, tradition: str) -> str:
    """The Latin key of a name's words, written together."""
    return "".join(names.latin_key(word, tradition) for word in text.split(" "))


def meeting_key(text: str, tradition: str) -> str:
    """The Latin key of a name, brought to the first name of its line of equivalents."""
    key = raw_key(text, tradition)
    return key if tradition == names.VIETNAMESE else canonical(key)
