"""What the registry takes: the claims of regional centres."""

from contracts.regional import PersonRegistered
from services.beneficiary import handlers
from services.runtime.routes import on_claims
from services.runtime.worker import Worker

SUBSCRIPTIONS = (on_claims("beneficiary", {PersonRegistered: handlers.on_registered}),)

worker = Worker("beneficiary", SUBSCRIPTIONS, prepare=handlers.prepare)
