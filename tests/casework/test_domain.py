from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.casework.domain import (
    CASELOAD_CEILING,
    Case,
    Owner,
    Person,
    SupervisorPool,
    Worker,
    assign,
    assigned,
    case_id,
    for_returned_payment,
    opened,
)

NOW = datetime(2026, 9, 15, 2, 30, tzinfo=UTC)


def worker(
    number: int,
    *,
    active_cases: int = 0,
    communities: tuple[str, ...] = ("00694",),
    languages: tuple[str, ...] = ("vi",),
    region: str = "VN-07",
) -> Worker:
    return Worker(
        UUID(int=number), region, frozenset(communities), frozenset(languages), active_cases
    )


def case(
    number: int = 1, *, community: str = "00694", language: str = "vi", region: str = "VN-07"
) -> Case:
    person = Person(UUID(int=900 + number), f"{region}-{community}", language)
    return for_returned_payment(UUID(int=number), person, region, NOW)


def owners(*numbers: int) -> list[Owner]:
    return [Owner(UUID(int=number)) for number in numbers]


def test_a_returned_payment_calls_for_a_contact_in_a_week_and_an_answer_in_three_hours() -> None:
    one = case()
    fact = opened(one)
    assert (fact.risk_level, fact.setting) == ("low", "community")
    assert fact.contact_due_at == NOW + timedelta(days=7)
    assert assigned(one, Owner(UUID(int=1))).accept_due_at == NOW + timedelta(hours=3)


def test_one_payment_has_one_case_id_for_ever() -> None:
    assert case(1).case_id == case_id(UUID(int=1)) != case(2).case_id


def test_the_worker_of_the_community_comes_before_an_idle_one_elsewhere() -> None:
    workers = [worker(1, communities=("00700",)), worker(2, active_cases=24)]
    assert assign([case()], workers) == owners(2)


def test_a_full_worker_is_passed_over_for_one_of_another_community() -> None:
    workers = [worker(1, active_cases=CASELOAD_CEILING), worker(2, communities=("00700",))]
    assert assign([case()], workers) == owners(2)


def test_who_speaks_the_persons_language_comes_before_the_less_loaded() -> None:
    workers = [worker(1), worker(2, active_cases=3, languages=("vi", "hmn"))]
    assert assign([case(language="hmn")], workers) == owners(2)


def test_the_least_loaded_comes_first_and_ties_go_by_worker_id() -> None:
    assert assign([case()], [worker(1, active_cases=2), worker(2, active_cases=1)]) == owners(2)
    assert assign([case()], [worker(3), worker(2)]) == owners(2)


def test_each_assignment_of_a_wave_adds_to_the_load_that_the_next_one_sees() -> None:
    workers = [worker(1, active_cases=1), worker(2)]
    assert assign([case(n) for n in range(1, 6)], workers) == owners(2, 1, 2, 1, 2)


def test_a_wave_larger_than_all_room_ends_in_the_supervisors_pool() -> None:
    workers = [worker(1, active_cases=CASELOAD_CEILING - 1)]
    assert assign([case(1), case(2)], workers) == [*owners(1), SupervisorPool()]


def test_no_worker_of_another_region_is_asked() -> None:
    assert assign([case()], [worker(1, region="VN-08")]) == [SupervisorPool()]


def test_a_case_in_the_pool_says_so_and_names_nobody() -> None:
    fact = assigned(case(), SupervisorPool())
    assert (fact.worker_id, fact.role) == (None, "supervisor_pool")
    fact = assigned(case(), Owner(UUID(int=1)))
    assert (fact.worker_id, fact.role) == (UUID(int=1), "owner")


@pytest.mark.parametrize("residence", ["VN-08-00694", "VN-07"])
def test_a_person_who_lives_outside_the_paying_region_belongs_to_no_community(
    residence: str,
) -> None:
    person = Person(UUID(int=1), residence, "vi")
    one = for_returned_payment(UUID(int=2), person, "VN-07", NOW)
    workers = [worker(1, active_cases=1), worker(2, communities=("00700",))]
    assert assign([one], workers) == owners(2)


COMMUNITIES = ("00694", "00700", "00706")
WORKERS = st.lists(
    st.builds(
        worker,
        number=st.integers(1, 6),
        active_cases=st.integers(20, 27),
        communities=st.lists(st.sampled_from(COMMUNITIES), max_size=2).map(tuple),
        languages=st.sampled_from([("vi",), ("vi", "hmn")]),
        region=st.sampled_from(["VN-07", "VN-08"]),
    ),
    max_size=6,
    unique_by=lambda one: one.worker_id,
)
CASES = st.lists(
    st.builds(
        case,
        number=st.integers(1, 99),
        community=st.sampled_from(COMMUNITIES),
        language=st.sampled_from(["vi", "hmn"]),
    ),
    max_size=40,
)


@given(CASES, WORKERS, st.randoms(use_true_random=False))
def test_whatever_comes_the_ceiling_holds_and_nobody_is_pooled_while_there_is_room(
    cases: list[Case], workers: list[Worker], random: Random
) -> None:
    assignees = assign(cases, workers)
    taken = Counter(one.worker_id for one in assignees if isinstance(one, Owner))
    own = {one.worker_id: one for one in workers if one.region == "VN-07"}
    assert len(assignees) == len(cases)
    assert taken.keys() <= own.keys()
    assert all(own[who].active_cases + count <= CASELOAD_CEILING for who, count in taken.items())
    room = sum(max(0, CASELOAD_CEILING - one.active_cases) for one in own.values())
    assert taken.total() == min(room, len(cases))
    shuffled = random.sample(workers, len(workers))
    assert assign(cases, shuffled) == assignees
