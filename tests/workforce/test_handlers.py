from datetime import date

import pytest

from contracts.regional import WorkerDeployed
from contracts.values import region_source, worker_id
from contracts.workforce import DeploymentStarted
from services.runtime.routes import Accepted, Decided, Rejected
from services.workforce import store
from services.workforce.handlers import on_deployed
from tests.databases import Schema
from tests.events import NOW, claim

pytestmark = pytest.mark.stack


def deployed(
    record_id: str, *communities: str, last_day: date = date(2027, 8, 31)
) -> WorkerDeployed:
    return WorkerDeployed(
        record_id=record_id,
        communities=communities or ("00694", "00700"),
        languages=("vi", "hmn"),
        first_day=date(2026, 9, 1),
        last_day=last_day,
    )


async def test_every_claim_of_a_wave_is_answered_and_what_holds_is_published(
    schema: Schema,
) -> None:
    good, wrong, other = (
        claim(deployed("W1")),
        claim(deployed("W2", last_day=date(2026, 8, 1))),
        claim(deployed("W3", "03388"), region="VN-01"),
    )
    async with schema.transaction(NOW) as tx:
        outcomes = await on_deployed(tx, [good, wrong, other])
        workers = await store.page_workers(tx.connection, None, 10)
    assert [type(outcome) for outcome in outcomes] == [
        Accepted, Decided, Rejected, Accepted, Decided,
    ]  # fmt: skip
    assert outcomes[2] == Rejected(wrong, "deployment.ends_before_it_starts", "data.last_day")
    published = [one.payload for one in outcomes if isinstance(one, Decided)]
    assert all(isinstance(payload, DeploymentStarted) for payload in published)
    assert {worker: one[0].region for worker, one in workers.items()} == {
        worker_id(region_source("VN-07"), "W1"): "VN-07",
        worker_id(region_source("VN-01"), "W3"): "VN-01",
    }


async def test_a_repeated_record_is_accepted_and_a_different_one_refused(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        await on_deployed(tx, [claim(deployed("W1"))])
        again, differing = claim(deployed("W1")), claim(deployed("W1", last_day=date(2028, 1, 1)))
        outcomes = await on_deployed(tx, [again, differing])
        held = await store.page_workers(tx.connection, None, 10)
    assert outcomes == [
        Accepted(again),
        Rejected(differing, "record.already_registered", "data.record_id"),
    ]
    assert [len(deployments) for deployments in held.values()] == [1]


async def test_a_community_of_another_region_is_refused_with_its_place(schema: Schema) -> None:
    wrong = claim(deployed("W4", "00694", "03388"))
    async with schema.transaction(NOW) as tx:
        assert await on_deployed(tx, [wrong]) == [
            Rejected(wrong, "community.unknown", "data.communities.1")
        ]


async def test_a_wave_of_refusals_stores_nothing(schema: Schema) -> None:
    async with schema.transaction(NOW) as tx:
        outcomes = await on_deployed(tx, [claim(deployed("W9", last_day=date(2026, 8, 1)))])
        assert [type(outcome) for outcome in outcomes] == [Rejected]
        assert await store.page_workers(tx.connection, None, 10) == {}
