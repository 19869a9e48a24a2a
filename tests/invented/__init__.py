"""People of a seed's own world, with second registrations and look-alikes, as CSV files."""

import csv
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.invented.look_alikes import KINDS
from tests.invented.people import COLUMNS, COUNTRIES, Form, Person, World, form, head, households
from tests.invented.second import again

SETS = {"uz": ("uz",), "uk": ("uk",), "vi": ("vi",), "mixed": ("uz", "uk", "vi", "ar")}
SECOND_REGISTRATIONS = 0.225
"""Share of people who come again at least once."""
AGAIN_AND_AGAIN = 0.1


class Files:
    """The files of one set: the list, who is who in it, and who looks alike."""

    def __init__(self, folder: Path, name: str, stack: ExitStack) -> None:
        def opened(end: str, *columns: str) -> Any:
            path = folder / f"{name}{end}.csv"
            writer = csv.writer(stack.enter_context(path.open("w", encoding="utf-8", newline="")))
            writer.writerow(columns)
            return writer

        self._list = opened("", *COLUMNS)
        self._labels = opened("_labels", "rec_id", "entity_id", "copy", "errors")
        self._hard = opened("_hard", "id_a", "id_b", "kind")
        self.rows = 0
        self.people = 0

    def add(self, world: World, person: Person) -> str:
        """Registers a person, perhaps more than once; gives the id of the first record."""
        self.people += 1
        first = self._row(form(world, person), 0, [])
        copies = 0
        while world.rng.random() < (AGAIN_AND_AGAIN if copies else SECOND_REGISTRATIONS):
            copies += 1
            self._row(*_second(world, person, copies))
        return first

    def add_look_alikes(self, kind: str, one: str, other: str) -> None:
        """Notes that two records are two people."""
        self._hard.writerow((one, other, kind))

    def _row(self, written: Form, copy: int, errors: list[str]) -> str:
        self.rows += 1
        record = f"N{self.rows:07}"
        self._list.writerow((record, *(written[column] for column in COLUMNS[1:])))
        self._labels.writerow((record, f"E{self.people:07}", copy, ";".join(errors)))
        return record


def write_set(folder: Path, name: str, seed: str, people: int, look_alikes: int) -> None:
    """Writes `NAME.csv`, `NAME_labels.csv`, `NAME_hard.csv` and `place_history.csv`.

    About `people` people, of whom a fifth are registered again, and so many pairs of look-alikes
    of each of `KINDS`. One seed gives one set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    world = World(f"{seed}:{name}", people)
    traditions = SETS[name]
    with ExitStack() as stack:
        files = Files(folder, name, stack)
        for _ in range(look_alikes):
            for tradition in traditions:
                _write_look_alikes(world, files, tradition)
        families = cycle([households(world, tradition) for tradition in traditions])
        while files.people < people:
            for person in next(next(families)):
                files.add(world, person)
    _write_history(folder / "place_history.csv", world)


def _write_look_alikes(world: World, files: Files, tradition: str) -> None:
    for kind, maker in KINDS.items():
        one, other = maker(world)(head(world, tradition))
        first, second = files.add(world, one), files.add(world, other)
        files.add_look_alikes(kind, first, second)


def _second(world: World, person: Person, copies: int) -> tuple[Form, int, list[str]]:
    written, errors = again(world, person)
    return written, copies, errors


def _write_history(path: Path, world: World) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("country", "old_region", "old_place", "new_region", "new_place"))
        for country in sorted(set(COUNTRIES.values())):
            for place in world.places[country]:
                row = (place.old_region, place.old_code, place.region, place.code)
                writer.writerow((country, *row))
