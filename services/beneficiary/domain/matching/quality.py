"""How well a list was matched, where the truth is known."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from services.beneficiary.domain.matching.clusters import groups

PairIds = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """Who each record is (`entities`) and which pairs are known to be two people (`hard`).

    A record without entity is taken to be a person of its own. `errors` names, by record, the
    classes of errors that were made in it.
    """

    entities: Mapping[str, str]
    hard: Collection[PairIds] = ()
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Quality:
    """Shares are between 0 and 1; None where there was nothing to count.

    `hard_direct` and `hard_clustered` are the shares of the hard pairs that were called one person
    themselves, or ended in one group because of other pairs. `found_by_error` holds for each class
    of errors (true pairs found, true pairs).
    """

    true_pairs: int
    precision: float | None
    recall: float | None
    f1: float | None
    hard_direct: float | None
    hard_clustered: float | None
    found_by_error: Mapping[str, tuple[int, int]]


def measure(records: Sequence[str], same: Sequence[PairIds], truth: Truth) -> Quality:
    """The quality of the pairs called the same person among these records."""
    entity = {record: truth.entities.get(record, f"\0{record}") for record in records}
    members: defaultdict[str, list[str]] = defaultdict(list)
    for record in records:
        members[entity[record]].append(record)
    actual = sum(len(group) * (len(group) - 1) // 2 for group in members.values())
    right = sum(entity[a] == entity[b] for a, b in same)
    precision = right / len(same) if same else None
    recall = right / actual if actual else None
    both = len(same) + actual
    return Quality(
        true_pairs=actual,
        precision=precision,
        recall=recall,
        f1=2 * right / both if both else None,
        hard_direct=_hard_direct(same, truth, entity),
        hard_clustered=_hard_clustered(records, same, truth),
        found_by_error=_by_error(members, same, truth),
    )


def _known_hard(truth: Truth, records: Collection[str]) -> list[frozenset[str]]:
    return [frozenset(pair) for pair in truth.hard if pair[0] in records and pair[1] in records]


def _hard_direct(same: Sequence[PairIds], truth: Truth, records: Collection[str]) -> float | None:
    hard = _known_hard(truth, records)
    called = {frozenset(pair) for pair in same}
    return sum(pair in called for pair in hard) / len(hard) if hard else None


def _hard_clustered(records: Sequence[str], same: Sequence[PairIds], truth: Truth) -> float | None:
    place = {record: i for i, record in enumerate(records)}
    hard = _known_hard(truth, place)
    root = groups(len(records), ((place[a], place[b]) for a, b in same))
    merged = sum(len({root[place[record]] for record in pair}) == 1 for pair in hard)
    return merged / len(hard) if hard else None


def _by_error(
    members: Mapping[str, Sequence[str]], same: Sequence[PairIds], truth: Truth
) -> dict[str, tuple[int, int]]:
    called = {frozenset(pair) for pair in same}
    found: Counter[str] = Counter()
    all_pairs: Counter[str] = Counter()
    for group in members.values():
        for i, a in enumerate(group):
            for b in group[i + 1 :]:
                classes = {*truth.errors.get(a, ()), *truth.errors.get(b, ())}
                all_pairs.update(classes)
                if frozenset((a, b)) in called:
                    found.update(classes)
    return {name: (found[name], all_pairs[name]) for name in sorted(all_pairs)}
