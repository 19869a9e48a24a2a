"""What insights reads: every fact that counts, none that names anybody."""

from contracts.beneficiary import DuplicateSuspected, PersonRegistered
from contracts.benefits import (
    ApplicationDecided,
    CycleClosed,
    EntitlementStarted,
    PaymentOrdered,
    PaymentReturned,
    PaymentSettled,
)
from contracts.casework import CaseOpened
from contracts.notifications import MessageDelivered, MessageFailed
from contracts.workforce import DeploymentStarted
from services.insights import handlers
from services.runtime.routes import on
from services.runtime.worker import Worker

SUBSCRIPTIONS = (
    on("insights", "beneficiary.person.v1", {PersonRegistered: handlers.on_registered}),
    on("insights", "beneficiary.identity-review.v1", {DuplicateSuspected: handlers.on_suspected}),
    on("insights", "benefits.application.v1", {ApplicationDecided: handlers.on_decided}),
    on("insights", "benefits.entitlement.v1", {EntitlementStarted: handlers.on_entitled}),
    on(
        "insights",
        "benefits.payment.v1",
        {
            PaymentOrdered: handlers.on_ordered,
            PaymentSettled: handlers.on_settled,
            PaymentReturned: handlers.on_returned,
        },
    ),
    on("insights", "benefits.cycle.v1", {CycleClosed: handlers.on_cycle_closed}),
    on("insights", "casework.case.v1", {CaseOpened: handlers.on_case_opened}),
    on("insights", "workforce.worker.v1", {DeploymentStarted: handlers.on_deployed}),
    on(
        "insights",
        "notifications.message.v1",
        {MessageDelivered: handlers.on_message, MessageFailed: handlers.on_message},
    ),
)

worker = Worker("insights", SUBSCRIPTIONS)
