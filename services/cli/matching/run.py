"""One run of matching over files: read, compare, keep groups free of contradiction, write."""

import csv
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from contracts import places
from services.beneficiary.domain.matching import (
    REVIEW_AT,
    SAME_AT,
    Kind,
    Matcher,
    Outcome,
    Person,
    load_model,
)
from services.beneficiary.domain.matching.candidates import Pairs
from services.beneficiary.domain.matching.clusters import without_contradictions
from services.beneficiary.domain.matching.limits import Scores
from services.beneficiary.domain.matching.quality import Truth
from services.beneficiary.domain.matching.reasons import JOINS_TWO
from services.beneficiary.domain.matching.register import Judged, Register
from services.cli.matching.people import PeopleFile, Problems
from services.cli.matching.tables import UnreadableError, table

PAIR_COLUMNS = ("id_a", "id_b", "score", "outcome", "reasons")
Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and how much there is (0: not known)."""
_TOLD_EVERY = 5_000


@dataclass(frozen=True)
class Order:
    """What is asked for."""

    files: Sequence[Path]
    encoding: str = "utf-8-sig"
    place_history: Path | None = None
    between: bool = False


@dataclass(frozen=True)
class Result:
    """Who was read, and what was found about each pair that was compared."""

    ids: Sequence[str]
    matcher: Matcher
    judged: Judged
    scores: Scores
    problems: Problems
    seconds: float

    def called(self, outcome: Outcome) -> int:
        """How many pairs have an outcome."""
        low, high = _BANDS[outcome]
        return int(((self.scores >= low) & (self.scores < high)).sum())

    def same(self) -> list[tuple[str, str]]:
        """The pairs called the same person."""
        rows = np.flatnonzero(self.scores >= SAME_AT)
        first, second = self.judged.pairs.first[rows], self.judged.pairs.second[rows]
        return [(self.ids[a], self.ids[b]) for a, b in zip(first, second, strict=True)]


_BANDS = {
    Outcome.SAME: (SAME_AT, math.inf),
    Outcome.REVIEW: (REVIEW_AT, SAME_AT),
    Outcome.DIFFERENT: (-math.inf, REVIEW_AT),
}


def match(order: Order, progress: Progress = lambda _what, _done, _all: None) -> Result:
    """Finds the pairs of one list, or of several taken as one."""
    started = time.perf_counter()
    problems, seen = Problems(), dict[str, str]()
    lists = [PeopleFile(path, order.encoding, problems) for path in order.files]
    kind = Kind.REGISTER if any(one.kind is Kind.REGISTER for one in lists) else Kind.LIST
    matcher = Matcher(load_model(kind), place_now(order.place_history, order.encoding))
    ends: list[int] = []
    people = _told(chain.from_iterable(_each(lists, seen, ends)), progress)
    register = Register(matcher.model, matcher.place_now, people)
    judged = register.duplicates(lambda done, total: progress("comparing", done, total))
    scores = without_contradictions(register, judged)
    if order.between:
        judged, scores = _between(judged, scores, ends)
    return Result(list(seen), matcher, judged, scores, problems, time.perf_counter() - started)


def place_now(history: Path | None, encoding: str) -> Callable[[str], str]:
    """Brings old codes to the present: by the file given, then by the built-in history."""
    known: dict[str, str] = {}
    if history is not None:
        columns = ("old_region", "old_place", "new_region", "new_place")
        for row in table(history, columns, encoding):
            known[row["old_place"]] = row["new_place"]
            if row["old_region"] != row["new_region"]:
                known.setdefault(row["old_region"], row["new_region"])
    return lambda code: places.latest(known.get(code, code))


def read_truth(labels: Path, hard: Path | None, encoding: str) -> Truth:
    """The right answers: rec_id, entity_id (and errors); id_a, id_b of look-alikes."""
    entities, errors = {}, {}
    for row in table(labels, ("rec_id", "entity_id"), encoding):
        entities[row["rec_id"]] = row["entity_id"]
        errors[row["rec_id"]] = tuple(filter(None, row.get("errors", "").split(";")))
    pairs = table(hard, ("id_a", "id_b"), encoding) if hard is not None else ()
    return Truth(entities, [(row["id_a"], row["id_b"]) for row in pairs], errors)


def write_pairs(result: Result, path: Path, *, everything: bool) -> int:
    """Writes the pairs, surest first; `everything` writes those that are different people too.

    Returns how many were written.
    """
    order = np.argsort(-result.scores, kind="stable")
    if not everything:
        order = order[result.scores[order] >= REVIEW_AT]
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(PAIR_COLUMNS)
            writer.writerows(_rows(result, order.tolist()))
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}") from error
    return len(order)


def _rows(result: Result, order: Sequence[int]) -> Iterator[tuple[str, ...]]:
    said: dict[tuple[bytes, bool], tuple[str, str]] = {}
    pairs, levels = result.judged.pairs, result.judged.levels
    for i in order:
        score = float(result.scores[i])
        lowered = score != result.judged.scores[i]
        key = (levels[i].tobytes(), lowered)
        if key not in said:
            told = result.matcher.explain(levels[i], score, JOINS_TWO if lowered else "")
            said[key] = (told.outcome.value, told.words)
        first, second = result.ids[pairs.first[i]], result.ids[pairs.second[i]]
        # Rounded down, so that what is written is on the side of the threshold it was judged on.
        yield (first, second, f"{math.floor(score * 10_000) / 10_000:.4f}", *said[key])


def _each(
    lists: Sequence[PeopleFile], seen: dict[str, str], ends: list[int]
) -> Iterator[Iterator[Person]]:
    for one in lists:
        yield one.people(seen)
        ends.append(len(seen))


def _told(people: Iterator[Person], progress: Progress) -> Iterator[Person]:
    done = 0
    for done, person in enumerate(people, 1):
        if done % _TOLD_EVERY == 0:
            progress("reading", done, 0)
        yield person
    progress("reading", done, done)


def _between(judged: Judged, scores: Scores, ends: Sequence[int]) -> tuple[Judged, Scores]:
    bounds = np.array(ends)
    first = np.searchsorted(bounds, judged.pairs.first, side="right")
    second = np.searchsorted(bounds, judged.pairs.second, side="right")
    kept = np.flatnonzero(first != second)
    pairs = Pairs(judged.pairs.first[kept], judged.pairs.second[kept], judged.pairs.skipped)
    return Judged(pairs, judged.levels[kept], judged.scores[kept]), scores[kept]
