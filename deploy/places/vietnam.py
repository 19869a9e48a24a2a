"""Viet Nam before and after 1 July 2025 from vietnamadminunits, with the map of the merger.

The codes are those of the statistics office. After the reform most wards keep the code of one of
the wards they were made of, so that a code alone does not say which of the two is meant.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

UNIT_COLUMNS = ("code", "level", "parent", "from", "until", "vi")
CHANGE_COLUMNS = ("old", "new", "on", "main")
REFORM = "2025-07-01"

_OLD = """
SELECT provinceCode, districtCode, coalesce(wardCode, ''), province, district,
       coalesce(ward, ''), provinceKey || '_' || districtKey || '_' || coalesce(wardKey, '')
FROM admin_units_legacy ORDER BY 1, 2, 3
"""
_NEW = """
SELECT provinceCode, wardCode, province, ward, provinceKey, wardKey
FROM admin_units ORDER BY 1, 2
"""


def units() -> Iterator[tuple[str, ...]]:
    """Old provinces, districts and wards, then new provinces and wards."""
    seen: set[tuple[str, str]] = set()
    for province, district, ward, *names, _ in _query(_OLD):
        levels = (
            (province, "region", "", names[0]),
            (district, "district", province, names[1]),
            (ward, "settlement", district, names[2]),
        )
        for code, level, parent, name in levels:
            if code and (level, code) not in seen:
                seen.add((level, code))
                yield (code, level, parent, "", REFORM, name)
    seen.clear()
    for province, ward, province_name, ward_name, *_ in _query(_NEW):
        if ("region", province) not in seen:
            seen.add(("region", province))
            yield (province, "region", "", REFORM, "", province_name)
        yield (ward, "settlement", province, REFORM, "", ward_name)


def changes() -> Iterator[tuple[str, ...]]:
    """Old province to new province, old ward to the one or several new wards."""
    document, old, new = _document(), _query(_OLD), _query(_NEW)
    yield from _provinces(document["DICT_PROVINCE"], old, new)
    old_wards = {row[6]: row[2] or row[1] for row in old}
    new_wards = {(province, ward): code for _, code, _, _, province, ward in new}
    for province, wards in sorted(document["DICT_PROVINCE_WARD_NO_DIVIDED"].items()):
        for ward, merged in sorted(wards.items()):
            for origin in sorted(merged):
                yield (old_wards[origin], new_wards[province, ward], REFORM, "1")
    for province, origins in sorted(document["DICT_PROVINCE_WARD_DIVIDED"].items()):
        for origin, parts in sorted(origins.items()):
            for part in parts:
                main = "1" if part["isDefaultNewWard"] else "0"
                yield (old_wards[origin], new_wards[province, part["newWardKey"]], REFORM, main)


def _provinces(
    merged: dict[str, list[str]], old: list[tuple[str, ...]], new: list[tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    old_codes = {row[6].split("_")[0]: row[0] for row in old}
    new_codes = {row[4]: row[0] for row in new}
    for province, origins in sorted(merged.items()):
        for origin in sorted(origins):
            yield (old_codes[origin], new_codes[province], REFORM, "1")


def _data(name: str) -> Path:
    return Path(
        str(distribution("vietnamadminunits").locate_file(f"vietnamadminunits/data/{name}"))
    )


def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_data("converter_2025.json").read_text(encoding="utf-8"))
    return found


def _query(statement: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{_data('dataset.db')}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()
