"""What workforce listens to."""

from contracts.regional import WorkerDeployed
from services.runtime.routes import on_claims
from services.runtime.worker import Worker
from services.workforce import handlers

SUBSCRIPTIONS = (on_claims("workforce", {WorkerDeployed: handlers.on_deployed}),)

worker = Worker("workforce", SUBSCRIPTIONS)
