"""Groups of records that are called one person, kept free of contradiction.

If A is B and B is C, then A is C, even where the comparison of A and C says that they are two
people: one false link joins two families. So links are taken strongest first, and one that would
put two clearly different people into one group becomes a question for a person instead.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from services.beneficiary.domain.matching.candidates import Pairs
from services.beneficiary.domain.matching.judgement import SAME_AT
from services.beneficiary.domain.matching.limits import QUESTION_SCORE, Scores
from services.beneficiary.domain.matching.register import Judged, Register

CONTRADICTION_BELOW = 0.02
"""Score of a pair below which the two cannot be in one group."""
LARGEST = 60
"""Records in a group up to which every pair in it is looked at."""


def groups(size: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `size` records the lowest record it is linked to, directly or by others."""
    root = list(range(size))
    for a, b in links:
        low, high = sorted((_find(root, a), _find(root, b)))
        root[high] = low
    return [_find(root, record) for record in range(size)]


def without_contradictions(register: Register, judged: Judged) -> Scores:
    """The scores, where a link that would join two different people is lowered to a question."""
    strong = np.flatnonzero(judged.scores >= SAME_AT)
    links = list(
        zip(judged.pairs.first[strong].tolist(), judged.pairs.second[strong].tolist(), strict=True)
    )
    known = dict(zip(links, judged.scores[strong].tolist(), strict=True))
    against = _contradictions(register, links, known)
    scores = judged.scores.copy()
    for i in strong[_refused(judged, strong, against)]:
        scores[i] = QUESTION_SCORE
    return scores


def _contradictions(
    register: Register, links: Sequence[tuple[int, int]], known: Mapping[tuple[int, int], float]
) -> set[tuple[int, int]]:
    members: defaultdict[int, list[int]] = defaultdict(list)
    linked = {record for link in links for record in link}
    roots = groups(len(register), links)
    for record in sorted(linked):
        members[roots[record]].append(record)
    open_pairs = [
        (a, b)
        for group in members.values()
        if 2 < len(group) <= LARGEST  # noqa: PLR2004 - two records are one link
        for i, a in enumerate(group)
        for b in group[i + 1 :]
        if (a, b) not in known
    ]
    if not open_pairs:
        return set()
    pairs = np.array(open_pairs, dtype=np.int64)
    scores = register.judge(Pairs(pairs[:, 0], pairs[:, 1], 0)).scores
    return {
        pair for pair, score in zip(open_pairs, scores, strict=True) if score < CONTRADICTION_BELOW
    }


def _refused(judged: Judged, strong: np.ndarray, against: set[tuple[int, int]]) -> list[bool]:
    """For each strong pair whether it is refused; groups grow from the strongest link."""
    enemies: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in against:
        enemies[a].add(b)
        enemies[b].add(a)
    root: dict[int, int] = {}
    members: dict[int, set[int]] = {}
    refused = [False] * len(strong)
    for place in np.argsort(-judged.scores[strong], kind="stable").tolist():
        a, b = int(judged.pairs.first[strong[place]]), int(judged.pairs.second[strong[place]])
        one = members.get(root.get(a, a), {a})
        other = members.get(root.get(b, b), {b})
        if one is other:
            continue
        small, large = sorted((one, other), key=len)
        if any(enemies[record] & large for record in small if record in enemies):
            refused[place] = True
            continue
        large |= small
        key = root.get(next(iter(large)), next(iter(large)))
        for record in large:
            root[record] = key
        members[key] = large
    return refused


def _find(root: list[int], record: int) -> int:
    while root[record] != record:
        root[record] = root[root[record]]
        record = root[record]
    return record
