"""The explaining evaluator: one person's months, each with the rows that pay it."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from services.benefits.programmes.days import NEVER, birthday, pack_day
from services.benefits.programmes.derivation import cut_at
from services.benefits.programmes.facts import Dossier, Span
from services.benefits.programmes.plan import SCALE, Conditions, Plan, Rule
from services.benefits.programmes.spans import both, months, outside


class Candidate(NamedTuple):
    """A rule that holds in a run of months; `weight` in ten-thousandths."""

    first_month: int
    last_month: int
    rule: Rule
    weight: int


class Hit(NamedTuple):
    """A rule that is paid for a month; `coefficient` in ten-thousandths, amounts in minor units."""

    rule: Rule
    coefficient: int
    rate: int
    amount: int
    verified: bool


class Verdict(NamedTuple):
    """What a run of months comes to; nothing is paid while suspended."""

    first_month: int
    last_month: int
    hits: tuple[Hit, ...]
    suspended: bool

    @property
    def total(self) -> int:
        """What is payable for each of the months, in minor units."""
        return 0 if self.suspended else sum(hit.amount for hit in self.hits)


def judge(plan: Plan, dossier: Dossier, first: int, last: int) -> list[Verdict]:
    """The months `first` to `last` of a derived dossier, as unbroken runs in order."""
    candidates = _candidates(plan, dossier, first, last)
    idle = _suspended_months(plan, dossier, first, last)
    if not candidates:
        return [Verdict(first, last, (), suspended=False)]
    verdicts: list[Verdict] = []
    for start, end in _runs(plan, dossier, candidates, idle, (first, last)):
        active = [c for c in candidates if c.first_month <= start <= c.last_month]
        hits = _paid(plan, dossier, active, start)
        suspended = bool(hits) and any(f <= start <= t for f, t in idle)
        previous = verdicts[-1] if verdicts else None
        if previous and previous.hits == hits and previous.suspended == suspended:
            verdicts[-1] = previous._replace(last_month=end)
        else:
            verdicts.append(Verdict(start, end, hits, suspended))
    return verdicts


def _candidates(plan: Plan, dossier: Dossier, first: int, last: int) -> list[Candidate]:
    found: list[Candidate] = []
    spans = dossier.spans
    for rule in plan.rules:
        if rule.first_month > last or rule.converted:
            continue
        for keys in rule.when.has:
            if not any(key in spans for key in keys):
                break
        else:
            found.extend(_rule_months(rule, dossier))
    for item, month in plan.conversions:
        if pack_day(item.from_) >> 5 <= last and found:
            active = [c for c in found if c.first_month <= month <= c.last_month]
            paid = {hit.rule.group for hit in _paid(plan, dossier, active, month)}
            if paid.intersection(item.groups):
                _convert(plan, dossier, item.name, pack_day(item.from_), found)
    return [c for c in found if c.first_month <= last and c.last_month >= first]


def _convert(plan: Plan, dossier: Dossier, name: str, start: int, found: list[Candidate]) -> None:
    spans: tuple[Span, ...] = ((start, NEVER, NEVER),)
    for end in dossier.lapsed:
        spans = cut_at(spans, end)
    dossier.spans[name] = tuple(span for span in spans if span[0] <= span[1])
    for rule in plan.rules:
        if rule.converted and name in rule.row.cells:
            found.extend(_rule_months(rule, dossier))
    del dossier.spans[name]


def _rule_months(rule: Rule, dossier: Dossier) -> list[Candidate]:
    held = _held(rule.when, dossier, [(0, NEVER, NEVER)])
    if not held:
        return []
    if rule.per:
        return _linked_months(rule, dossier, held)
    return [
        Candidate(max(start, rule.first_month), min(end, rule.last_month), rule, SCALE)
        for start, end in months(held)
        if start <= rule.last_month and end >= rule.first_month
    ]


def _held(when: Conditions, dossier: Dossier, within: list[Span]) -> list[Span]:
    """Where all conditions hold on one and the same day of the person's life."""
    birth = dossier.birth
    start = birthday(birth, when.age_from // 384) if when.age_from else birth
    change = NEVER if when.age_to is None else birthday(birth, when.age_to // 384)
    held = both(within, ((start, dossier.death, change),))
    for keys in when.has:
        if not held:
            return held
        if len(keys) == 1:
            held = both(held, dossier.spans.get(keys[0], ()))
        else:
            held = both(held, [span for key in keys for span in dossier.spans.get(key, ())])
    for keys in when.has_not:
        against = [span for key in keys for span in dossier.spans.get(key, ())]
        if against and held:
            held = both(held, outside(against))
    return held


def _linked_months(rule: Rule, dossier: Dossier, held: list[Span]) -> list[Candidate]:
    """One candidate per run of months with the same summed weight of the linked persons."""
    weights: list[tuple[int, int, int]] = []
    for first, last, other in dossier.links.get(rule.link, ()):
        within = both(held, ((first, last, NEVER),))
        own = [
            (start, end, member.weight)
            for member in rule.per
            for start, end in months(_held(member.when, other, within))
        ]
        weights.extend(_heaviest(own))
    return [
        Candidate(max(start, rule.first_month), min(end, rule.last_month), rule, weight)
        for start, end, weight in _summed(weights)
        if start <= rule.last_month and end >= rule.first_month
    ]


def _heaviest(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Runs of months of one person, of overlapping weights the greatest."""
    return _swept(runs, max)


def _summed(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Runs of months of several persons, overlapping weights added."""
    return _swept(runs, sum)


def _swept(
    runs: list[tuple[int, int, int]], fold: Callable[[Iterable[int]], int]
) -> list[tuple[int, int, int]]:
    if len(runs) <= 1:
        return runs
    cuts = sorted({start for start, _, _ in runs} | {end + 1 for _, end, _ in runs})
    swept = []
    for start, after in pairwise(cuts):
        active = [weight for first, last, weight in runs if first <= start <= last]
        if active:
            swept.append((start, after - 1, fold(active)))
    return swept


def _suspended_months(plan: Plan, dossier: Dossier, first: int, last: int) -> list[tuple[int, int]]:
    """Months without a day on which payment is not suspended."""
    against = [span for key in plan.suspension for span in dossier.spans.get(key, ())]
    if not against:
        return []
    idle = []
    month = first
    for start, end in months(outside(against)):
        if start > month:
            idle.append((month, start - 1))
        month = max(month, end + 1)
    if month <= last:
        idle.append((month, last))
    return idle


def _runs(
    plan: Plan,
    dossier: Dossier,
    found: Iterable[Candidate],
    idle: list[tuple[int, int]],
    window: tuple[int, int],
) -> Iterator[tuple[int, int]]:
    """The window cut wherever something may change."""
    first, last = window
    cuts = {first, *plan.rate_cuts}
    for candidate in found:
        cuts.update((candidate.first_month, candidate.last_month + 1))
    for start, end in idle:
        cuts.update((start, end + 1))
    for amounts in dossier.amounts.values():
        for start, end, _ in amounts:
            cuts.update((start >> 5, (end >> 5) + 1))
    starts = sorted(cut for cut in cuts if first <= cut <= last)
    for start, after in pairwise((*starts, last + 1)):
        yield start, after - 1


def _paid(plan: Plan, dossier: Dossier, active: list[Candidate], month: int) -> tuple[Hit, ...]:
    """What is paid of the rules that hold in a month."""
    if not active:
        return ()
    best: dict[str, Hit] = {}
    for candidate in active:
        hit = _hit(plan, dossier, candidate, month)
        held = best.get(hit.rule.group)
        if held is None or hit.amount > held.amount:
            best[hit.rule.group] = hit
    if len(best) == 1:
        return tuple(best.values())
    for group in plan.pack.combination.exclusive:
        if group in best:
            return (best[group],)
    return _dearest(plan, best)


def _dearest(plan: Plan, best: dict[str, Hit]) -> tuple[Hit, ...]:
    chosen: tuple[Hit, ...] = ()
    top = -1
    for choice in plan.choices:
        hits = []
        for part in choice:
            hit = max(
                (best[group] for group in part if group in best),
                key=lambda hit: (hit.amount, -hit.rule.index),
                default=None,
            )
            if hit is not None:
                hits.append(hit)
        total = sum(hit.amount for hit in hits)
        if total > top and hits:
            chosen, top = tuple(hits), total
    return chosen


def _hit(plan: Plan, dossier: Dossier, candidate: Candidate, month: int) -> Hit:
    rule = candidate.rule
    rate = plan.rates[rule.rate]
    step = rate.at(month)
    amount = step.amount
    if rate.raised_by and rate.raised_by in dossier.amounts:
        for start, end, value in dossier.amounts[rate.raised_by]:
            if start >> 5 <= month <= end >> 5:
                amount = max(amount, value)
    coefficient = rule.coefficient * candidate.weight // SCALE
    return Hit(
        rule,
        coefficient,
        amount,
        rounded(amount * coefficient, SCALE),
        rule.row.verified == "yes" and step.verified,
    )


def rounded(numerator: int, denominator: int) -> int:
    """The quotient in whole minor units, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)
