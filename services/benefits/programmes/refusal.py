"""Why nothing is due: what keeps a person out of the groups they were decided for."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from services.benefits.programmes.days import birthday, first_day, last_day
from services.benefits.programmes.facts import Dossier, Fact
from services.benefits.programmes.plan import Plan, Rule
from services.benefits.programmes.stated import facts_behind, first_fact

MAX_REASONS: Final = 6
"""Reasons named in one explanation."""


class Reason(NamedTuple):
    """What keeps a person out of a group: a fact that is missing or speaks against, or the age."""

    group: str
    message: Literal["missing", "against", "too_young", "too_old"]
    key: str = ""
    age: int | None = None


def missing_reasons(
    plan: Plan, facts: Sequence[Fact], dossier: Dossier, month: int
) -> tuple[Reason, ...]:
    """For the groups that are nearest, what they lack.

    A special-category fact is named only where the person stated it or was decided for the group.
    """
    nearest: dict[str, tuple[Reason, ...]] = {}
    for rule in _considered(plan, facts, month):
        reasons = tuple(_reasons(plan, dossier, rule, month))
        held = nearest.get(rule.group)
        if reasons and (held is None or len(reasons) < len(held)):
            nearest[rule.group] = reasons
    fewest = min((len(reasons) for reasons in nearest.values()), default=0)
    found = [reason for reasons in nearest.values() if len(reasons) == fewest for reason in reasons]
    return tuple(found[:MAX_REASONS])


def _considered(plan: Plan, facts: Sequence[Fact], month: int) -> Iterator[Rule]:
    """Rules in force for the groups that decisions and applications name, else for all groups.

    Without a group named, rules that rest on special categories the person never spoke of are
    left out.
    """
    named = {fact.value for fact in facts if fact.name in {"decision", "application"}}
    stated = {fact.name for fact in facts}
    in_force = [
        rule
        for rule in plan.rules
        if not rule.converted and rule.first_month <= month <= rule.last_month
    ]
    decided = [rule for rule in in_force if {rule.group, rule.group.rstrip("abcd")} & named]
    yield from decided or (rule for rule in in_force if not _special(plan, rule) - stated)


def _special(plan: Plan, rule: Rule) -> set[str]:
    """The special-category facts a rule needs."""
    names = {key.partition("=")[0] for keys in rule.when.has for key in keys}
    return {name for name in names if (spec := plan.pack.fact(name)) and spec.special}


def _reasons(plan: Plan, dossier: Dossier, rule: Rule, month: int) -> Iterator[Reason]:
    when = rule.when
    if birthday(dossier.birth, when.age_from) > last_day(month):
        yield Reason(rule.group, "too_young", age=when.age_from)
    if when.age_to is not None and birthday(dossier.birth, when.age_to) < first_day(month):
        yield Reason(rule.group, "too_old", age=when.age_to)
    for keys in when.has:
        if not any(_holds(dossier, key, month) for key in keys):
            yield Reason(rule.group, "missing", _name(plan, dossier, keys[0], month))
    for keys in when.has_not:
        for key in keys:
            if _holds(dossier, key, month):
                yield Reason(rule.group, "against", _name(plan, dossier, key, month))


def _name(plan: Plan, dossier: Dossier, key: str, month: int) -> str:
    return next(facts_behind(plan, dossier, key, month), None) or first_fact(plan, key)


def _holds(dossier: Dossier, key: str, month: int) -> bool:
    return any(
        first <= last_day(month) and min(last, change) >= first_day(month)
        for first, last, change in dossier.spans.get(key, ())
    )
