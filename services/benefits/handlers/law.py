"""What the law says of a person: statuses in, a plan of months out. Pure.

Every right under a programme needs a signed decision on its group. Where a person fits a group in
the month, the decision is signed on the business day of the judgement; what a birthday or a status
will open later is decided when that month begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from contracts.values import month_of
from services.benefits.domain.calendar import add_working_days
from services.benefits.domain.entitlements import Term
from services.benefits.domain.judgement import Moment, Ruling
from services.benefits.domain.persons import Person, StatusEntry
from services.benefits.programmes import (
    Fact,
    MonthlyEntitlement,
    Pack,
    Refused,
    Run,
    StatusChange,
    facts_from_statuses,
    load_pack,
    runs,
)
from services.benefits.programmes.pack import Row
from services.benefits.programmes.working_days import (
    after_working_days,
    deadline,
    load_calendar,
)

LAST_MONTH: Final = "2199-12"
"""A plan reaches so far: the last term of everybody alive has no end before it."""
CHILD: Final = "child"
"""The fact that names a child whom the person raises."""
REQUESTS: Final = {"social_pension_request": "SP"}
"""Status that is a written request → the group it asks for."""

Signed = tuple[tuple[str, date], ...]


@dataclass(frozen=True, slots=True)
class Programme:
    """A rule pack in force, and by which decisions each of its rows may be paid."""

    pack: Pack
    needs: Mapping[str, frozenset[str]]
    """Row id → groups of which one must have been decided; empty where no decision is needed."""
    open_until: tuple[date, ...]
    """Last days of rows that pay by age alone, without any status."""

    def may_pay(self, person: Person, today: date) -> bool:
        """Whether judging can come to anything: most rows need a status."""
        return bool(person.statuses) or any(today <= last for last in self.open_until)


@lru_cache(maxsize=64)
def moment_of(
    code: str, folder: Path | None, today: date, hold_days: int, decision_days: int
) -> Moment:
    """A business day and what follows from it by the country's calendar.

    `decision_days` count where the pack sets no deadline; a year that the calendar does not hold
    has weekends and no holidays.
    """
    pack = programme_of(code, folder).pack
    due_on = deadline(pack, "decision", today)
    hold_until = after_working_days(load_calendar(pack.country), today, hold_days)
    return Moment(
        today,
        add_working_days(today, decision_days) if isinstance(due_on, Refused) else due_on,
        add_working_days(today, hold_days) if isinstance(hold_until, Refused) else hold_until,
    )


@cache
def programme_of(code: str, folder: Path | None) -> Programme:
    """A programme by its code, from the packaged packs and a ministry's folder."""
    pack = load_pack(code, folder)
    cells = {row.id: row.cells.get("decision", "") for row in pack.rows()}
    needs = {row: frozenset(cell.split("|")) - {""} for row, cell in cells.items()}
    open_until = (row.to or date.max for row in pack.rows() if _by_age_alone(row))
    return Programme(pack, needs, tuple(open_until))


def _by_age_alone(row: Row) -> bool:
    asked = {cell for name, cell in row.cells.items() if name not in ("age", "decision")}
    return row.per is None and asked <= {"no"}


def rule(
    programme: Programme,
    person: Person,
    signed: Signed,
    today: date,
    children: Sequence[Person] = (),
) -> Ruling | Refused:
    """Judges a person from the month of `today` on; facts that contradict are refused whole.

    `children` are those whom a single parent raises.
    """
    pack = programme.pack
    if not programme.may_pay(person, today):
        return Ruling(pack.code, pack.version, pack.currency, {}, signed, (), None)
    facts = facts_of(pack, person, signed, today)
    raised = {str(child.id): known_facts(pack, child) for child in children if pack.fact(CHILD)}
    facts += [Fact(CHILD, name, None, None, None, "registry") for name in raised]
    found = runs(pack, facts, (month_of(today), LAST_MONTH), None, raised)
    if isinstance(found, Refused):
        return found
    due = [part for part in found[0].parts if part.amount_minor > 0]
    signed = _with_new(programme, due, signed, today)
    groups = {group for group, _ in signed}
    return Ruling(
        programme=pack.code,
        version=pack.version,
        currency=pack.currency,
        plans=_plans(programme, found, groups),
        signed=signed,
        reasons=tuple(part.reason for part in due),
        changes_in=found[1].from_month if len(found) > 1 else None,
    )


def facts_of(pack: Pack, person: Person, signed: Signed, today: date) -> list[Fact]:
    """A person's facts as the pack reads them: what was decided, and all that may be today."""
    facts = known_facts(pack, person)
    if pack.fact("decision"):
        facts += [
            Fact("decision", group, on, None, on, "benefits")
            for group, on in (*signed, ("all", today))
        ]
    return facts


def known_facts(pack: Pack, person: Person) -> list[Fact]:
    """What the registry told of a person, as the pack reads it."""
    changes = [
        StatusChange(entry.code, entry.state, entry.effective_on, entry.level, entry.known_on)
        for entry in person.statuses
    ]
    facts = [Fact("birth_date", person.birth_date.isoformat())]
    facts += facts_from_statuses(pack, changes)
    if pack.fact("application"):
        facts += _requests(person.statuses)
    return facts


def _requests(statuses: Sequence[StatusEntry]) -> list[Fact]:
    """The first request for each group; a request that was withdrawn leaves none."""
    asked: dict[str, Fact] = {}
    for entry in statuses:
        group = REQUESTS.get(entry.code)
        if group is None:
            continue
        if entry.state == "ended":
            asked.pop(group, None)
        else:
            fact = Fact("application", group, entry.effective_on, None, entry.known_on, "registry")
            asked.setdefault(group, fact)
    return [*asked.values()]


def _with_new(
    programme: Programme, due: Sequence[MonthlyEntitlement], signed: Signed, today: date
) -> Signed:
    groups = {group for group, _ in signed}
    fresh = dict.fromkeys(
        part.group
        for part in due
        if (needed := programme.needs[part.reason]) and not needed & groups
    )
    return (*signed, *((group, today) for group in fresh))


def _plans(
    programme: Programme, found: Sequence[Run], groups: set[str]
) -> dict[str, tuple[Term, ...]]:
    """Component → its terms; what no signed decision covers yet counts as nothing."""
    components = dict.fromkeys(part.component for run in found for part in run.parts)
    plans = {}
    for component in components:
        terms = [_term(programme, run, component, groups) for run in found]
        if any(term.amount_minor for term in terms):
            plans[component] = tuple(terms)
    return plans


def _term(programme: Programme, run: Run, component: str, groups: set[str]) -> Term:
    part = next((part for part in run.parts if part.component == component), None)
    if part is None or not _covered(programme, part, groups):
        return Term(run.from_month, 0, "", "0", 0)
    return Term(
        run.from_month, part.amount_minor, part.group, part.coefficient, part.standard_minor
    )


def _covered(programme: Programme, part: MonthlyEntitlement, groups: set[str]) -> bool:
    needed = programme.needs[part.reason]
    return not needed or bool(needed & groups)
