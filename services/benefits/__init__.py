"""Benefits: who is entitled to what under the law, and money paid exactly as two officers approved.

owns: rule packs, applications, decisions, entitlements, cycles, payments, the ledger
consumes: beneficiary.person.v1, beneficiary.household.v1, beneficiary.identity-review.v1,
    beneficiary.contact.v1, beneficiary.key.v1
publishes: benefits.application.decided, benefits.entitlement.started,
    benefits.entitlement.adjusted, benefits.notice.issued, benefits.payment.ordered,
    benefits.payment.settled, benefits.payment.returned, benefits.cycle.closed,
    benefits.rulepack.activated
"""
