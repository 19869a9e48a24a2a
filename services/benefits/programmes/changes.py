"""What will change a person's amount by itself, when, and why."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from services.benefits.programmes.days import ALWAYS, NEVER, birthday, last_day
from services.benefits.programmes.derivation import conditions_hold
from services.benefits.programmes.engine import Verdict, judge
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.inputs import TermInput
from services.benefits.programmes.plan import Keys, Plan, Rule
from services.benefits.programmes.spans import Span
from services.benefits.programmes.stated import facts_behind

HORIZON: Final = 1_200
"""How many months ahead is looked: a hundred years."""

Cause = Literal["by_age", "by_linked_age", "by_law", "by_term", "by_end", "by_begin", "by_other"]


class Change(NamedTuple):
    """From `month` on it will be `total`; what causes it, on which day, by which age or key."""

    month: int
    total: int
    cause: Cause
    day: int | None = None
    age: int | None = None
    key: str = ""


def next_change(plan: Plan, dossier: Dossier, month: int) -> Change | None:
    """The next month with another total if no fact changes, or None if there is none."""
    runs = judge(plan, dossier, month, month + HORIZON)
    before = runs[0]
    for after in runs[1:]:
        if after.total != before.total:
            return _change(plan, dossier, before, after)
        before = after
    return None


def _change(plan: Plan, dossier: Dossier, before: Verdict, after: Verdict) -> Change:
    month, total = after.first_month, after.total
    old = {hit.rule.index: hit for hit in before.hits}
    new = {hit.rule.index: hit for hit in after.hits}
    if old.keys() == new.keys():
        law = any(old[index].rate != new[index].rate for index in old)
        return Change(month, total, "by_law" if law else "by_linked_age")
    lost = [hit.rule for index, hit in old.items() if index not in new]
    gained = [hit.rule for index, hit in new.items() if index not in old]
    for found in (*_endings(dossier, lost, month), *_beginnings(dossier, gained, month)):
        return _spoken(plan, dossier, found._replace(total=total))
    return Change(month, total, "by_other")


def _spoken(plan: Plan, dossier: Dossier, change: Change) -> Change:
    """A change of a derived input told as what it comes from: a term, or a fact."""
    if isinstance(plan.inputs.get(change.key), TermInput):
        return change._replace(cause="by_term" if change.cause == "by_end" else "by_other")
    if change.key:
        behind = facts_behind(plan, dossier, change.key, change.month)
        return change._replace(key=next(behind, change.key))
    return change


def _spans(dossier: Dossier, rule: Rule) -> list[Span]:
    return conditions_hold(rule.when, dossier, [(ALWAYS, NEVER, NEVER)])


def _endings(dossier: Dossier, rules: list[Rule], month: int) -> Iterator[Change]:
    """Why rules no longer hold in a month."""
    for rule in rules:
        if rule.last_month == month - 1:
            yield Change(month, 0, "by_law")
        for _, last, change in _spans(dossier, rule):
            if min(last, change) >> 5 == month - 1:
                yield _ending(dossier, rule, last, change, month)


def _ending(dossier: Dossier, rule: Rule, last: int, change: int, month: int) -> Change:
    age = rule.when.age_to
    if age is not None and change == birthday(dossier.birth, age) and change <= last_day(month):
        return Change(month, 0, "by_age", change, age)
    for key, (first, _, _) in _held(dossier, rule.when.has_not):
        if first == change:
            return Change(month, 0, "by_begin", change, key=key)
    for key, (_, end, turn) in _held(dossier, rule.when.has):
        if min(end, turn) == min(last, change):
            return Change(month, 0, "by_end", min(last, change), key=key)
    return Change(month, 0, "by_other")


def _held(dossier: Dossier, inputs: tuple[Keys, ...]) -> Iterator[tuple[str, Span]]:
    """Every span of some inputs with its key."""
    for keys in inputs:
        for key in keys:
            for span in dossier.spans.get(key, ()):
                yield key, span


def _beginnings(dossier: Dossier, rules: list[Rule], month: int) -> Iterator[Change]:
    """Why rules begin to hold in a month."""
    for rule in rules:
        for first, _, _ in _spans(dossier, rule):
            if first >> 5 == month:
                yield _beginning(dossier, rule, first, month)


def _beginning(dossier: Dossier, rule: Rule, first: int, month: int) -> Change:
    age = rule.when.age_from
    if age and first == birthday(dossier.birth, age):
        return Change(month, 0, "by_age", first, age)
    for key, (start, _, _) in _held(dossier, rule.when.has):
        if start == first:
            return Change(month, 0, "by_begin", first, key=key)
    return Change(month, 0, "by_other")
