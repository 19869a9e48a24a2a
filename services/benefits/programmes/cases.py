"""Test cases of a pack, kept as data beside it: facts, and what they must come to.

A fact is written `name`, `name=value`, with ` from DATE`, ` to DATE` and ` known DATE` as needed.
"""

import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from services.benefits.programmes.entitlement import MonthlyEntitlement, entitle
from services.benefits.programmes.facts import Fact, Refused
from services.benefits.programmes.inputs import Part, Prose
from services.benefits.programmes.loading import PACKS, PackRefused, text_of
from services.benefits.programmes.pack import Pack

MonthText = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]


class Case(Part):
    """A story: facts of a person (and of linked `people`), and totals and groups per month.

    `pays` gives the total of each month in minor units, 0 for none; `groups` names what is paid,
    joined by `+`. `source` says where the amount is published.
    """

    name: Prose
    source: Prose
    facts: Annotated[tuple[str, ...], Field(min_length=1)]
    people: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    known_at: date | None = None
    pays: Annotated[dict[MonthText, int], Field(min_length=1)]
    groups: dict[MonthText, str] = Field(default_factory=dict)


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
    if not own.exists():
        return packaged_cases(code) if code in PACKS else ()
    try:
        cases = read_cases(text_of(own))
    except ValueError as fault:
        raise PackRefused(f"{own}: no cases: {fault}") from fault
    if not cases:
        raise PackRefused(f"{own}: no cases: an empty set of cases proves nothing")
    return cases


def read_cases(text: str) -> tuple[Case, ...]:
    """Cases from their TOML text; pydantic's error where they are malformed."""
    data = tomllib.loads(text)
    return tuple(Case.model_validate(_strict(case)) for case in data.get("cases", ()))


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
    head, *rest = text.split()
    name, _, value = head.partition("=")
    days = dict(zip(rest[::2], rest[1::2], strict=True))
    return Fact(
        name,
        value or "yes",
        _day(days.pop("from", None)),
        _day(days.pop("to", None)),
        _day(days.pop("known", None)),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _strict(case: dict[str, Any]) -> dict[str, Any]:
    """TOML's lists as the tuples of the model."""
    people = {person: tuple(facts) for person, facts in case.get("people", {}).items()}
    return {**case, "facts": tuple(case.get("facts", ())), "people": people}
