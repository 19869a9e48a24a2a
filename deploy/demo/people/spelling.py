"""How a second clerk writes a Vietnamese name: every change a pure function of text and chance.

Each gives the text unchanged where it does not apply.
"""

import unicodedata
from random import Random

MARKED_D = str.maketrans("đĐ", "dD")
# Where the tone mark stands: the old way (hòa) and the new (hoà).
TONE_PLACES = tuple(
    pair
    for old, new in (("òa", "oà"), ("óa", "oá"), ("ỏa", "oả"), ("úy", "uý"), ("ủy", "uỷ"))
    for pair in ((old, new), (old.capitalize(), new.capitalize()))
)
OLD_SPELLINGS = (("Lý", "Lí"), ("Mỹ", "Mĩ"), ("Quý", "Quí"), ("Sỹ", "Sĩ"), ("Ly", "Li"))
SOUNDS = (
    ("Tr", "Ch"), ("Ch", "Tr"), ("S", "X"), ("X", "S"), ("D", "Gi"), ("L", "N"), ("N", "L"),
    ("Qu", "Q"), ("Ph", "F"), ("C", "K"),
)  # fmt: skip
TELEX = {
    "\N{COMBINING GRAVE ACCENT}": "f",
    "\N{COMBINING ACUTE ACCENT}": "s",
    "\N{COMBINING HOOK ABOVE}": "r",
    "\N{COMBINING TILDE}": "x",
    "\N{COMBINING DOT BELOW}": "j",
}
TONES = tuple(TELEX)
SHORTEST_TO_MISTYPE = 3


def without_marks(text: str) -> str:
    """Drop every mark: Nguyễn becomes Nguyen."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return bare.translate(MARKED_D)


def other_tone(rng: Random, text: str) -> str:
    """Put another of the five tone marks on a syllable that has one: Hà becomes Hạ."""
    decomposed = unicodedata.normalize("NFD", text)
    tone = next((c for c in decomposed if c in TELEX), "")
    if not tone:
        return text
    wrong = rng.choice([c for c in TONES if c != tone])
    return unicodedata.normalize("NFC", decomposed.replace(tone, wrong, 1))


def telex_leftover(text: str) -> str:
    """Leave the key of the Telex method where the mark should be: Hùng becomes Hungf."""
    decomposed = unicodedata.normalize("NFD", text)
    tone = next((c for c in decomposed if c in TELEX), "")
    if not tone:
        return text
    return unicodedata.normalize("NFC", decomposed.replace(tone, "", 1)) + TELEX[tone]


def old_spelling(text: str) -> str:
    """Move the tone mark or write i for y, as older rules have it: Hòa, Hoà; Lý, Lí."""
    for one, other in (*TONE_PLACES, *OLD_SPELLINGS):
        if one in text:
            return text.replace(one, other, 1)
    return text


def by_ear(text: str) -> str:
    """Write what is heard where a region does not tell two sounds apart: Sơn becomes Xơn."""
    for heard, written in SOUNDS:
        if text.startswith(heard):
            return written + text[len(heard) :]
    return text


def mistyped(rng: Random, text: str) -> str:
    """Swap, drop or double a letter after the first."""
    if len(text) < SHORTEST_TO_MISTYPE:
        return text + text[-1:]
    at = rng.randrange(1, len(text) - 1)
    return rng.choice(
        (
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + text[at + 1 :],
            text[: at + 1] + text[at:],
        )
    )
