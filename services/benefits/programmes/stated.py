"""From what a rule rests on back to the facts that people stated."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.benefits.programmes.analysis import references_of
from services.benefits.programmes.days import first_day, last_day, pack_day
from services.benefits.programmes.derivation import persons_counted
from services.benefits.programmes.facts import Dossier, Fact
from services.benefits.programmes.inputs import ComparedInput, LinkedInput, TermInput
from services.benefits.programmes.plan import Plan, Rule


def leaves(plan: Plan, dossier: Dossier, rule: Rule, month: int) -> tuple[str, ...]:
    """The facts (`disability=severe`) behind the inputs that a rule needs and that hold."""
    found: dict[str, None] = {}
    for keys in rule.when.has:
        for key in keys:
            if _overlaps(dossier, key, month):
                found.update(dict.fromkeys(facts_behind(plan, dossier, key, month)))
    for name in (rule.row.amount, rule.row.less):
        if name is not None:
            found[name] = None
    if rule.rate is not None and (raised := plan.rates[rule.rate].raised_by) in dossier.amounts:
        found[str(raised)] = None
    return tuple(found)


def lasting(plan: Plan, dossier: Dossier, rule: Rule, month: int) -> tuple[str, ...]:
    """Of the facts behind a rule those that must go on: a term asks for its own once, at first."""
    once = {
        fact
        for keys in rule.when.has
        for key in keys
        if isinstance(plan.inputs.get(key), TermInput)
        for fact in facts_behind(plan, dossier, key, month)
    }
    asked = {key for keys in rule.when.has for key in keys}
    found = leaves(plan, dossier, rule, month)
    return tuple(key for key in found if key not in once or key in asked)


def barring(plan: Plan, rule: Rule) -> Iterator[str]:
    """The facts that would end what a rule pays if they began."""
    for keys in rule.when.has_not:
        yield from (first_fact(plan, key) for key in keys)
    for keys in rule.when.has:
        for key in keys:
            item = plan.inputs.get(key)
            if isinstance(item, TermInput):
                yield from (first_fact(plan, ending) for ending in item.ends_by)


def facts_behind(plan: Plan, dossier: Dossier, key: str, month: int) -> Iterator[str]:
    """The fact keys that an input comes down to; a fact comes down to itself."""
    item = plan.inputs.get(key)
    if item is None:
        yield key
    elif isinstance(item, LinkedInput):
        yield plan.members[item.members].link
    else:
        for reference in references_of(item):
            for part in plan.keys(reference):
                if part in dossier.spans:
                    yield from facts_behind(plan, dossier, part, month)


def first_fact(plan: Plan, key: str) -> str:
    """The fact that an input asks for first, whether it is known or not."""
    item = plan.inputs.get(key)
    if isinstance(item, LinkedInput):
        return plan.members[item.members].link
    references = references_of(item) if item is not None else ()
    return first_fact(plan, references[0]) if references else key


class Working(NamedTuple):
    """How an income was compared: total, heads and divisor give it per head; the line it met."""

    total: int
    heads: int
    divisor: int
    line: int


def workings(plan: Plan, dossier: Dossier, month: int) -> Iterator[Working]:
    """The working of the newest application that an amount per head was compared for."""
    for item in plan.pack.inputs:
        if not isinstance(item, ComparedInput) or item.per is None:
            continue
        applied = [
            first
            for first, _, _ in dossier.spans.get("application", ())
            if first <= last_day(month)
        ]
        for first, last, amount in dossier.amounts.get(item.amount, ()):
            if applied and first <= applied[-1] <= last:
                line = plan.thresholds[item.parameter].highest_in(applied[-1] >> 5).amount
                heads = persons_counted(dossier, item.per, applied[-1])
                yield Working(amount, heads, item.divisor, line)
        return


def stated_facts(facts: Sequence[Fact], key: str, month: int) -> Iterator[Fact]:
    """The newest statement of a fact that reaches into or before a month."""
    name, _, value = key.partition("=")
    matching = [
        fact
        for fact in facts
        if fact.name == name
        and (not value or fact.value == value)
        and fact.value not in {"no", "none"}
        and (fact.valid_from is None or pack_day(fact.valid_from) <= last_day(month))
    ]
    reaching = [
        fact
        for fact in matching
        if fact.valid_to is None or pack_day(fact.valid_to) >= first_day(month)
    ]
    newest = sorted(reaching or matching, key=_newest)
    yield from newest[-1:]


def _newest(fact: Fact) -> tuple[str, str]:
    return str(fact.known_since or ""), str(fact.valid_from or "")


def _overlaps(dossier: Dossier, key: str, month: int) -> bool:
    return any(
        first <= last_day(month) and min(last, change) >= first_day(month)
        for first, last, change in dossier.spans.get(key, ())
    )
