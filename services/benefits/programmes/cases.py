"""Test cases of a pack, kept as data beside it: facts, and what they must come to.

A fact is written `name`, `name=value`, with ` from DATE`, ` to DATE` and ` known DATE` as needed.
"""

import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError

from services.benefits.programmes.entitlement import MonthlyEntitlement, entitle
from services.benefits.programmes.facts import Fact, Refused
from services.benefits.programmes.inputs import Part, Prose
from services.benefits.programmes.loading import (
    PACKS,
    PackRefused,
    files_in,
    findings_of,
    text_of,
    tuples,
)
from services.benefits.programmes.pack import Pack

_DAYS: Final = frozenset({"from", "to", "known"})


def _readable(text: str) -> str:
    _fact(text)
    return text


MonthText = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
FactText = Annotated[str, AfterValidator(_readable)]


class Case(Part):
    """A story: facts of a person (and of linked `people`), and totals and groups per month.

    `pays` gives the total of each month in minor units, 0 for none; `groups` names what is paid,
    joined by `+`. `source` says where the amount is published.
    """

    name: Prose
    source: Prose
    facts: Annotated[tuple[FactText, ...], Field(min_length=1)]
    people: dict[str, tuple[FactText, ...]] = Field(default_factory=dict)
    known_at: date | None = None
    pays: Annotated[dict[MonthText, int], Field(min_length=1)]
    groups: dict[MonthText, str] = Field(default_factory=dict)


class CaseFile(Part):
    """The cases of one file."""

    cases: tuple[Case, ...] = ()


class Failure(Part):
    """A month in which a case came out otherwise than it says."""

    case: str
    month: str
    expected: str
    found: str


def packaged_cases(code: str) -> tuple[Case, ...]:
    """The test cases shipped beside a packaged pack."""
    path = resources.files(__package__) / "cases" / PACKS[code]
    return read_cases(path.read_text(encoding="utf-8"))


def cases_beside(file: Path, code: str) -> tuple[Case, ...]:
    """The cases of an own pack: of its name in the folder `cases` beside it.

    Without such a file, those of the packaged pack whose code it has, if any. `PackRefused` where
    the file holds no cases.
    """
    own = file.parent / "cases" / file.name
    if own not in (files_in(own.parent) or ()):
        return packaged_cases(code) if code in PACKS else ()
    try:
        cases = read_cases(text_of(own))
    except ValueError as fault:
        raise PackRefused(f"{own}: no cases: {fault}") from fault
    if not cases:
        raise PackRefused(f"{own}: no cases: an empty set of cases proves nothing")
    return cases


def read_cases(text: str) -> tuple[Case, ...]:
    """Cases from their TOML text; `ValueError` with the first place where they are malformed."""
    data = tomllib.loads(text)
    try:
        return CaseFile.model_validate(tuples(data)).cases
    except ValidationError as fault:
        first = findings_of(data, fault)[0]
        raise PackRefused(f"{first.place}: {first.detail}") from fault


def run_cases(pack: Pack, cases: tuple[Case, ...]) -> tuple[Failure, ...]:
    """Every month of every case that comes out otherwise."""
    return tuple(failure for case in cases for failure in _run(pack, case))


def facts_of(texts: tuple[str, ...]) -> list[Fact]:
    """Facts from their short form."""
    return [_fact(text) for text in texts]


def _run(pack: Pack, case: Case) -> list[Failure]:
    people = {person: facts_of(texts) for person, texts in case.people.items()}
    months = tuple(dict.fromkeys((*case.pays, *case.groups)))
    found = entitle(pack, facts_of(case.facts), months, case.known_at, people)
    if isinstance(found, Refused):
        return [_failure(case, "", "a decision", f"{found.place}: {found.code}: {found.detail}")]
    failures = []
    for month, expected in case.pays.items():
        total = sum(row.amount_minor for row in found if row.month == month)
        if total != expected:
            failures.append(_failure(case, month, str(expected), str(total)))
    for month, expected_groups in case.groups.items():
        groups = _groups(found, month)
        if groups != expected_groups:
            failures.append(_failure(case, month, expected_groups, groups))
    return failures


def _failure(case: Case, month: str, expected: str, found: str) -> Failure:
    return Failure(case=case.name, month=month, expected=expected, found=found)


def _groups(rows: tuple[MonthlyEntitlement, ...], month: str) -> str:
    return "+".join(row.group for row in rows if row.month == month)


def _fact(text: str) -> Fact:
    head, *rest = text.split() or [""]
    if len(rest) % 2 or not _DAYS.issuperset(rest[::2]):
        raise ValueError("a fact is written name=value from DATE to DATE known DATE")
    name, _, value = head.partition("=")
    days = {word: date.fromisoformat(day) for word, day in zip(rest[::2], rest[1::2], strict=True)}
    return Fact(name, value or "yes", days.get("from"), days.get("to"), days.get("known"))
