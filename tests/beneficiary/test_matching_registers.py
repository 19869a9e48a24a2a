"""A register in memory: duplicates in it, newcomers against it, and weights learned from it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import places
from services.beneficiary.domain.matching import CAP, Kind, Matcher, Person, load_model
from services.beneficiary.domain.matching.clusters import groups
from services.beneficiary.domain.matching.lessons import lesson
from services.beneficiary.domain.matching.levels import FIELDS, Levels
from services.beneficiary.domain.matching.model import Weights, read_models, write_models
from services.beneficiary.domain.matching.register import Register
from services.beneficiary.domain.matching.training import SIDES, fit
from services.cli.matching.people import PeopleFile, Problems
from services.cli.matching.run import read_truth
from tests.invented import write_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of four traditions with look-alikes of every kind."""
    folder = tmp_path_factory.mktemp("people")
    write_set(folder, "mixed", "stories", 600, 1)
    return folder


@pytest.fixture(scope="module")
def people(folder: Path) -> list[Person]:
    return list(PeopleFile(folder / "mixed.csv", "utf-8", Problems()).people({}))


def register(people: list[Person]) -> Register:
    return Register(load_model(), places.latest, people)


def test_newcomers_meet_whom_they_would_meet_in_the_list(people: list[Person]) -> None:
    # given a register of every second person
    known, newcomers = register(people[::2]), people[1::2]

    # when the others come
    found = known.search(newcomers)
    assert known.search(newcomers).scores.tolist() == found.scores.tolist()
    met = {
        frozenset((2 * a + 1, 2 * b)): score
        for a, b, score in zip(found.pairs.first, found.pairs.second, found.scores, strict=True)
    }

    # then each meets those, and with that score, as if all stood in one list
    judged = register(people).duplicates()
    together = {
        frozenset((a, b)): score
        for a, b, score in zip(judged.pairs.first, judged.pairs.second, judged.scores, strict=True)
        if (a + b) % 2
    }
    assert met == together
    assert max(met.values()) >= 0.9


def test_a_newcomer_to_an_empty_register_meets_nobody(people: list[Person]) -> None:
    assert len(register([]).search(people[:3]).pairs) == 0
    assert len(register(people).search([]).pairs) == 0
    assert len(register([]).duplicates().pairs) == 0


def test_what_a_crowd_shares_brings_nobody_together() -> None:
    # given more people than a block may hold, with one phone
    crowd = [Person(str(n), given_name=f"Anna{n}", phone="+84912345678") for n in range(CAP + 1)]
    known = register(crowd)
    # then the phone is nobody's own, for newcomers too
    assert len(known.duplicates().pairs) == 0
    assert len(known.search([replace(crowd[0], record_id="x")]).pairs) == 0
    # while one person fewer may all be looked at
    assert len(register(crowd[:CAP]).duplicates().pairs) == CAP * (CAP - 1) // 2


def test_files_and_the_service_meet_people_by_the_same_blocks(people: list[Person]) -> None:
    matcher = Matcher(load_model(), places.latest)
    keys = [set(matcher.keys(person)) for person in people]
    pairs = register(people).duplicates().pairs
    for a, b in zip(pairs.first[:500], pairs.second[:500], strict=True):
        assert keys[a] & keys[b]


def test_two_people_of_one_group_never_contradict_one_another() -> None:
    assert groups(6, [(0, 1), (4, 2), (1, 4)]) == [0, 0, 0, 3, 0, 5]


# Learning.


def levels_of(rows: list[list[int]]) -> Levels:
    return np.array(rows, dtype=np.uint8)


@st.composite
def answered(draw: st.DrawFn) -> tuple[Levels, list[bool]]:
    """Pairs with any levels and any answers."""
    scales = list(FIELDS.values())
    row = st.tuples(*(st.sampled_from([int(level) for level in scale]) for scale in scales))
    rows = draw(st.lists(row.map(list), min_size=1, max_size=30))
    return levels_of(rows), draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))


def chains(weights: Weights) -> Iterator[list[float]]:
    """Weights along each chain of levels, from what says least to what says most."""
    for field, (against, in_favour, _) in SIDES.items():
        known, scale = weights.fields[field], FIELDS[field]
        for chain in against:
            yield [0.0, *(-known[scale(level).name] for level in chain)]
        for chain in in_favour:
            yield [0.0, *(known[scale(level).name] for level in chain)]


@given(answered())
@settings(max_examples=20, deadline=None)
def test_whatever_was_taught_a_better_agreement_never_weighs_less(
    pairs: tuple[Levels, list[bool]],
) -> None:
    weights = fit(pairs[0], np.array(pairs[1]))
    for chain in chains(weights):
        assert chain == sorted(chain)
    assert all(table["UNKNOWN"] == 0 for table in weights.fields.values())


def test_the_committed_weights_keep_their_order() -> None:
    for kind in Kind:
        for chain in chains(load_model(kind).weights):
            assert chain == sorted(chain)


def test_one_seed_teaches_the_same_twice(folder: Path, people: list[Person]) -> None:
    # given a small register and who is who in it
    truth = read_truth(folder / "mixed_labels.csv", None, "utf-8")
    numbers: dict[str, int] = {}
    entities = [
        numbers.setdefault(truth.entities[person.record_id], len(numbers)) for person in people
    ]
    known = register(people)

    # when lessons are drawn from it, twice with one seed and once with another
    one, again, other = (
        lesson(known, entities, np.random.default_rng(seed), 0.1) for seed in (7, 7, 8)
    )

    # then the same seed asks the same of the same pairs, and another seed something else
    assert np.array_equal(one.folds, again.folds)
    assert np.array_equal(one.chance, again.chance)
    assert not np.array_equal(one.folds, other.folds)

    # and the same lesson teaches the same to the last digit, which can be read back
    texts = [write_models({Kind.REGISTER: fit(had.levels, had.same)}) for had in (one, again)]
    assert texts[0] == texts[1]
    assert write_models({Kind.REGISTER: read_models(texts[0])[Kind.REGISTER].weights}) == texts[0]
