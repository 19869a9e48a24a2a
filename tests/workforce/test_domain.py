from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.regional import WorkerDeployed
from contracts.values import region_source, worker_id
from services.workforce.domain import (
    Deployment,
    Refused,
    Repeated,
    Started,
    judge,
    proposed,
    started,
)

SOURCE = region_source("VN-07")


def claim(
    record_id: str = "W001",
    first_day: date = date(2026, 9, 1),
    last_day: date = date(2027, 8, 31),
    communities: tuple[str, ...] = ("00694", "00700"),
) -> WorkerDeployed:
    return WorkerDeployed(
        record_id=record_id,
        communities=communities,
        languages=("vi", "hmn"),
        first_day=first_day,
        last_day=last_day,
    )


def proposal(**changes: object) -> Deployment:
    return proposed(SOURCE, "VN-07", claim(**changes))  # type: ignore[arg-type]


def test_a_new_worker_starts_under_the_id_that_the_region_can_derive() -> None:
    deployment = proposal()
    assert judge([deployment], {}) == [Started(deployment)]
    assert deployment.worker_id == worker_id(SOURCE, "W001")
    fact = started(deployment)
    assert (fact.worker_id, fact.region) == (deployment.worker_id, "VN-07")
    assert (fact.communities, fact.first_day) == (("00694", "00700"), date(2026, 9, 1))


def test_a_deployment_that_ends_before_it_starts_is_refused() -> None:
    wrong = proposal(last_day=date(2026, 8, 31))
    assert judge([wrong], {}) == [Refused("deployment.ends_before_it_starts", "data.last_day")]


def test_a_deployment_of_one_day_is_whole() -> None:
    one_day = proposal(last_day=date(2026, 9, 1))
    assert judge([one_day], {}) == [Started(one_day)]


def test_a_community_named_twice_is_refused_at_its_second_place() -> None:
    wrong = proposal(communities=("00694", "00700", "00694"))
    assert judge([wrong], {}) == [Refused("community.repeated", "data.communities.2")]


def test_the_same_deployment_again_adds_nothing() -> None:
    deployment = proposal()
    assert judge([deployment], {deployment.worker_id: [deployment]}) == [Repeated()]


@pytest.mark.parametrize(
    "changes",
    [
        {"communities": ("00694",)},
        {"last_day": date(2027, 9, 1)},
        {"first_day": date(2027, 8, 31), "last_day": date(2028, 8, 30)},
    ],
)
def test_another_account_of_days_already_taken_is_refused(changes: dict[str, object]) -> None:
    held = proposal()
    verdicts = judge([proposal(**changes)], {held.worker_id: [held]})
    assert verdicts == [Refused("record.already_registered", "data.record_id")]


@pytest.mark.parametrize(
    "community",
    ["99999", "03388", "02200"],
    ids=["of nowhere", "of another region", "merged into another in 2025"],
)
def test_a_community_that_the_region_has_on_neither_end_is_refused(community: str) -> None:
    wrong = proposal(communities=("00700", community))
    assert judge([wrong], {}) == [Refused("community.unknown", "data.communities.1")]


@pytest.mark.parametrize("community", ["00937", "02200"], ids=["of today", "of the first day"])
def test_a_deployment_over_a_reform_names_places_as_before_or_as_after(community: str) -> None:
    lasting = proposal(communities=(community,), first_day=date(2025, 1, 15))
    assert judge([lasting], {}) == [Started(lasting)]


def test_a_worker_may_be_deployed_again_from_the_day_after() -> None:
    held = proposal()
    again = proposal(first_day=date(2027, 9, 1), last_day=date(2028, 8, 31))
    assert judge([again], {held.worker_id: [held]}) == [Started(again)]
    assert again.worker_id == held.worker_id
    assert again.deployment_id != held.deployment_id


def test_two_claims_of_one_batch_are_judged_one_after_the_other() -> None:
    first, second = proposal(), proposal(communities=("00700",))
    assert judge([first, second, first], {}) == [
        Started(first),
        Refused("record.already_registered", "data.record_id"),
        Repeated(),
    ]


def test_the_same_record_id_of_two_regions_means_two_workers() -> None:
    other = proposed(region_source("VN-01"), "VN-01", claim(communities=("03388",)))
    assert other.worker_id != proposal().worker_id
    assert judge([proposal(), other], {}) == [Started(proposal()), Started(other)]


DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 1))
CLAIMS = st.builds(
    claim,
    record_id=st.sampled_from(["W1", "W2"]),
    first_day=DAYS,
    last_day=DAYS,
    communities=st.sampled_from([("00694",), ("00700",)]),
)


@given(st.lists(CLAIMS, max_size=20))
def test_whatever_is_claimed_no_worker_serves_twice_on_one_day(
    claims: list[WorkerDeployed],
) -> None:
    verdicts = judge([proposed(SOURCE, "VN-07", one) for one in claims], {})
    taken = [
        (verdict.deployment.worker_id, verdict.deployment.first_day + timedelta(days=day))
        for verdict in verdicts
        if isinstance(verdict, Started)
        for day in range((verdict.deployment.last_day - verdict.deployment.first_day).days + 1)
    ]
    assert len(verdicts) == len(claims)
    assert len(taken) == len(set(taken))
