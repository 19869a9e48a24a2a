"""The packs other than VN-SA written by hand from the text of the law, day by day."""

from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction

from tests.benefits.programmes.lives import (
    DAY,
    Free,
    Life,
    Look,
    Paid,
    birthday,
    days_of,
    last_of,
    looks,
    month_of,
    suspended_or_not,
    term_end,
)

END = date(2040, 1, 1)


def half_up(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))


def runs_of(life: Life, name: str) -> list[tuple[date, date]]:
    """First and last days of unbroken runs of days on which a fact holds."""
    firsts = sorted({f.valid_from or date.min for f in life.statements(name)})
    firsts += sorted({last_of(f) + DAY for f in life.known if f.name == name and f.valid_to})
    found: list[tuple[date, date]] = []
    for day in sorted(firsts):
        if life.on((name, ()), day) and not (day > date.min and life.on((name, ()), day - DAY)):
            last = day
            while last < END and life.on((name, ()), last + DAY):
                last += DAY
            found.append((day, last))
    return found


# --- Ukraine, displaced persons -------------------------------------------------------------------


def ua_idp(life: Life, month: date) -> tuple[Paid, bool]:
    return suspended_or_not(life, lambda free: _idp(life, month, free))


def _idp(life: Life, month: date, free: Free) -> Paid:
    best = 0
    terms = _idp_terms(life)
    for look in filter(free, looks(month)):
        granted = any(look.within(*term) for term in terms)
        if granted and look.alive(life) and (month < date(2023, 9, 1) or not _rich(life, look.day)):
            dear = look.age(life) < 18 or look.has(life, ("disability", ()))
            cheap = look.age(life) >= 18 and look.lacks(life, ("disability", ()))
            best = max(best, 300_000 if dear else 0, 200_000 if cheap else 0)
    return {"allowance": best} if best else {}


def _rich(life: Life, day: date) -> bool:
    young = any(
        date.fromisoformat(f.value) <= day < birthday(date.fromisoformat(f.value), 5)
        for f in life.statements("vehicle_made_on")
    )
    owned = [f for name in ("property_bought", "bank_deposit") for f in life.on((name, ()), day)]
    return young or any(int(f.value) > 10_000_000 for f in owned)


def _idp_terms(life: Life) -> list[tuple[date, date, date]]:
    """First day, last day, and the day on which something ended the right."""
    over = [r for name in ("returned_home", "imprisoned") for r in runs_of(life, name)]
    over += [(first + 30 * DAY, last) for first, last in runs_of(life, "abroad")]
    over = [(first, last) for first, last in over if first <= last]
    found = []
    for applied in sorted({f.valid_from for f in life.statements("application") if f.valid_from}):
        if life.on(("displaced", ()), applied) and not any(a <= applied <= b for a, b in over):
            start = month_of(applied)
            last = term_end(max(start, date(2023, 8, 1)), 6)
            while last < END and _extended(life, last):
                last = term_end(last + DAY, 6)
            ended = min((first for first, _ in over if first > applied), default=date.max)
            found.append((start, last, ended))
    return found


def _extended(life: Life, day: date) -> bool:
    listed = life.on(("displaced", ()), day) and life.on(("listed_group", ()), day)
    incomes = [int(f.value) for f in life.on(("income_per_person", ()), day)]
    return bool(listed) and any(income <= 944_400 for income in incomes)


# --- Ukraine, basic social assistance -------------------------------------------------------------


def ua_bsa(life: Life, month: date) -> tuple[Paid, bool]:
    return suspended_or_not(life, lambda free: _bsa(life, month, free))


def _bsa(life: Life, month: date, free: Free) -> Paid:
    income = ("family_income_3_months", ())
    terms = [
        (month_of(f.valid_from), term_end(month_of(f.valid_from), 6))
        for f in life.statements("application")
        if f.valid_from and life.on(income, f.valid_from)
    ]
    shares: dict[int, int] = {}
    for look in filter(free, looks(month)):
        if any(look.within(*term) for term in terms) and look.has(life, income):
            shares[id(life)] = 10
            for member in look.linked(life, "member"):
                if look.alive(member):
                    share = _bsa_share(member, look)
                    shares[id(member)] = max(share, shares.get(id(member), 0))
    if not shares:
        return {}
    least = min(life.amounts_in("family_income_3_months", month))
    amount = half_up(Fraction(450_000 * sum(shares.values()), 10) - Fraction(least, 3))
    return {"assistance": amount} if amount > 0 else {}


def _bsa_share(member: Life, look: Look) -> int:
    disabled = look.has(member, ("disability_group", ("I", "II")))
    return 10 if look.age(member) < 18 or disabled else 7


# --- Uzbekistan, social register ------------------------------------------------------------------

LINES = (
    (date(2021, 1, 1), 440_000),
    (date(2022, 1, 1), 498_000),
    (date(2023, 7, 18), 568_000),
    (date(2024, 1, 20), 621_000),
    (date(2024, 4, 30), 648_000),
    (date(2025, 2, 4), 669_000),
    (date(2026, 1, 1), 715_000),
)
REFORM = date(2026, 2, 1)
BEFORE = (32_500_000, 25_000_000, 15_000_000, 10_000_000, 38_000_000)
AFTER = (36_000_000, 27_500_000, 16_500_000, 11_000_000, 42_000_000)


def uz_sr(life: Life, month: date) -> tuple[Paid, bool]:
    return suspended_or_not(life, lambda free: _register(life, month, free))


def _register(life: Life, month: date, free: Free) -> Paid:
    small, child, second, further, material = AFTER if month >= date(2025, 7, 1) else BEFORE
    best: Paid = {}
    counted: dict[int, set[int]] = {}
    childless = 0
    for look, shares in _register_looks(life, month, free):
        for member in look.linked(life, "member"):
            if look.alive(member) and look.age(member) < 18:
                first = small if look.age(member) < 3 else child
                _raise(best, "child_benefit_first", first * max(shares) // 100)
                for share in shares:
                    counted.setdefault(share, set()).add(id(member))
        if not any(_minor(member, look.day) for member in Look(look.day).linked(life, "member")):
            childless = max(childless, *shares)
    _pay_further(best, counted, second, further)
    alone = material * childless // 100
    return {"material_assistance": alone} if alone > sum(best.values()) else best


def _pay_further(best: Paid, counted: dict[int, set[int]], second: int, further: int) -> None:
    for share, children in counted.items():
        if len(children) > 1:
            _raise(best, "child_benefit_second", second * share // 100)
        if len(children) > 2:
            _raise(best, "child_benefit_further", (len(children) - 2) * further * share // 100)


def _register_looks(life: Life, month: date, free: Free) -> Iterator[tuple[Look, set[int]]]:
    """The looks at the holder alive in which some application pays, with the shares that do."""
    terms = _register_terms(life)
    for look in filter(free, looks(month)):
        shares = {share for *term, share in terms if look.within(*term)}
        if shares and look.alive(life):
            yield look, shares


def _minor(member: Life, day: date) -> bool:
    return member.alive(day) and member.age(day) < 18


def _raise(best: Paid, component: str, amount: int) -> None:
    best[component] = max(amount, best.get(component, 0))


def _register_terms(life: Life) -> list[tuple[date, date, int]]:
    """First day, last day and share in per cent of what each application opened."""
    found = []
    for fact in life.statements("application"):
        applied = fact.valid_from
        incomes = [int(f.value) for f in life.on(("family_income_3_months", ()), applied or END)]
        if applied is None or not incomes:
            continue
        band = _band(life, applied, incomes[-1])
        start = month_of(applied, 1 if applied.day <= 16 else 2)
        unable = life.on(("no_able_bodied_member", ()), applied)
        if band == 100 and (applied < REFORM or unable):
            found.append((start, term_end(start, 12), 100))
        elif band and applied >= REFORM:
            last = term_end(start, 6)
            while band == 100 and last < END and life.on(("formal_work", ()), last):
                last = term_end(last + DAY, 6)
            found.append((start, last, band))
    return found


def _band(life: Life, applied: date, income: int) -> int:
    """The share in per cent for an income of three months, by the highest line of the month."""
    line = max(
        amount
        for (first, amount), (after, _) in zip(LINES, (*LINES[1:], (date.max, 0)), strict=True)
        if any(first <= day < after for day in days_of(month_of(applied)))
    )
    members = Look(applied).linked(life, "member")
    heads = 1 + sum(member.alive(applied) for member in members)
    ratio = Fraction(income, 3 * heads * line * 100)
    return 100 if ratio <= 1 else 75 if ratio <= Fraction(5, 4) else 50 if 2 * ratio <= 3 else 0


# --- one-off aid, stipends ------------------------------------------------------------------------


def _one_offs(life: Life, name: str, month: date, free: Free) -> int:
    return sum(
        int(f.value)
        for f in life.statements(name)
        if f.valid_from and month_of(f.valid_from) == month
        if life.alive(f.valid_from) and free(Look(f.valid_from))
    )


def uz_ma(life: Life, month: date) -> tuple[Paid, bool]:
    aid = _one_offs(life, "aid_granted", month, lambda _: True)
    return ({"one_off_aid": aid} if aid else {}), False


def wf_st(life: Life, month: date) -> tuple[Paid, bool]:
    return suspended_or_not(life, lambda free: _stipend(life, month, free))


def _stipend(life: Life, month: date, free: Free) -> Paid:
    found = {}
    terms = []
    for fact in life.statements("deployed"):
        start = month_of(fact.valid_from or END)
        agreed = life.on(("term_months", ()), month_of(start, 1) - DAY)
        if agreed:
            terms.append((start, term_end(start, int(agreed[-1].value))))
    for look in filter(free, looks(month)):
        due = look.has(life, ("deployed", ())) and any(look.within(*term) for term in terms)
        agreed_amounts = life.amounts_in("agreed_stipend", month)
        if due and agreed_amounts:
            found["stipend"] = max(agreed_amounts)
    travel = _one_offs(life, "travel_settled", month, free)
    return {name: amount for name, amount in (*found.items(), ("travel", travel)) if amount}


BY_HAND: dict[str, Callable[[Life, date], tuple[Paid, bool]]] = {
    "UA-IDP": ua_idp,
    "UA-BSA": ua_bsa,
    "UZ-SR": uz_sr,
    "UZ-MA": uz_ma,
    "WF-ST": wf_st,
}
