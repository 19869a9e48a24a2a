"""Two versions of a pack compared: what was added, removed and changed, by place."""

from typing import Any, Literal, NamedTuple

from services.benefits.programmes.pack import Pack


class Difference(NamedTuple):
    """A place that differs; a value that is not there is empty."""

    place: str
    kind: Literal["added", "removed", "changed"]
    before: str
    after: str


def compare(before: Pack, after: Pack) -> tuple[Difference, ...]:
    """Every place in which two packs differ, in the order of the older one."""
    old, new = _flat(before), _flat(after)
    found = []
    for place in dict.fromkeys((*old, *new)):
        if place not in new:
            found.append(Difference(place, "removed", old[place], ""))
        elif place not in old:
            found.append(Difference(place, "added", "", new[place]))
        elif old[place] != new[place]:
            found.append(Difference(place, "changed", old[place], new[place]))
    return tuple(found)


def _flat(pack: Pack) -> dict[str, str]:
    places: dict[str, str] = {}
    _flatten(pack.model_dump(mode="json", by_alias=True, exclude_none=True), "", places)
    return places


def _flatten(value: Any, place: str, places: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            _flatten(part, f"{place}.{key}".lstrip("."), places)
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        for index, part in enumerate(value):
            _flatten(part, f"{place}.{_label(part, index)}", places)
    else:
        places[place] = str(value)


def _label(part: dict[str, Any], index: int) -> str:
    return str(part.get("id") or part.get("name") or part.get("from") or index)
