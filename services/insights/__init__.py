"""What a ministry sees without seeing anyone: totals built from events, small cells hidden.

owns: the cube of counts and sums, published indicators, the dashboard
consumes: beneficiary.person.v1, beneficiary.identity-review.v1, benefits.application.v1,
    benefits.entitlement.v1, benefits.payment.v1, benefits.cycle.v1, casework.case.v1,
    workforce.worker.v1, notifications.message.v1
publishes: insights.indicator.published
"""
