"""What a platform holds in the end: totals to expect, and tables to compare between schedules.

Left out is what the order or the machine decides: surrogate keys, clock times, random keys, and
which of two suspected records came second (who was held, and when the hold began).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import asyncpg

TOTALS: Final = {
    "registered": "select count(*) from beneficiary.persons",
    "rejected": "select count(*) from beneficiary.inbox where outcome = 'rejected'",
    "suspected": "select count(*) from beneficiary.pairs",
    "deployed": "select count(*) from workforce.deployments",
    "entitled": "select count(*) from benefits.entitlements where phase = 'running'",
    "held": "select count(*) from benefits.entitlements where phase = 'held'",
    "ordered": "select count(*) from benefits.payments where state <> 'cancelled'",
    "ordered_minor": (
        "select coalesce(sum(amount_minor), 0) from benefits.payments where state <> 'cancelled'"
    ),
    "returned": "select count(*) from benefits.payments where state = 'returned'",
    "returned_minor": (
        "select coalesce(sum(amount_minor), 0) from benefits.payments where state = 'returned'"
    ),
    "closed": "select count(*) from benefits.cycles where state = 'closed'",
    "cases": "select count(*) from casework.cases",
    "assigned": "select count(*) from casework.cases where owner_id is not null",
    "messages": "select count(*) from notifications.messages where state <> 'queued'",
    "dead_letters": (
        "select (select count(*) from beneficiary.dead_letters)"
        " + (select count(*) from benefits.dead_letters)"
        " + (select count(*) from casework.dead_letters)"
        " + (select count(*) from workforce.dead_letters)"
        " + (select count(*) from notifications.dead_letters)"
        " + (select count(*) from insights.dead_letters)"
    ),
}
PAID_IN_MONTH: Final = """
select coalesce(sum(amount_minor), 0) from benefits.payments
where state <> 'cancelled' and month = $1
"""
"""Expected as `ordered_minor <month>`."""
TABLES: Final = {
    "persons": """
        select record_id, id, region, household_id, role, birth_date, sex, place, language
        from beneficiary.persons order by record_id""",
    "statuses": """
        select person_id, code, level, valid_from from beneficiary.person_statuses
        order by person_id, code, level, valid_from""",
    "pairs": """
        select least(person_a, person_b), greatest(person_a, person_b), outcome
        from beneficiary.pairs order by 1, 2""",
    "refused claims": """
        select id, code, path from beneficiary.inbox where outcome = 'rejected' order by id""",
    "deployments": """
        select deployment_id, worker_id, region, communities, languages, first_day, last_day
        from workforce.deployments order by deployment_id""",
    "applications": """
        select id, person_id, programme, outcome from benefits.applications order by id""",
    "entitlements": """
        select id, person_id, programme, component, currency, phase, payee_id
        from benefits.entitlements order by id""",
    "terms": """
        select entitlement_id, from_month, amount_minor, group_code, coefficient, standard_minor
        from benefits.terms order by entitlement_id, from_month""",
    "cycles": """
        select programme, region, month, number, currency, state, payments, amount_minor, digest
        from benefits.cycles order by region, month, number""",
    "payments": """
        select id, person_id, payee_id, month, component, amount_minor, currency, state, reason
        from benefits.payments order by id""",
    "journal": """
        select payment_id, posting, month, currency, amount_minor, debit, credit
        from benefits.transfers order by payment_id, posting""",
    "cases": """
        select payment_id, person_id, region, community, risk_level, state, owner_id is not null
        from casework.cases order by payment_id""",
    "messages": """
        select recipient_id, template, language, amount_minor, currency, month, channel, state
        from notifications.messages
        order by recipient_id, template, month, amount_minor, language""",
    "cube": """
        select measure, month, region, ward, sex, count, amount_minor from insights.cube
        where count <> 0 or amount_minor <> 0 order by measure, month, region, ward, sex""",
    "indicators": """
        select indicator, period, region, breakdown, count, amount_minor, suppressed
        from insights.indicators order by indicator, period, region, breakdown""",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One table's business content."""

    rows: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the rows in their order."""
        return hashlib.sha256("\n".join(self.rows).encode()).hexdigest()


@dataclass(slots=True)
class Observation:
    """What a platform held when a scenario had ended."""

    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One digest over all tables."""
        parts = [f"{name} {table.digest}" for name, table in sorted(self.tables.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def differences(self, other: "Observation") -> list[str]:
        """The tables that differ from another's, each with a row that only one of them has."""
        return [
            f"{name}: {len(table.rows)} rows against {len(theirs.rows)}; for one, "
            f"{min({*table.rows} ^ {*theirs.rows}, default='the order')}"
            for name, table in self.tables.items()
            if (theirs := other.tables[name]).digest != table.digest
        ]


async def observe(connection: asyncpg.Connection) -> Observation:
    """Reads every table."""
    seen = Observation()
    for name, query in TABLES.items():
        rows = await connection.fetch(query)
        seen.tables[name] = Table(tuple(" | ".join(map(str, row)) for row in rows))
    return seen


async def unmet(connection: asyncpg.Connection, expected: Mapping[str, int]) -> list[str]:
    """The expectations that do not hold, in sentences."""
    found = []
    for name, wanted in expected.items():
        total, _, month = name.partition(" ")
        query = PAID_IN_MONTH if month else TOTALS[total]
        held = int(await connection.fetchval(query, *([month] if month else [])))
        if held != wanted:
            found.append(f"{name} is {held:,}, not {wanted:,}")
    return found
