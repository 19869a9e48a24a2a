"""The public function of the law: facts known on a day, and a pack, give a person's months."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

from services.benefits.programmes.days import month_text, parse_month
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.engine import Verdict, judge
from services.benefits.programmes.facts import Fact, Refused, refuse_facts, resolve
from services.benefits.programmes.loading import plan_of
from services.benefits.programmes.pack import Pack
from services.benefits.programmes.plan import SCALE, Plan

Kind = Literal["monthly", "suspended"]


class MonthlyEntitlement(NamedTuple):
    """One component of one month: the amount is the standard times the coefficient.

    `reason` is the row of the pack that pays; `verified` is False where that row's or rate's
    source is unconfirmed. `suspended` months carry amount 0 and what is held back in `reason`.
    """

    month: str
    component: str
    group: str
    coefficient: str
    standard_minor: int
    amount_minor: int
    currency: str
    reason: str
    kind: Kind
    verified: bool


class Run(NamedTuple):
    """Consecutive months with the same result; empty `parts` means that nothing is due."""

    from_month: str
    to_month: str
    total_minor: int
    parts: tuple[MonthlyEntitlement, ...]
    """The components of the first month of the run."""


def entitle(
    pack: Pack,
    facts: Sequence[Fact],
    months: Sequence[str],
    known_at: date | None = None,
    people: Mapping[str, Sequence[Fact]] | None = None,
) -> tuple[MonthlyEntitlement, ...] | Refused:
    """What is due to a person for each of the months, by what was known at `known_at`.

    `months` are texts such as `2024-06`, in any order; `people` maps the ids of linked persons to
    their facts. Facts or months that cannot be judged are refused whole.
    """
    plan = plan_of(pack)
    numbers = _month_numbers(plan.pack.code, plan.first_month, tuple(months))
    if isinstance(numbers, Refused):
        return numbers
    if not numbers:
        return ()
    found = _verdicts(plan, facts, (min(numbers), max(numbers)), known_at, people)
    if isinstance(found, Refused):
        return found
    wanted = set(numbers)
    return tuple(
        part
        for verdict in found
        if verdict.hits
        for month in range(verdict.first_month, verdict.last_month + 1)
        if month in wanted
        for part in _parts(plan, verdict, month)
    )


def runs(
    pack: Pack,
    facts: Sequence[Fact],
    window: tuple[str, str],
    known_at: date | None = None,
    people: Mapping[str, Sequence[Fact]] | None = None,
) -> tuple[Run, ...] | Refused:
    """The months of a window, first and last included, as runs with the same result.

    The first run that pays names the group and the month from which; its amounts hold until its
    last month unless facts change, so a birthday to come shows as the next run.
    """
    plan = plan_of(pack)
    numbers = _month_numbers(plan.pack.code, plan.first_month, window)
    if isinstance(numbers, Refused):
        return numbers
    found = _verdicts(plan, facts, (numbers[0], numbers[1]), known_at, people)
    if isinstance(found, Refused):
        return found
    return tuple(
        Run(
            month_text(verdict.first_month),
            month_text(verdict.last_month),
            verdict.total,
            tuple(_parts(plan, verdict, verdict.first_month)),
        )
        for verdict in found
    )


def _verdicts(
    plan: Plan,
    facts: Sequence[Fact],
    window: tuple[int, int],
    known_at: date | None,
    people: Mapping[str, Sequence[Fact]] | None,
) -> list[Verdict] | Refused:
    for refused in refuse_facts(plan.pack, facts):
        return refused
    dossier = resolve(plan.pack, facts, known_at, people)
    if isinstance(dossier, Refused):
        return dossier
    return judge(plan, derive(plan, dossier), *window)


@lru_cache(maxsize=256)
def _month_numbers(code: str, first: int, months: tuple[str, ...]) -> tuple[int, ...] | Refused:
    """The months as numbers; a batch of people asks for the same ones again and again."""
    numbers: list[int] = []
    for text in months:
        number = parse_month(text)
        if number is None:
            return Refused("months", "bad_month", f"{text!r} is not a month such as 2024-06")
        if number < first:
            detail = f"{code} answers from {month_text(first)} on"
            return Refused("months", "outside_law", detail)
        numbers.append(number)
    return tuple(numbers)


def _parts(plan: Plan, verdict: Verdict, month: int) -> list[MonthlyEntitlement]:
    text = month_text(month)
    return [
        MonthlyEntitlement(
            text,
            hit.rule.row.component,
            hit.rule.group,
            coefficient_text(hit.coefficient),
            hit.rate,
            0 if verdict.suspended else hit.amount,
            plan.pack.currency,
            hit.rule.row.id,
            "suspended" if verdict.suspended else "monthly",
            hit.verified,
        )
        for hit in verdict.hits
    ]


@lru_cache(maxsize=4096)
def coefficient_text(ten_thousandths: int) -> str:
    """A coefficient as decimal text with at least one digit after the mark: `2.5`, `1.0`."""
    whole, part = divmod(ten_thousandths, SCALE)
    return f"{whole}.{f'{part:04d}'.rstrip('0') or '0'}"
