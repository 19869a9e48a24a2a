"""Which of the languages that messages are written in a person is written to in."""

from typing import Final

LANGUAGES: Final = ("vi", "en", "uk", "ru", "uz-Latn", "uz-Cyrl", "ar")
"""Every template is written in all of these."""
NATIONAL: Final = {"VN": "vi", "UA": "uk", "UZ": "uz-Latn"}
"""Country of a region code → the language its offices write in."""
ANYWHERE: Final = "en"


def language_for(preferred: str, region: str) -> str:
    """The language of `LANGUAGES` for a person who prefers a BCP 47 language, in a region.

    The tag itself, or what is left when its last parts are dropped (RFC 4647, 3.4); else the same
    language in its first script; else the language of the country.
    """
    shorter, language = preferred, preferred.partition("-")[0]
    while shorter:
        if shorter in LANGUAGES:
            return shorter
        shorter = shorter.rpartition("-")[0]
    same = (offered for offered in LANGUAGES if offered.startswith(f"{language}-"))
    return next(same, NATIONAL.get(region.partition("-")[0], ANYWHERE))
