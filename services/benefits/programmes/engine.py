"""The explaining evaluator: one person's months, each with the rows that pay it."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, cast

from services.benefits.programmes.days import ALWAYS, NEVER, birthday, pack_day
from services.benefits.programmes.derivation import conditions_hold, cut_at, holds_on
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.inputs import ConvertedInput
from services.benefits.programmes.plan import SCALE, Conditions, MemberRules, Plan, Rule
from services.benefits.programmes.spans import Span, both, months, outside

MAX_MEMORY: Final = 50_000
"""Combinations of rules remembered per pack."""
_ALL_TIME: Final[list[Span]] = [(ALWAYS, NEVER, NEVER)]


class Candidate(NamedTuple):
    """A rule that holds in a run of months.

    `weight` is in ten-thousandths; of a one-off row it is the sum of the month in minor units.
    """

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


Hits = tuple[Hit, ...]


class Verdict(NamedTuple):
    """What a run of months comes to; nothing is paid while suspended."""

    first_month: int
    last_month: int
    hits: Hits
    suspended: bool

    @property
    def total(self) -> int:
        """What is payable for each of the months, in minor units."""
        return 0 if self.suspended else sum(hit.amount for hit in self.hits)


def judge(plan: Plan, dossier: Dossier, first: int, last: int) -> list[Verdict]:
    """The months `first` to `last` of a derived dossier, as unbroken runs in order."""
    candidates = _candidates(plan, dossier, last, _ALL_TIME)
    if not candidates:
        return [Verdict(first, last, (), suspended=False)]
    due = _swept(plan, dossier, candidates, first, last)
    against = [span for key in plan.suspension for span in dossier.spans.get(key, ())]
    if not against:
        return due
    payable = _candidates(plan, dossier, last, outside(against), candidates)
    return _withheld(due, _swept(plan, dossier, payable, first, last))


def _withheld(due: list[Verdict], payable: list[Verdict]) -> list[Verdict]:
    """What is due laid beside what may be paid: months that may not be paid are suspended."""
    starts = sorted({verdict.first_month for verdict in (*due, *payable)})
    runs: list[Verdict] = []
    for start, after in pairwise((*starts, due[-1].last_month + 1)):
        owed = next(v for v in due if v.first_month <= start <= v.last_month)
        free = next(v for v in payable if v.first_month <= start <= v.last_month)
        suspended = bool(owed.hits) and not free.hits
        hits = owed.hits if suspended else free.hits
        _append(runs, Verdict(start, after - 1, hits, suspended))
    return runs


def _append(runs: list[Verdict], verdict: Verdict) -> None:
    """Add a run, or lengthen the last one where nothing changed."""
    if runs and runs[-1].hits == verdict.hits and runs[-1].suspended == verdict.suspended:
        runs[-1] = runs[-1]._replace(last_month=verdict.last_month)
    else:
        runs.append(verdict)


def _candidates(
    plan: Plan,
    dossier: Dossier,
    last: int,
    within: list[Span],
    recipients: Sequence[Candidate] | None = None,
) -> list[Candidate]:
    """Runs of months in which rules hold on a day `within`.

    `recipients` says who was due what for a conversion, where that is not the result itself.
    """
    found: list[Candidate] = []
    for rule in plan.always:
        _add(found, rule, dossier, within)
    by_key = plan.by_key
    for key in dossier.spans:
        rules = by_key.get(key)
        if rules is not None:
            for rule in rules:
                if rule.first_month <= last:
                    _add(found, rule, dossier, within)
    for item in plan.conversions:
        if pack_day(item.from_) >> 5 <= last:
            _convert(plan, dossier, item, found, recipients or found, within)
    return found


def _convert(
    plan: Plan,
    dossier: Dossier,
    item: ConvertedInput,
    found: list[Candidate],
    recipients: Sequence[Candidate],
    within: list[Span],
) -> None:
    year, _, month_of_year = item.month.partition("-")
    month = int(year) * 12 + int(month_of_year) - 1
    active = [c for c in recipients if c.first_month <= month <= c.last_month]
    if not active:
        return
    due = {hit.rule.group for hit in _paid(plan, dossier, active, month)}
    if due.isdisjoint(item.groups):
        return
    spans: tuple[Span, ...] = ((pack_day(item.from_), NEVER, NEVER),)
    for end in dossier.lapsed:
        if end >= spans[0][0]:
            spans = cut_at(spans, end)
    dossier.spans[item.name] = spans
    for rule in plan.rules:
        if rule.converted == item.name:
            _add(found, rule, dossier, within)
    del dossier.spans[item.name]


def _add(found: list[Candidate], rule: Rule, dossier: Dossier, within: list[Span]) -> None:
    """Add the runs of months in which a rule holds."""
    if rule.when.has_not or within is not _ALL_TIME:
        held = conditions_hold(rule.when, dossier, within)
    else:
        held = _held(rule.when, dossier)
    if held and rule.before:
        held = _not_before(rule, dossier, held)
    if not held:
        return
    law_from, law_to = rule.first_month, rule.last_month
    runs: Iterable[tuple[int, int, int]]
    if rule.members is not None:
        runs = _weighed(rule, rule.members, dossier, held)
    elif rule.row.kind == "one_off":
        runs = _one_offs(dossier, rule.row.amount, held)
    else:
        runs = [(start, end, SCALE) for start, end in months(held)]
    for start, end, weight in runs:
        if start <= law_to and end >= law_from:
            found.append(Candidate(max(start, law_from), min(end, law_to), rule, weight))


def _held(when: Conditions, dossier: Dossier) -> list[Span]:
    """As `conditions_hold`, quick where every input has one span."""
    birth = dossier.birth
    first = birthday(birth, when.age_from) if when.age_from else birth
    last = dossier.death
    change = NEVER if when.age_to is None else birthday(birth, when.age_to)
    for keys in when.has:
        held = _spans(dossier, keys)
        if len(held) != 1:
            return conditions_hold(when, dossier, _ALL_TIME) if held else []
        start, end, turn = held[0]
        first = start if start > first else first  # noqa: FURB136 - a call costs twice as much
        last = end if end < last else last  # noqa: FURB136 - same
        change = turn if turn < change else change  # noqa: FURB136 - same
    return [(first, last, change)] if first <= last and first < change else []


def _spans(dossier: Dossier, keys: tuple[str, ...]) -> tuple[Span, ...]:
    spans = dossier.spans
    if len(keys) == 1:
        return spans.get(keys[0], ())
    held: tuple[Span, ...] = ()
    for key in keys:
        if key in spans:
            held += spans[key]
    return held


def _not_before(rule: Rule, dossier: Dossier, held: list[Span]) -> list[Span]:
    """Without the days on which an earlier row of a `first` table holds."""
    for earlier in rule.before:
        taken = conditions_hold(earlier.when, dossier, [earlier.in_force])
        if taken:
            held = both(held, outside(taken))
    return held


def _weighed(
    rule: Rule, table: MemberRules, dossier: Dossier, held: list[Span]
) -> list[tuple[int, int, int]]:
    """Runs of months with the weight of the persons linked, of which the row takes its slice."""
    weights: list[tuple[int, int, int]] = []
    for span, other in dossier.links.get(table.link, ()):
        within = both(held, (span,))
        own = [
            (start, end, member.weight)
            for member in table.rules
            for start, end in months(conditions_hold(member.when, other, within))
        ]
        weights.extend(_folded(own, max))
    if rule.self_weight:
        own = [(start, end, rule.self_weight) for start, end in months(held)]
        weights.extend(_folded(own, max))
    return [
        (start, end, sliced)
        for start, end, weight in _folded(weights, sum)
        if (sliced := _slice(rule, weight)) > 0
    ]


def _slice(rule: Rule, weight: int) -> int:
    above = max(weight - rule.slice_from, 0)
    return above if rule.slice_to is None else min(above, rule.slice_to - rule.slice_from)


def _folded(
    runs: list[tuple[int, int, int]], fold: Callable[[Iterable[int]], int]
) -> list[tuple[int, int, int]]:
    """Overlapping runs of months folded into runs that do not overlap."""
    if len(runs) <= 1:
        return runs
    cuts = sorted({start for start, _, _ in runs} | {end + 1 for _, end, _ in runs})
    folded = []
    for start, after in pairwise(cuts):
        active = [weight for first, last, weight in runs if first <= start <= last]
        if active:
            folded.append((start, after - 1, fold(active)))
    return folded


def _swept(
    plan: Plan, dossier: Dossier, found: list[Candidate], first: int, last: int
) -> list[Verdict]:
    """The window's months with what is paid for each."""
    runs: list[Verdict] = []
    for start, end in _runs(plan, dossier, found, first, last):
        active = [c for c in found if c.first_month <= start <= c.last_month]
        hits = _paid(plan, dossier, active, start) if active else ()
        _append(runs, Verdict(start, end, hits, suspended=False))
    return runs


def _runs(
    plan: Plan, dossier: Dossier, found: list[Candidate], first: int, last: int
) -> Iterator[tuple[int, int]]:
    """The window cut wherever something may change."""
    cuts = {first, *plan.rate_cuts}
    for candidate in found:
        cuts.add(candidate.first_month)
        cuts.add(candidate.last_month + 1)
    for amounts in dossier.amounts.values():
        for start, end, _ in amounts:
            cuts.update((start >> 5, (end >> 5) + 1))
    starts = sorted([cut for cut in cuts if first <= cut <= last])
    for start, after in pairwise((*starts, last + 1)):
        yield start, after - 1


def _paid(plan: Plan, dossier: Dossier, active: list[Candidate], month: int) -> Hits:
    """What is paid of the rules that hold in a month; the same question is answered once."""
    if dossier.amounts:
        return _combined(plan, dossier, active, month)
    step = bisect_right(plan.rate_cuts, month)
    question = (step, tuple([(candidate.rule.index, candidate.weight) for candidate in active]))
    known = plan.memory.get(question)
    if known is None:
        if len(plan.memory) >= MAX_MEMORY:
            plan.memory.clear()
        known = plan.memory[question] = _combined(plan, dossier, active, month)
    return cast("Hits", known)


def _combined(plan: Plan, dossier: Dossier, active: list[Candidate], month: int) -> Hits:
    best: dict[str, Hit] = {}
    for candidate in active:
        hit = _hit(plan, dossier, candidate, month)
        held = best.get(hit.rule.group)
        if hit.amount > 0 and (held is None or _before(hit, held)):
            best[hit.rule.group] = hit
    for group in plan.pack.combination.exclusive:
        if group in best:
            return (best[group],)
    return _dearest(plan, best)


def _before(hit: Hit, other: Hit) -> bool:
    """Dearer first, of equals the row that stands first."""
    return (-hit.amount, hit.rule.index) < (-other.amount, other.rule.index)


def _dearest(plan: Plan, best: dict[str, Hit]) -> Hits:
    chosen: Hits = ()
    top = 0
    for choice, verified in zip(plan.pack.combination.choices, plan.verified_choices, strict=True):
        hits = []
        for part in choice.parts:
            hit: Hit | None = None
            for group in part:
                other = best.get(group)
                if other is not None and (hit is None or _before(other, hit)):
                    hit = other
            if hit is None:
                break
            hits.append(hit if verified else hit._replace(verified=False))
        else:
            total = sum(hit.amount for hit in hits)
            if total > top:
                chosen, top = tuple(hits), total
    return chosen


def _hit(plan: Plan, dossier: Dossier, candidate: Candidate, month: int) -> Hit:
    rule, weight = candidate.rule, candidate.weight
    verified = rule.row.verified == "yes"
    if rule.row.kind == "one_off":
        rate, weight = weight, SCALE
    elif rule.rate is None:
        rate = _value(dossier, rule.row.amount, month, max)
    else:
        dated = plan.rates[rule.rate]
        step = dated.highest_in(month)
        verified = verified and step.verified
        rate = max(step.amount, _value(dossier, dated.raised_by, month, max))
    amount = rate * rule.coefficient * weight
    if rule.row.less is not None:
        divisor = rule.row.less_divisor
        less = _value(dossier, rule.row.less, month, min) * SCALE * SCALE
        amount = max(0, rounded(amount * divisor - less, SCALE * SCALE * divisor))
    else:
        amount = rounded(amount, SCALE * SCALE)
    return Hit(rule, rule.coefficient * weight // SCALE, rate, amount, verified)


def _value(dossier: Dossier, name: str | None, month: int, best: Callable[[list[int]], int]) -> int:
    """The best value for the person of an amount fact on the days of a month; 0 without any."""
    found = [
        value
        for start, end, value in dossier.amounts.get(name or "", ())
        if start >> 5 <= month <= end >> 5
    ]
    return best(found) if found else 0


def _one_offs(dossier: Dossier, name: str | None, held: list[Span]) -> list[tuple[int, int, int]]:
    """The sums of the amounts that begin in a month, on days on which the row holds."""
    sums: dict[int, int] = {}
    for day, _, value in dossier.amounts.get(name or "", ()):
        if holds_on(held, day):
            sums[day >> 5] = sums.get(day >> 5, 0) + value
    return [(month, month, value) for month, value in sums.items()]


def rounded(numerator: int, denominator: int) -> int:
    """The quotient in whole minor units, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)
