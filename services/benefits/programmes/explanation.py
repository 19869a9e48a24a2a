"""A decision explained to the person: what, by which rule, from which facts, and what changes it.

It speaks of the facts of the rows that pay, and of groups the person was decided for; no other
special-category fact appears.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from services.benefits.programmes.changes import Change, next_change
from services.benefits.programmes.days import birthday, last_day, month_text, parse_month
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.engine import Hit, Verdict, judge, rounded
from services.benefits.programmes.facts import (
    Dossier,
    Fact,
    Refused,
    refuse_facts,
    resolve,
    standing,
)
from services.benefits.programmes.loading import plan_of
from services.benefits.programmes.pack import Pack
from services.benefits.programmes.plan import SCALE, Plan
from services.benefits.programmes.refusal import missing_reasons
from services.benefits.programmes.speech import NONE, Speaker, speaker
from services.benefits.programmes.stated import (
    Working,
    barring,
    lasting,
    leaves,
    stated_facts,
    workings,
)

SentenceKind = Literal[
    "result", "working", "part", "rule", "fact", "by_itself", "if_changed", "why_not", "appeal"
]


class Sentence(NamedTuple):
    """One sentence of an explanation, with what it is about."""

    kind: SentenceKind
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A month explained; `direction` is how its text runs."""

    language: str
    direction: str
    month: str
    pack: str
    pack_version: str
    total_minor: int
    currency: str
    verified: bool
    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """The sentences, one a line."""
        return "\n".join(sentence.text for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class _Case:
    """What an explanation is made from."""

    plan: Plan
    facts: tuple[Fact, ...]
    dossier: Dossier
    month: int
    speaker: Speaker


def explain(
    pack: Pack,
    facts: Sequence[Fact],
    month: str,
    language: str,
    known_at: date | None = None,
    people: Mapping[str, Sequence[Fact]] | None = None,
) -> Explanation | Refused:
    """Why a person is due what they are due for a month, by what was known at `known_at`.

    `KeyError` for a language that is not spoken here.
    """
    voice = speaker(language)
    plan = plan_of(pack)
    number = parse_month(month)
    if number is None or number < plan.first_month:
        return Refused("months", "bad_month", f"{pack.code} cannot answer for {month!r}")
    for refused in refuse_facts(pack, facts):
        return refused
    dossier = resolve(pack, facts, known_at, people)
    if isinstance(dossier, Refused):
        return dossier
    known = tuple(standing(pack, facts, known_at))
    case = _Case(plan, known, derive(plan, dossier), number, voice)
    (verdict,) = judge(plan, case.dossier, number, number)
    return Explanation(
        language,
        voice.direction,
        month_text(number),
        pack.code,
        pack.version,
        verdict.total,
        pack.currency,
        all(hit.verified for hit in verdict.hits),
        tuple(_sentences(case, verdict)),
    )


def _sentences(case: _Case, verdict: Verdict) -> Iterator[Sentence]:
    yield Sentence("result", _result(case, verdict))
    for working in workings(case.plan, case.dossier, case.month):
        yield Sentence("working", _working(case, working))
    for hit in verdict.hits:
        yield Sentence("part", _part(case, hit))
        yield from _rule(case, hit)
        yield from _facts(case, hit)
    if verdict.hits:
        yield Sentence("by_itself", _by_itself(case))
        yield from _if_changed(case, verdict)
    else:
        for reason in missing_reasons(case.plan, case.facts, case.dossier, case.month):
            group = case.speaker.group(case.plan.pack.code, reason.group)
            if reason.age is not None:
                text = case.speaker.say(reason.message, group=group, age=reason.age)
            else:
                fact = case.speaker.fact(reason.key)
                text = case.speaker.say(reason.message, group=group, fact=fact)
            yield Sentence("why_not", text)
    yield Sentence("appeal", case.speaker.say("appeal"))


def _result(case: _Case, verdict: Verdict) -> str:
    month = case.speaker.month(case.month)
    if not verdict.hits:
        return case.speaker.say("nothing", month=month)
    total = sum(hit.amount for hit in verdict.hits)
    amount = case.speaker.money(total, case.plan.pack.currency)
    return case.speaker.say("suspended" if verdict.suspended else "due", month=month, amount=amount)


def _working(case: _Case, working: Working) -> str:
    speaker, currency = case.speaker, case.plan.pack.currency
    per_head = rounded(working.total, working.heads * working.divisor)
    return speaker.say(
        "working",
        total=speaker.money(working.total, currency),
        heads=working.heads,
        divisor=working.divisor,
        per_head=speaker.money(per_head, currency),
        line=speaker.money(working.line, currency),
    )


def _part(case: _Case, hit: Hit) -> str:
    speaker, pack = case.speaker, case.plan.pack
    values = {
        "group": speaker.group(pack.code, hit.rule.group),
        "amount": speaker.money(hit.amount, pack.currency),
    }
    if hit.rule.rate is None:
        return speaker.say("part_amount", **values)
    values["rate"] = speaker.money(hit.rate, pack.currency)
    values["coefficient"] = speaker.factor(hit.coefficient)
    if hit.rule.row.less is None:
        return speaker.say("part_rate", **values)
    gross = hit.rate * hit.coefficient // SCALE
    values["less"] = speaker.money(gross - hit.amount, pack.currency)
    return speaker.say("part_rate_less", **values)


def _rule(case: _Case, hit: Hit) -> Iterator[Sentence]:
    pack, row = case.plan.pack, hit.rule.row
    values = {
        "row": row.id,
        "pack": pack.code,
        "version": pack.version,
        "law": case.speaker.law(row.law),
    }
    yield Sentence("rule", case.speaker.say("rule", **values))
    if not hit.verified:
        yield Sentence("rule", case.speaker.say("unverified"))


def _facts(case: _Case, hit: Hit) -> Iterator[Sentence]:
    """The facts the row rests on, as they were stated and by whom."""
    when = hit.rule.when
    if when.age_from or when.age_to is not None:
        yield Sentence("fact", case.speaker.say("age", age=_age(case)))
    if hit.rule.members is not None and hit.rule.coefficient:
        count = (hit.coefficient - hit.rule.self_weight) // hit.rule.coefficient
        if count > 0:
            yield Sentence("fact", case.speaker.say("counted", count=count))
    if hit.rule.converted:
        nothing = dict.fromkeys(("value", "since", "until", "source"), NONE)
        name = case.speaker.fact(hit.rule.converted)
        yield Sentence("fact", case.speaker.say("fact", fact=name, **nothing))
    for key in leaves(case.plan, case.dossier, hit.rule, case.month):
        for fact in stated_facts(case.facts, key, case.month):
            yield Sentence("fact", _fact(case, key, fact))


def _fact(case: _Case, key: str, fact: Fact) -> str:
    speaker = case.speaker
    spec = case.plan.pack.fact(fact.name)
    amount = spec is not None and spec.kind == "amount"
    return speaker.say(
        "fact",
        fact=speaker.fact(key),
        value=speaker.money(int(fact.value), case.plan.pack.currency) if amount else NONE,
        since=speaker.day(fact.valid_from) if fact.valid_from else NONE,
        until=speaker.day(fact.valid_to) if fact.valid_to else NONE,
        source=fact.source or NONE,
    )


def _age(case: _Case) -> int:
    end = min(last_day(case.month), case.dossier.death)
    age = (end >> 5) // 12 - (case.dossier.birth >> 5) // 12
    return age if birthday(case.dossier.birth, age) <= end else max(age - 1, 0)


def _by_itself(case: _Case) -> str:
    change = next_change(case.plan, case.dossier, case.month)
    if change is None:
        return case.speaker.say("stays")
    return _change(case, change)


def _change(case: _Case, change: Change) -> str:
    speaker = case.speaker
    values: dict[str, str | int] = {
        "month": speaker.month(change.month),
        "amount": speaker.money(change.total, case.plan.pack.currency),
    }
    if change.day is not None:
        values["day"] = speaker.day(change.day)
    if change.age is not None:
        values["age"] = change.age
    if change.key:
        values["fact"] = speaker.fact(change.key)
    return speaker.say(change.cause, **values)


def _if_changed(case: _Case, verdict: Verdict) -> Iterator[Sentence]:
    """What the person could report that would change the amount."""
    ends = [
        key
        for hit in verdict.hits
        for key in lasting(case.plan, case.dossier, hit.rule, case.month)
        if key.partition("=")[0] not in {"decision", "application"}
    ]
    begins = [
        key
        for hit in verdict.hits
        for key in barring(case.plan, hit.rule)
        if (spec := case.plan.pack.fact(key.partition("=")[0])) and not spec.special
    ]
    for message, keys in (("if_ends", ends), ("if_begins", begins)):
        for key in dict.fromkeys(keys):
            fact = case.speaker.fact(key)
            yield Sentence("if_changed", case.speaker.say(message, fact=fact))
