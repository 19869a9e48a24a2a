"""Facts of benefits: decisions, entitlements, notices, payments, cycles, rule packs."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from contracts.envelope import Fact
from contracts.values import (
    C0,
    C1,
    C2,
    C3,
    AmountMinor,
    Code,
    Count,
    CurrencyCode,
    Month,
    RegionCode,
    ShortText,
    Text,
)

PackCode = Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
"""A programme's rule pack: `VN-SA`."""

Coefficient = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$")]
"""A decimal multiplier as text: no binary fraction ever holds it."""


class ApplicationDecided(Fact):
    """A person was judged under a programme."""

    type_name: ClassVar[str] = "benefits.application.decided"

    application_id: Annotated[UUID, C1]
    person_id: Annotated[UUID, C1]
    programme: Annotated[PackCode, C0]
    outcome: Annotated[Literal["approved", "refused", "waitlisted", "deferred"], C3]
    reasons: Annotated[tuple[Code, ...], Field(max_length=20), C3]
    rulepack_version: Annotated[ShortText, C0]
    decided_on: Annotated[date, C3]
    due_on: Annotated[date, C3]


class EntitlementStarted(Fact):
    """A monthly amount is due to a person from a month on."""

    type_name: ClassVar[str] = "benefits.entitlement.started"

    entitlement_id: Annotated[UUID, C1]
    person_id: Annotated[UUID, C1]
    payee_id: Annotated[UUID, C1]
    programme: Annotated[PackCode, C0]
    group: Annotated[ShortText, C3]
    coefficient: Annotated[Coefficient, C3]
    standard_minor: Annotated[AmountMinor, C0]
    amount_minor: Annotated[AmountMinor, C3]
    currency: Annotated[CurrencyCode, C0]
    from_month: Annotated[Month, C3]


class EntitlementAdjusted(Fact):
    """The monthly amount of an entitlement changed."""

    type_name: ClassVar[str] = "benefits.entitlement.adjusted"

    entitlement_id: Annotated[UUID, C1]
    person_id: Annotated[UUID, C1]
    old_amount_minor: Annotated[AmountMinor, C3]
    new_amount_minor: Annotated[AmountMinor, C3]
    currency: Annotated[CurrencyCode, C0]
    from_month: Annotated[Month, C3]
    reason: Annotated[Code, C3]


class NoticeIssued(Fact):
    """Tell a payee something; names no group, status or diagnosis."""

    type_name: ClassVar[str] = "benefits.notice.issued"

    notice_id: Annotated[UUID, C1]
    payee_id: Annotated[UUID, C1]
    template: Annotated[Code, C1]
    amount_minor: Annotated[AmountMinor, C2]
    currency: Annotated[CurrencyCode, C0]
    month: Annotated[Month, C2]
    reason: Annotated[Code, C2]


class PaymentOrdered(Fact):
    """A payment was approved by two officers and posted to the ledger."""

    type_name: ClassVar[str] = "benefits.payment.ordered"

    payment_id: Annotated[UUID, C1]
    entitlement_id: Annotated[UUID, C1]
    person_id: Annotated[UUID, C1]
    payee_id: Annotated[UUID, C1]
    cycle_id: Annotated[UUID, C1]
    month: Annotated[Month, C2]
    component: Annotated[Code, C2]
    amount_minor: Annotated[AmountMinor, C2]
    currency: Annotated[CurrencyCode, C0]
    residence_region: Annotated[RegionCode, C2]


class PaymentSettled(Fact):
    """The bank booked a payment (camt.054)."""

    type_name: ClassVar[str] = "benefits.payment.settled"

    payment_id: Annotated[UUID, C1]
    entitlement_id: Annotated[UUID, C1]
    person_id: Annotated[UUID, C1]
    month: Annotated[Month, C2]
    amount_minor: Annotated[AmountMinor, C2]
    currency: Annotated[CurrencyCode, C0]
    settled_at: Annotated[AwareDatetime, C2]
    provider_sequence: Annotated[Count, C1]


class PaymentReturned(Fact):
    """The bank rejected a payment or sent it back: it stays returned."""

    type_name: ClassVar[str] = "benefits.payment.returned"

    payment_id: Annotated[UUID, C1]
    entitlement_id: Annotated[UUID, C1]
    person_id: Annotated[UUID, C1]
    month: Annotated[Month, C2]
    amount_minor: Annotated[AmountMinor, C2]
    currency: Annotated[CurrencyCode, C0]
    reason: Annotated[ShortText, C2]
    """The bank's own code (ISO 20022 external reason, e.g. `AC04`)."""
    provider_sequence: Annotated[Count, C1]


class CycleClosed(Fact):
    """Every payment of a cycle is booked or returned."""

    type_name: ClassVar[str] = "benefits.cycle.closed"

    cycle_id: Annotated[UUID, C1]
    month: Annotated[Month, C0]
    programme: Annotated[PackCode, C0]
    region: Annotated[RegionCode, C0]
    currency: Annotated[CurrencyCode, C0]
    ordered: Annotated[Count, C0]
    ordered_minor: Annotated[AmountMinor, C0]
    settled: Annotated[Count, C0]
    settled_minor: Annotated[AmountMinor, C0]
    returned: Annotated[Count, C0]
    returned_minor: Annotated[AmountMinor, C0]


class RulepackActivated(Fact):
    """A version of a rule pack is law on this platform from a day on."""

    type_name: ClassVar[str] = "benefits.rulepack.activated"

    pack: Annotated[PackCode, C0]
    pack_version: Annotated[ShortText, C0]
    valid_from: Annotated[date, C0]
    legal_basis: Annotated[Text, C0]
    digest: Annotated[ShortText, C0]
    unconfirmed: Annotated[int, C0, Field(ge=0)] = 0
    """Rules whose source is unconfirmed; above 0 in rehearsals alone."""
