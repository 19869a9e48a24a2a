"""Faults on the running platform: `python -m tests.chaos [--seed N] [--faults 60] …`.

Sends claims from twenty regions while processes are killed and stopped, connections cut, broker
and database killed; then checks that each event had exactly one effect. After that, bugs are
planted one by one, and each must be caught. The exit code says whether all of it held.
"""

import asyncio
import logging
import random
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.local.faults import LocalStackError
from deploy.local.plan import ROOT
from tests.chaos import claims
from tests.chaos.planted import scenes
from tests.chaos.report import bound, document, last_line
from tests.chaos.run import QUIET_WITHIN_S, Outcome, Size, field_of, play

DIRECTORY: Final = ROOT / ".local" / "chaos"
began = time.monotonic()


def say(text: str) -> None:
    """One line of the story, with the seconds since the beginning."""
    sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {text}\n")
    sys.stdout.flush()


def strike(directory: Path, seed: int, size: Size) -> Outcome:
    """The run with faults."""
    say(f"seed {seed}: {size.events:,} events, {size.faults} faults")
    with field_of(directory / "platform", size.regions) as place:
        say("the platform is ready, behind wires that fail")
        outcome = asyncio.run(play(place, seed, size, say))
    for sentence in outcome.findings.sentences():
        say(sentence)
    return outcome


def plant(directory: Path, seed: int, *, sound: bool) -> dict[str, bool]:
    """Plays every scene with its bug; (`sound`) without, where nothing may be found."""
    bites = {}
    for scene in scenes.SCENES:
        try:
            findings = scenes.play(directory / "planted", scene, seed, sound=sound)
        except (TimeoutError, LocalStackError) as fault:
            bites[scene.bug] = False
            say(f"{scene.bug} could not be played: {fault}")
            continue
        shown = findings.sentences() if sound else scenes.caught(scene, findings)
        bites[scene.bug] = bool(shown) is not sound
        say(f"{'without' if sound else 'planted'} {scene.bug}: {next(iter(shown), 'nothing')}")
    return bites


def main(
    seed: Annotated[int, typer.Option(help="0 draws one")] = 0,
    events: Annotated[int, typer.Option(help="How many are sent")] = 10_000,
    faults: Annotated[int, typer.Option(help="How many are played")] = 60,
    planted: Annotated[bool, typer.Option(help="Whether bugs are planted afterwards")] = True,
    sound: Annotated[bool, typer.Option(help="The scenes of the bugs, without them")] = False,
    directory: Annotated[Path, typer.Option(help="Where platform and report lie")] = DIRECTORY,
) -> None:
    """Play, check, report."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever is ended ends what it began
    seed = seed or random.randrange(1, 1_000_000)
    directory.mkdir(parents=True, exist_ok=True)
    if sound:
        raise typer.Exit(0 if all(plant(directory, seed, sound=True).values()) else 1)
    outcome = strike(directory, seed, Size(events, faults, claims.REGIONS))
    bites = plant(directory, seed, sound=False) if planted else {}
    outcome.history.write(directory / f"history-{seed}.jsonl")
    (directory / "report.md").write_text(document(seed, outcome, bites), encoding="utf-8")
    say(f"the report: {directory / 'report.md'}")
    say(bound(faults))
    quiet = outcome.quiet_after_s
    held = outcome.findings.clean and all(bites.values()) and quiet is not None
    if quiet is None:
        say(f"something was still on its way {QUIET_WITHIN_S:.0f} s after the last fault")
    sys.stdout.write(last_line(seed, outcome, bites) + "\n")
    raise typer.Exit(0 if held else 1)


if __name__ == "__main__":
    typer.run(main)
