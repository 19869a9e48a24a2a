"""Names across scripts: what is stored, and the keys under which spellings of one name meet."""

from services.beneficiary.domain.names.latin import VIETNAMESE, latin, latin_key, without_marks
from services.beneficiary.domain.names.letters import REMEMBERED, stored, words
from services.beneficiary.domain.names.patronymics import father
from services.beneficiary.domain.names.sounds import consonants, sounds
from services.beneficiary.domain.names.vietnamese import syllable

__all__ = [
    "REMEMBERED",
    "VIETNAMESE",
    "consonants",
    "father",
    "latin",
    "latin_key",
    "sounds",
    "stored",
    "syllable",
    "without_marks",
    "words",
]
