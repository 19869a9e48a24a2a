"""Which country's code a code is, by its form."""

import re
from functools import lru_cache

_FORMS = (
    ("UZ", re.compile(r"17[0-9]{2}([0-9]{3}([0-9]{3})?)?|UZ-[A-Z]{2}")),
    ("UA", re.compile(r"UA[0-9]{17}|[0-9]{10}|UA-[0-9]{2}")),
    ("VN", re.compile(r"[0-9]{2}|[0-9]{3}|[0-9]{5}|VN-[0-9A-Z]{2}")),
)


@lru_cache(maxsize=1 << 14)
def country_of(code: str) -> str:
    """The country a code belongs to by its form: "UZ", "UA", "VN", or an empty text.

    SOATO codes have 10, 7 or 4 digits and begin with 17; KATOTTG codes begin with UA, the older
    KOATUU ones have 10 digits; the statistics office of Viet Nam uses two, three or five. An
    ISO 3166-2 code names its country itself.
    """
    for country, form in _FORMS:
        if form.fullmatch(code):
            return country
    return ""
