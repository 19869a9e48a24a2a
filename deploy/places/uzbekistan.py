"""Uzbekistan: SOATO codes of 2021 from uzsoato-registry, names in Latin, Cyrillic and Russian."""

import json
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

COLUMNS = ("code", "level", "parent", "from", "until", "uz-Latn", "uz-Cyrl", "ru")
_LEVELS = {
    "soato.region": ("region", None),
    "soato.district": ("district", "region"),
    "soato.city": ("settlement", "district"),
}


def units() -> Iterator[tuple[str, ...]]:
    """One row a unit. The register is a state of 2021 without dates of its units."""
    entries = _entries()
    codes = {(entry["model"], entry["pk"]): entry["fields"]["soato"] for entry in entries}
    for entry in entries:
        level, above = _LEVELS.get(entry["model"], ("", None))
        if not level:
            continue
        fields = entry["fields"]
        parent = codes[f"soato.{above}", fields[above]] if above else ""
        names = (fields["name"], fields["name_cyr"], fields["name_rus"])
        yield (fields["soato"], level, parent, "", "", *(name.strip() for name in names))


def _entries() -> list[dict[str, Any]]:
    # The package's modules need Django; its data file does not.
    file = distribution("uzsoato-registry").locate_file("soato/fixtures/soato.json")
    found: list[dict[str, Any]] = json.loads(Path(str(file)).read_text(encoding="utf-8"))
    return found
