"""Telephone numbers as people write them, brought to one international form (E.164).

The numbering plans are those of the phonenumbers library; what is added here is the country that a
number without prefix is read in, and the habit of writing the country's prefix without a plus.
"""

import re
from functools import lru_cache

import phonenumbers

LONGEST = 40
_FULL_LENGTHS = {"998": 12, "380": 12, "84": 11}
_NOT_DIGITS = re.compile(r"[^0-9]+")


@lru_cache(maxsize=1 << 13)
def normalise(text: str, region: str | None = None) -> str | None:
    """The number in E.164 ("+998901234567"), or None if it cannot be a telephone number.

    `region` is the ISO 3166-1 code of the country ("UZ") that a local number is read in; without it
    only international numbers are understood. Never raises.
    """
    written = text.strip()
    if not written or len(written) > LONGEST:
        return None
    prefixed = _with_plus(written)
    if prefixed is not None:
        return _parsed(prefixed, None)
    return _parsed(written, region)


def _with_plus(written: str) -> str | None:
    """`998901234567` is an international number without its plus: no local number is as long."""
    if written.startswith("+"):
        return written
    digits = _NOT_DIGITS.sub("", written)
    for prefix, length in _FULL_LENGTHS.items():
        if digits.startswith(prefix) and len(digits) == length:
            return "+" + digits
    return None


def _parsed(written: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
