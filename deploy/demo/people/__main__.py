"""Write the list: `python -m deploy.demo.people --seed 2026 --people 5000 --out FILE`."""

import argparse
from pathlib import Path

from deploy.demo.people import Label, Row, Worker, labelled, workers, write_csv


def main() -> None:
    """Write the list of people and, where asked for, the truth about it and the workers."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.people", description=__doc__)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--people", type=int, default=5000, help="rows, all kinds together")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--expected", type=Path, help="the truth about each row, for tests only")
    parser.add_argument("--workers", type=Path)
    arguments = parser.parse_args()
    pairs = labelled(arguments.seed, arguments.people)
    write_csv(arguments.out, Row, (row for row, _ in pairs))
    if arguments.expected:
        write_csv(arguments.expected, Label, (label for _, label in pairs))
    if arguments.workers:
        write_csv(arguments.workers, Worker, workers(arguments.seed))


main()
