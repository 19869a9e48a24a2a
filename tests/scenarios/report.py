"""What the scenarios came to, for people and for machines."""

from collections.abc import Mapping, Sequence
from typing import Final

from tests.scenarios.player import Outcome
from tests.scenarios.scenario import Scenario
from tests.scenarios.schedules import Schedule

HEAD: Final = """# Scenarios

What `make scenarios` saw: each scenario through the whole platform (Kafka, PostgreSQL, twelve
service processes, bank, providers), each time from an empty one, on two cores. Amounts, messages
and every table of every service must be the same whatever the schedule:

- *in order*
- *twice*: every claim, every fact and every call comes a second time
- *shuffled*: what a region sends on one business day comes in any order
- *killed*: each of the six workers is killed with -9 inside a transaction that had written, which
  PostgreSQL then tells as aborted

How to add one: [tests/scenarios](../tests/scenarios/README.md).
"""


def complaints(outcomes: Sequence[Outcome]) -> list[str]:
    """What did not hold, in sentences: within each play, and between them."""
    found = [
        f"{outcome.scenario}, {outcome.schedule}: {sentence}"
        for outcome in outcomes
        for sentence in outcome.complaints
    ]
    first = {outcome.scenario: outcome for outcome in reversed(outcomes)}
    for outcome in outcomes:
        model = first[outcome.scenario]
        found += [
            f"{outcome.scenario}, {outcome.schedule} against {model.schedule}: {sentence}"
            for sentence in outcome.seen.differences(model.seen)
        ]
    return found


def document(scenarios: Mapping[str, Scenario], outcomes: Sequence[Outcome]) -> str:
    """The report as Markdown."""
    parts = [HEAD]
    for name in dict.fromkeys(outcome.scenario for outcome in outcomes):
        plays = [outcome for outcome in outcomes if outcome.scenario == name]
        parts.append(f"## {name.replace('-', ' ').capitalize()}\n\n{scenarios[name].tells}\n")
        parts.append("| schedule | seconds | what was done to it | tables | held |")
        parts.append("|---|---|---|---|---|")
        parts += [_row(outcome) for outcome in plays]
        rows = {table: len(seen.rows) for table, seen in plays[0].seen.tables.items()}
        told = ", ".join(f"{table} {count:,}" for table, count in rows.items() if count)
        parts.append(f"\nRows compared: {told}.\n")
    return "\n".join(parts)


def _row(outcome: Outcome) -> str:
    held = "no" if outcome.complaints else "yes"
    digest = outcome.seen.digest[:12]
    return (
        f"| {outcome.schedule} | {outcome.seconds:.0f} | {_done(outcome)} | `{digest}` | {held} |"
    )


def _done(outcome: Outcome) -> str:
    match outcome.schedule:
        case Schedule.TWICE:
            return f"{outcome.repeated:,} facts sent again"
        case Schedule.KILLED:
            return "; ".join(
                f"{kill.service} died having written {', '.join(kill.written)}"
                for kill in outcome.kills
            )
        case Schedule.IN_ORDER | Schedule.SHUFFLED:
            return ""


def last_line(outcomes: Sequence[Outcome], wrong: Sequence[str]) -> str:
    """One line for machines."""
    kills = sum(kill.fate == "aborted" for outcome in outcomes for kill in outcome.kills)
    seconds = sum(outcome.seconds for outcome in outcomes)
    return (
        f"scenarios played={len(outcomes)} wrong={len(wrong)} "
        f"kills_in_batch={kills} seconds={seconds:.0f}"
    )
