"""The registry: who is known, where they live, what is recorded of them, and who may be the same.

owns: persons, households, statuses, suspected duplicates, sealed contacts and their keys
consumes: regional.<region>.beneficiary.v1
publishes: beneficiary.person.registered, beneficiary.status.changed, beneficiary.household.changed,
    beneficiary.duplicate.suspected, beneficiary.duplicate.resolved, beneficiary.contact.changed,
    beneficiary.key.issued
"""
