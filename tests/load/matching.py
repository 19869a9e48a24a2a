"""Who is who in figures: `python -m tests.load.matching quality | speed`.

`quality` measures the labelled sets, the same on people the weights have not seen (folds), and
people of fresh worlds with look-alikes that the labelled sets lack. `speed` makes a registry of a
million people and matches it, as a file and against newcomers.
"""

import argparse
import os
import platform
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from services.beneficiary.domain.matching import Outcome, load_model
from services.beneficiary.domain.matching.candidates import Pairs
from services.beneficiary.domain.matching.judgement import outcome_of
from services.beneficiary.domain.matching.quality import Quality, measure
from services.beneficiary.domain.matching.register import Register
from services.cli.matching.people import PeopleFile, Problems
from services.cli.matching.run import Order, Result, match, place_now, read_truth
from services.cli.matching.tables import table
from services.cli.matching.training import ENCODING, fit_all, measured
from tests.invented import SETS, write_set

LABELLED = Path(__file__).parents[1] / "data" / "people"
COMMITTED = Path("services/beneficiary/domain/matching/weights.json")
SEEDS = ("a", "b", "c", "d", "e")
PEOPLE, LOOK_ALIKES = 4_000, 8
MILLION, NEWCOMERS, ROUNDS = 1_000_000, 500, 20


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def conditions() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {load}"


def quality() -> None:
    say(f"Labelled sets ({conditions()}):\n")
    for line in measured(LABELLED):
        say(line)
    say("\nTrained on some of the people, tested on the others (25 folds a set, even chance):\n")
    with TemporaryDirectory() as folder:
        again = Path(folder) / "weights.json"
        for line in fit_all(LABELLED, again, 1):
            if not line.startswith("written"):
                say(f"- {line}")
        same = again.read_bytes() == COMMITTED.read_bytes()
        say(f"- these weights and the committed ones are {'the same' if same else 'DIFFERENT'}")
        fresh(Path(folder))


def fresh(folder: Path) -> None:
    """People nobody has seen, of other names, places and look-alikes."""
    say(f"\nFresh worlds, seeds {', '.join(SEEDS)}: lowest, mean and highest of each set\n")
    say("| set | precision | recall | F1 | hard merged directly | in groups | to review |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, traditions in SETS.items():
        rows = []
        for seed in SEEDS:
            write_set(folder, name, seed, PEOPLE, LOOK_ALIKES // len(traditions))
            result, found = _matched(folder, name)
            rows.append((*_shares(found), 1000 * result.called(Outcome.REVIEW) / len(result.ids)))
            for kind, outcome in _outcomes(folder / f"{name}_hard.csv", result):
                kinds[kind][outcome] += 1
        cells = [_spread(column) for column in zip(*rows, strict=True)]
        say(f"| {name} | " + " | ".join(cells) + " |")
    say("\n| two people who look like one | different | review | same |")
    say("| --- | --- | --- | --- |")
    for kind, outcomes in kinds.items():
        say(
            f"| {kind} | "
            + " | ".join(str(outcomes[one.value]) for one in reversed(Outcome))
            + " |"
        )


def speed(count: int) -> None:
    with TemporaryDirectory() as folder:
        started = perf_counter()
        write_set(Path(folder), "mixed", "million", int(count / 1.25), count // 5_000)
        people = Path(folder) / "mixed.csv"
        say(f"{conditions()}; made in {perf_counter() - started:.0f} s")
        _file(Path(folder))
        _newcomers(people, Path(folder) / "place_history.csv")
        _crowd(Path(folder), 2 * count)


def _file(folder: Path) -> None:
    result, found = _matched(folder, "mixed")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    say(
        f"file: {len(result.ids):,} people, {len(result.scores):,} pairs compared in "
        f"{result.seconds:.0f} s, {peak:.1f} GiB at most; precision {found.precision:.4f}, "
        f"recall {found.recall:.4f}, F1 {found.f1:.4f}, look-alikes called the same "
        f"{found.hard_direct:.2%}, in groups {found.hard_clustered:.2%}; to review per 1,000 "
        f"{1000 * result.called(Outcome.REVIEW) / len(result.ids):.1f}"
    )


def _newcomers(path: Path, history: Path) -> None:
    """Newcomers are people of the list itself under other ids: everybody of them is in it."""
    now = place_now(history, ENCODING)
    everyone = list(PeopleFile(path, ENCODING, Problems()).people({}))
    register = Register(load_model(), now, everyone)
    register.search(everyone[:1])
    times, compared = [], 0
    for one in range(ROUNDS):
        start = one * (len(everyone) // ROUNDS)
        batch = everyone[start : start + NEWCOMERS]
        started = perf_counter()
        compared += len(register.search(batch).scores)
        times.append(1000 * (perf_counter() - started))
    say(
        f"{NEWCOMERS} newcomers against {len(register):,} people, candidates and scores: "
        f"{min(times):.0f} to {max(times):.0f} ms, median {median(times):.0f} ms "
        f"({compared / ROUNDS:.0f} pairs)"
    )
    _scoring(register)


def _crowd(folder: Path, size: int) -> None:
    """A list in which everybody has one name, one phone and one place, and no birth date."""
    path = folder / "crowd.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("rec_id,lang,family_name,given_name,sex,phone,place_code\n")
        file.writelines(f"{n},vi,Nguyễn,Hoa,F,0912345678,00694\n" for n in range(size))
    result = match(Order([path]))
    say(f"crowd: {size:,} people of one name, {len(result.scores)} pairs, {result.seconds:.0f} s")


def _scoring(register: Register) -> None:
    """Pairs that share a block, drawn from the whole register, compared and scored."""
    rng = np.random.default_rng(1)
    first = rng.integers(0, len(register), 1_000_000)
    near = np.minimum(first + rng.integers(1, 4, len(first)), len(register) - 1)
    rates = []
    for _ in range(3):
        started = perf_counter()
        register.judge(Pairs(first, near, 0))
        rates.append(len(first) / (perf_counter() - started))
    say(f"scoring: {min(rates):,.0f} to {max(rates):,.0f} pairs a second on one core")


def _matched(folder: Path, name: str) -> tuple[Result, Quality]:
    history = folder / "place_history.csv"
    result = match(Order([folder / f"{name}.csv"], ENCODING, history))
    truth = read_truth(folder / f"{name}_labels.csv", folder / f"{name}_hard.csv", ENCODING)
    return result, measure(result.ids, result.same(), truth)


def _shares(found: Quality) -> tuple[float, ...]:
    shares = (found.precision, found.recall, found.f1, found.hard_direct, found.hard_clustered)
    return tuple(share or 0.0 for share in shares)


def _spread(values: tuple[float, ...]) -> str:
    digits = 1 if max(values) > 1 else 4
    return " ".join(f"{one:.{digits}f}" for one in (min(values), mean(values), max(values)))


def _outcomes(hard: Path, result: Result) -> Iterator[tuple[str, str]]:
    """Kind and outcome of each pair of look-alikes; those that share no block are different."""
    first, second = result.judged.pairs.first, result.judged.pairs.second
    scores = {
        frozenset((result.ids[a], result.ids[b])): float(score)
        for a, b, score in zip(first, second, result.scores, strict=True)
    }
    for row in table(hard, ("id_a", "id_b", "kind"), ENCODING):
        score = scores.get(frozenset((row["id_a"], row["id_b"])), 0.0)
        yield row["kind"], outcome_of(score).value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("quality", "speed"))
    parser.add_argument("--people", type=int, default=MILLION, help="for speed")
    arguments = parser.parse_args()
    if arguments.what == "quality":
        quality()
    else:
        speed(arguments.people)
