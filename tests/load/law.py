"""The law's figures: `python -m tests.load.law`, printed as medians of interleaved rounds.

Every figure stands beside what it is measured against on the same machine in the same minutes:
the same kind of work written by hand in numpy, without facts, intervals or reasons.
"""

import argparse
import csv
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import numpy.typing as npt

from services.benefits.programmes import PACKS, Fact, Pack, Refused, entitle, load_pack
from services.benefits.programmes.columns import judge_people
from services.benefits.programmes.days import (
    NEVER,
    day_text,
    month_text,
    parse_month,
    unpack_day,
)
from services.benefits.programmes.differences import differences
from services.benefits.programmes.engine import judge
from services.benefits.programmes.explanation import explain
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.loading import plan_of
from services.benefits.programmes.people import gather
from services.benefits.programmes.plan import Plan
from tests.benefits.programmes.populations import population

SHARES = {
    "without_nurture": 0.02,
    "disability=severe": 0.06,
    "disability=extremely_severe": 0.02,
    "poor_household": 0.25,
    "near_poor_household": 0.1,
    "hiv": 0.01,
    "difficult_commune": 0.2,
    "in_education": 0.2,
    "pension": 0.15,
    "single_no_support": 0.05,
    "single_parent": 0.02,
    "residential_care": 0.005,
}
"""Facts of invented people, each with this chance; everybody has a decision about all groups."""

FIRST, LAST = parse_month("2024-01") or 0, parse_month("2025-12") or 0
MONTHS = LAST - FIRST + 1
BATCH = 50_000


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def day(random: Random, first_year: int, last_year: int) -> int:
    month = random.randint(first_year, last_year) * 12 + random.randint(0, 11)
    return month * 32 + random.randint(1, 28)


def invented(random: Random) -> Dossier:
    dossier = Dossier(birth=day(random, 1930, 2023))
    for key, share in SHARES.items():
        if random.random() < share:
            dossier.spans[key] = ((day(random, 2016, 2025), NEVER, NEVER),)
    dossier.spans["decision=all"] = ((day(random, 2016, 2025), NEVER, NEVER),)
    return dossier


def by_hand(births: npt.NDArray[np.int32]) -> int:
    """Six age bands, a coefficient each, and the standard of the month, in plain numpy."""
    total = 0
    for month in range(FIRST, LAST + 1):
        years = (month * 32 + 31 - births) // 384
        band = np.searchsorted(np.array([4, 16, 22, 60, 80]), years, side="right")
        coefficient = np.array([25, 15, 15, 15, 15, 20], dtype=np.int32)[band]
        standard = 36_000 if month < (parse_month("2024-07") or 0) else 50_000
        total += int((coefficient * standard).sum(dtype=np.int64))
    return total


def rate(work: Callable[[], object], person_months: int) -> float:
    began = perf_counter()
    work()
    return person_months / (perf_counter() - began)


def evaluators(people: int, rounds: int) -> None:
    """The explaining function and the columns, with numpy by hand between them."""
    random = Random(1)
    plan = plan_of(load_pack("VN-SA"))
    dossiers = [invented(random) for _ in range(people)]
    few = dossiers[: max(people // 20, 1_000)]
    columns = gather(dossiers)
    del dossiers
    found: dict[str, list[float]] = {"explaining": [], "columns": [], "numpy by hand": []}
    for _ in range(rounds):
        found["explaining"].append(rate(lambda: explained(plan, few), len(few) * MONTHS))
        run = rate(lambda: judge_people(plan, columns, FIRST, LAST), people * MONTHS)
        found["columns"].append(run)
        found["numpy by hand"].append(rate(lambda: by_hand(columns.birth), people * MONTHS))
    for name, rates in found.items():
        spread = f"{min(rates) / 1e6:.2f} to {max(rates) / 1e6:.2f}"
        say(f"{name}: {median(rates) / 1e6:.2f} M person-months/s ({spread}, {rounds} rounds)")


def explained(plan: Plan, dossiers: list[Dossier], first: int = FIRST) -> int:
    last = first + MONTHS - 1
    return sum(verdict.total for d in dossiers for verdict in judge(plan, d, first, last))


def disagreements(code: str, people: int) -> None:
    """How often a pack's evaluators differ, in amount, rows or suspension, and how fast each is.

    These people are stranger than any real ones: nearly every fact, with gaps, overlaps and ends.
    """
    plan = plan_of(load_pack(code))
    first = max(FIRST, plan.first_month)
    last = first + MONTHS - 1
    differing = compared = 0
    rates: dict[str, list[float]] = {"explaining": [], "columns": []}
    for seed in range(max(people // BATCH, 1)):
        dossiers = population(plan.pack, min(people, BATCH), seed)
        columns, size = gather(dossiers), len(dossiers) * MONTHS
        rates["columns"].append(rate(partial(judge_people, plan, columns, first, last), size))
        rates["explaining"].append(rate(partial(explained, plan, dossiers, first), size))
        grid = judge_people(plan, columns, first, last)
        totals, held = grid.total.tolist(), grid.suspended.tolist()
        planes = [plane.tolist() for plane in grid.rules]
        for number, dossier in enumerate(dossiers):
            for verdict in judge(plan, dossier, first, last):
                rules = [hit.rule.index for hit in verdict.hits]
                rules += [-1] * (len(planes) - len(rules))
                expected = (verdict.total, verdict.suspended, rules)
                for column in range(verdict.first_month - first, verdict.last_month + 1 - first):
                    paid = [plane[number][column] for plane in planes]
                    found = (totals[number][column], held[number][column], paid)
                    compared += 1
                    differing += found != expected
    speed = {name: median(found) / 1e6 for name, found in rates.items()}
    say(
        f"{code}: {differing} differences in {compared} person-months; explaining "
        f"{speed['explaining']:.2f}, columns {speed['columns']:.2f} M person-months/s"
    )


def corrected(people: int) -> None:
    """Twelve past months of people with a corrected fact, judged anew, with text."""
    pack = load_pack("VN-SA")
    random = Random(2)
    months = tuple(month_text(LAST - 11 + number) for number in range(12))
    everybody = [(facts_of(invented(random)), late_fact(random)) for _ in range(people)]
    began = perf_counter()
    changed = sum(recomputed(pack, facts, late, months) for facts, late in everybody)
    seconds = perf_counter() - began
    say(
        f"recomputed: {people} people x 12 months, with differences and explanation,"
        f" in {seconds:.2f} s ({changed} with a difference)"
    )


def recomputed(pack: Pack, facts: list[Fact], late: Fact, months: tuple[str, ...]) -> bool:
    before = entitle(pack, facts, months)
    after = entitle(pack, [*facts, late], months)
    text = explain(pack, [*facts, late], months[-1], "vi")
    if isinstance(before, Refused) or isinstance(after, Refused) or isinstance(text, Refused):
        raise TypeError("invented people are judged")
    return bool(differences(before, after, months[-2]))


def facts_of(dossier: Dossier) -> list[Fact]:
    """The dossier as facts; of two degrees of disability the first."""
    facts = {"birth_date": Fact("birth_date", day_text(dossier.birth))}
    for key, ((first, _, _), *_) in dossier.spans.items():
        name, _, value = key.partition("=")
        since = unpack_day(first)
        facts.setdefault(name, Fact(name, value or "yes", since, None, since))
    return list(facts.values())


def late_fact(random: Random) -> Fact:
    name = random.choice(("pension", "poor_household", "in_education"))
    since = unpack_day(day(random, 2024, 2025))
    return Fact(name, random.choice(("yes", "no")), since, None, unpack_day((2026 * 12) * 32 + 5))


def simulated(people: int) -> None:
    """`hamroh pack simulate` on a file, in its own process: seconds and the most memory held."""
    random = Random(3)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "facts.csv"
        with path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(("person_id", "fact", "value", "from", "to", "known_since"))
            for number in range(people):
                for fact in facts_of(invented(random)):
                    since = fact.valid_from.isoformat() if fact.valid_from else ""
                    writer.writerow((f"p{number}", fact.name, fact.value, since, "", since))
        began = perf_counter()
        command = [sys.executable, "-m", "services.cli.packs", "simulate", "VN-SA"]
        options = ["--facts", str(path), "--months", "2024-01..2025-12", "--out", folder]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
        seconds = perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say(f"simulated: {people} people x 24 months in {seconds:.1f} s, {peak:.0f} MiB at most")
    say(f"  {done.stdout.strip().splitlines()[-1]}")


def main() -> None:
    """Print every figure with the machine it was measured on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compare", nargs="*", choices=PACKS, default=PACKS, metavar="PACK")
    parser.add_argument("--only-compare", action="store_true")
    options = parser.parse_args()
    say(f"law on {platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    if not options.only_compare:
        simulated(options.people)  # first: what this process holds would count as the child's
        evaluators(options.people, options.rounds)
        corrected(max(options.people // 100, 100))
    for code in options.compare:
        disagreements(code, options.people if code == "VN-SA" else options.people // 5)


if __name__ == "__main__":
    main()
