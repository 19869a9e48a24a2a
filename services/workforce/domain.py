"""Deployments of workers: what a region's claim means, and whether it may take effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts import places
from contracts.regional import WorkerDeployed
from contracts.values import derived_id, worker_id
from contracts.workforce import DeploymentStarted


@dataclass(frozen=True, slots=True)
class Deployment:
    """A worker serves communities of a region from a first to a last day, both included."""

    deployment_id: UUID
    worker_id: UUID
    region: str
    record_id: str
    """The region's own identifier of the worker."""
    communities: tuple[str, ...]
    languages: tuple[str, ...]
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Started:
    """The deployment takes effect."""

    deployment: Deployment


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same deployment took effect before: there is nothing to add."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The claim has no effect: a code, and the path of the field that is to blame."""

    code: str
    path: str


Verdict = Started | Repeated | Refused


def proposed(source: str, region: str, claim: WorkerDeployed) -> Deployment:
    """The deployment a claim speaks of; its ids follow from the region's own record id."""
    worker = worker_id(source, claim.record_id)
    return Deployment(
        derived_id(claim.first_day.isoformat(), "deployment", str(worker)),
        worker,
        region,
        claim.record_id,
        claim.communities,
        claim.languages,
        claim.first_day,
        claim.last_day,
    )


def fault(deployment: Deployment) -> Refused | None:
    """What is wrong with a deployment by itself.

    Its communities exist on its first or on its last day: codes may change while it lasts.
    """
    if deployment.last_day < deployment.first_day:
        return Refused("deployment.ends_before_it_starts", "data.last_day")
    first, last = deployment.first_day, deployment.last_day
    communities = places.in_force(deployment.region, first) | places.in_force(
        deployment.region, last
    )
    for position, community in enumerate(deployment.communities):
        if community in deployment.communities[:position]:
            return Refused("community.repeated", f"data.communities.{position}")
        if community not in communities:
            return Refused("community.unknown", f"data.communities.{position}")
    return None


def judge(
    proposals: Sequence[Deployment], held: Mapping[UUID, Sequence[Deployment]]
) -> list[Verdict]:
    """One verdict per proposal, in order; `held` are the deployments of each worker so far.

    Each verdict counts what the earlier ones started. A worker may be deployed again for other
    days; days that overlap are a second account of one deployment, which only an equal one may be.
    """
    known = {worker: [*deployments] for worker, deployments in held.items()}
    verdicts: list[Verdict] = []
    for proposal in proposals:
        own = known.setdefault(proposal.worker_id, [])
        verdicts.append(_verdict(proposal, own))
        if isinstance(verdicts[-1], Started):
            own.append(proposal)
    return verdicts


def _verdict(proposal: Deployment, own: Sequence[Deployment]) -> Verdict:
    refused = fault(proposal)
    if refused:
        return refused
    if proposal in own:
        return Repeated()
    if any(_overlap(proposal, other) for other in own):
        return Refused("record.already_registered", "data.record_id")
    return Started(proposal)


def _overlap(one: Deployment, other: Deployment) -> bool:
    return one.first_day <= other.last_day and other.first_day <= one.last_day


def started(deployment: Deployment) -> DeploymentStarted:
    """The fact that a deployment started."""
    return DeploymentStarted(
        worker_id=deployment.worker_id,
        deployment_id=deployment.deployment_id,
        region=deployment.region,
        communities=deployment.communities,
        languages=deployment.languages,
        first_day=deployment.first_day,
        last_day=deployment.last_day,
    )
