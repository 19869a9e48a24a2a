"""Who is who: candidates, comparison and judgement of people across scripts."""

from collections.abc import Sequence
from functools import lru_cache

from contracts import places
from services.beneficiary.domain.matching.blocks import CAP
from services.beneficiary.domain.matching.judgement import (
    REVIEW_AT,
    SAME_AT,
    Judgement,
    Outcome,
    Reason,
)
from services.beneficiary.domain.matching.matcher import Matcher, Signature
from services.beneficiary.domain.matching.model import Kind, Model, load_model
from services.beneficiary.domain.matching.person import Person

__all__ = [
    "CAP",
    "REVIEW_AT",
    "SAME_AT",
    "Judgement",
    "Kind",
    "Matcher",
    "Model",
    "Outcome",
    "Person",
    "Reason",
    "Signature",
    "compare",
    "judge",
    "keys",
    "load_model",
    "prepare",
    "signature",
]


@lru_cache(maxsize=1)
def _default() -> Matcher:
    return Matcher(load_model(), places.latest)


def prepare() -> None:
    """Reads the model, which the first judgement would wait for."""
    _default()


def keys(person: Person) -> tuple[str, ...]:
    """The block keys of a person: candidates are those who share at least one of them.

    A key that more than `CAP` people share says nothing and is not followed.
    """
    return _default().keys(person)


def signature(person: Person) -> Signature:
    """The block keys of a person and the parts of their number."""
    return _default().signature(person)


def judge(pairs: Sequence[tuple[Person, Person]]) -> list[Judgement]:
    """One judgement a pair, in order: score, outcome and reasons. Never an automatic merge."""
    return _default().judge(pairs)


def compare(a: Person, b: Person) -> Judgement:
    """The judgement of one pair; symmetric. Many pairs are judged far faster by `judge`."""
    return _default().compare(a, b)
