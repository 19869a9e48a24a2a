import numpy as np
import pytest

from services.benefits.programmes import load_pack
from services.benefits.programmes.columns import judge_people
from services.benefits.programmes.days import parse_month
from services.benefits.programmes.engine import judge
from services.benefits.programmes.loading import PACKS, plan_of
from services.benefits.programmes.people import gather
from tests.benefits.programmes.populations import population


def month(text: str) -> int:
    number = parse_month(text)
    assert number is not None
    return number


@pytest.mark.parametrize("code", sorted(PACKS))
@pytest.mark.parametrize("window", [("2023-06", "2025-09"), ("2026-01", "2026-12")])
def test_columns_and_explaining_function_never_differ(code: str, window: tuple[str, str]) -> None:
    first, last = month(window[0]), month(window[1])
    plan = plan_of(load_pack(code))
    people = population(plan.pack, 4_000, seed=7)
    grid = judge_people(plan, gather(people), first, last)
    differences = []
    for number, dossier in enumerate(people):
        for verdict in judge(plan, dossier, first, last):
            for column in range(verdict.first_month - first, verdict.last_month + 1 - first):
                rules = [int(plane[number, column]) for plane in grid.rules]
                found = (
                    int(grid.total[number, column]),
                    [rule for rule in rules if rule >= 0],
                    bool(grid.suspended[number, column]),
                )
                expected = (
                    verdict.total,
                    [hit.rule.index for hit in verdict.hits],
                    verdict.suspended,
                )
                if found != expected:
                    differences.append((number, column, found, expected))
    assert differences == []
    assert np.count_nonzero(grid.total) > 0
