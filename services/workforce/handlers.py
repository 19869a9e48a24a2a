"""What workforce does with claims: load, decide, save, return."""

from collections.abc import Sequence
from typing import assert_never

from contracts.envelope import Envelope
from contracts.regional import WorkerDeployed
from services.runtime.database import Transaction
from services.runtime.routes import Accepted, Cause, Decided, Outcome, Rejected, region_of
from services.workforce import domain, store
from services.workforce.domain import Refused, Repeated, Started, Verdict


async def on_deployed(tx: Transaction, events: Sequence[Envelope[WorkerDeployed]]) -> list[Outcome]:
    """Answers every claim; what takes effect is published as `workforce.deployment.started`."""
    proposals = [
        domain.proposed(event.source, region_of(event) or "", event.data) for event in events
    ]
    sound = [proposal for proposal in proposals if domain.fault(proposal) is None]
    verdicts = domain.judge(proposals, await store.enlist(tx.connection, sound))
    started = [verdict.deployment for verdict in verdicts if isinstance(verdict, Started)]
    await store.save_deployments(tx.connection, started)
    return [
        outcome
        for event, verdict in zip(events, verdicts, strict=True)
        for outcome in _outcomes(event, verdict)
    ]


def _outcomes(event: Envelope[WorkerDeployed], verdict: Verdict) -> list[Outcome]:
    match verdict:
        case Started(deployment):
            return [Accepted(event), Decided(Cause.of(event), domain.started(deployment))]
        case Repeated():
            return [Accepted(event)]
        case Refused(code, path):
            return [Rejected(event, code, path)]
        case _:
            assert_never(verdict)
