"""Cases of people who need a visit, and which worker of the region goes there.

owns: cases
consumes: beneficiary.person.v1, benefits.payment.v1, workforce.worker.v1
publishes: casework.case.opened, casework.case.assigned
"""
