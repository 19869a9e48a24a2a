"""What casework listens to."""

from contracts.beneficiary import PersonRegistered
from contracts.benefits import PaymentReturned
from contracts.workforce import DeploymentStarted
from services.casework import handlers
from services.runtime.routes import on
from services.runtime.worker import Worker

SUBSCRIPTIONS = (
    on("casework", "beneficiary.person.v1", {PersonRegistered: handlers.on_registered}),
    on("casework", "workforce.worker.v1", {DeploymentStarted: handlers.on_deployed}),
    on("casework", "benefits.payment.v1", {PaymentReturned: handlers.on_returned}),
)

worker = Worker("casework", SUBSCRIPTIONS)
