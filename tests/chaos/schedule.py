"""Which faults happen, to whom, in which order: drawn from a seed, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, get_args

from deploy.instance import SERVICES

Kind = Literal[
    "worker killed",
    "api killed",
    "worker stopped briefly",
    "worker stopped past its session",
    "database connections cut",
    "broker connections cut",
    "commit answer lost",
    "commit lost",
    "killed at commit",
    "broker killed",
    "database killed",
    "database restarted",
    "worker joins and leaves",
    "offsets forgotten",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

SHARES: Final[Mapping[Kind, int]] = {
    "worker killed": 9,
    "api killed": 6,
    "worker stopped briefly": 8,
    "worker stopped past its session": 3,
    "database connections cut": 5,
    "broker connections cut": 5,
    "commit answer lost": 7,
    "commit lost": 3,
    "killed at commit": 4,
    "broker killed": 3,
    "database killed": 3,
    "database restarted": 1,
    "worker joins and leaves": 2,
    "offsets forgotten": 1,
}
"""Of sixty."""
APIS: Final = ("beneficiary", "workforce", "benefits")
"""Those that are asked while faults happen."""
BRIEF_S: Final = (0.5, 3.0)
PAST_SESSION_S: Final = (16.5, 18.0)
"""A worker's session with the broker ends after 15 s of silence."""
VISIT_S: Final = (4.0, 7.0)
FOR_ALL: Final = (
    "broker connections cut",
    "broker killed",
    "database killed",
    "database restarted",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its kind, the service that it hits, and how long it lasts where it lasts."""

    nth: int
    kind: Kind
    service: str
    lasts_s: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind in FOR_ALL else f"{self.kind}: {self.service}"


def schedule(seed: int, count: int) -> list[Fault]:
    """`count` faults in order, each kind in its share. The same seed gives the same."""
    random = Random(f"chaos-faults:{seed}")
    kinds = _kinds(random, count)
    turns = {kind: _turns(random, kind) for kind in KINDS}
    return [
        Fault(nth, kind, turns[kind][nth % len(turns[kind])], _lasts_s(random, kind))
        for nth, kind in enumerate(kinds)
    ]


def _kinds(random: Random, count: int) -> list[Kind]:
    """All kinds by their shares, the large ones first if there is no room for all; shuffled."""
    whole = sum(SHARES.values())
    wanted = {kind: SHARES[kind] * count / whole for kind in KINDS}
    drawn = {kind: int(wanted[kind]) for kind in KINDS}
    short = sorted(KINDS, key=lambda kind: drawn[kind] - wanted[kind])
    for kind in short[: count - sum(drawn.values())]:
        drawn[kind] += 1
    kinds = [kind for kind in KINDS for _ in range(drawn[kind])]
    random.shuffle(kinds)
    return kinds


def _turns(random: Random, kind: Kind) -> list[str]:
    """Everybody has a turn before anybody has a second one; the registry has two."""
    if kind == "api killed":
        return random.sample(APIS, len(APIS))
    turns = [*SERVICES, "beneficiary"]
    random.shuffle(turns)
    return turns


def _lasts_s(random: Random, kind: Kind) -> float:
    bounds = {
        "worker stopped briefly": BRIEF_S,
        "worker stopped past its session": PAST_SESSION_S,
        "worker joins and leaves": VISIT_S,
    }.get(kind)
    return round(random.uniform(*bounds), 1) if bounds else 0.0
