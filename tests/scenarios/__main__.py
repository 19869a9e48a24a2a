"""Plays scenarios under schedules: `python -m tests.scenarios [--scenario …] [--schedule …]`.

Without options: every scenario under every schedule. The exit code says whether all of it held.
"""

import logging
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.local.plan import ROOT
from tests.scenarios.player import play
from tests.scenarios.report import complaints, document, last_line
from tests.scenarios.scenario import every
from tests.scenarios.schedules import Schedule

DIRECTORY: Final = ROOT / ".local" / "scenarios"
began = time.monotonic()


def say(text: str) -> None:
    """One line of the story, with the seconds since the beginning."""
    sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {text}\n")
    sys.stdout.flush()


def main(
    scenario: Annotated[str, typer.Option(help="One of them; all without")] = "",
    schedule: Annotated[str, typer.Option(help="One of them; all without")] = "",
    report: Annotated[Path | None, typer.Option(help="Where to write what was seen")] = None,
    directory: Annotated[Path, typer.Option(help="Where the platform lies")] = DIRECTORY,
) -> None:
    """Play, compare, report."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    scenarios = every()
    if scenario and scenario not in scenarios:
        raise typer.BadParameter(f"{scenario}: choose one of {', '.join(scenarios)}")
    if schedule and schedule not in [*Schedule]:
        raise typer.BadParameter(f"{schedule}: choose one of {', '.join(Schedule)}")
    outcomes = []
    for name in [scenario] if scenario else scenarios:
        for how in [Schedule(schedule)] if schedule else Schedule:
            say(f"{name}, {how}")
            outcomes.append(play(scenarios[name], how, directory, say))
    wrong = complaints(outcomes)
    for sentence in wrong:
        say(sentence)
    if report is not None:
        report.write_text(document(scenarios, outcomes), encoding="utf-8")
    sys.stdout.write(last_line(outcomes, wrong) + "\n")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
