"""Faults and claims are drawn from a seed alone."""

from collections import Counter

from deploy.instance import SERVICES
from tests.chaos.claims import REGIONS, plan
from tests.chaos.schedule import SHARES, schedule


def test_the_same_seed_gives_the_same_faults_and_another_gives_others() -> None:
    assert schedule(7, 60) == schedule(7, 60)
    assert schedule(7, 60) != schedule(8, 60)


def test_sixty_faults_are_of_every_kind_in_its_share_and_hit_every_service() -> None:
    faults = schedule(7, 60)

    assert Counter(fault.kind for fault in faults) == SHARES
    assert {fault.service for fault in faults} == set(SERVICES)


def test_few_faults_are_of_different_kinds() -> None:
    assert len({fault.kind for fault in schedule(7, 6)}) == 6


def test_the_same_seed_gives_the_same_claims() -> None:
    assert plan(7, 500) == plan(7, 500)
    assert plan(7, 500) != plan(8, 500)


def test_claims_of_every_sort_go_both_ways_from_every_region() -> None:
    sends = plan(7, 2000)

    assert len(sends) == 2000
    assert {send.region for send in sends} == set(REGIONS)
    assert {(s.subject, s.channel) for s in sends} == {
        ("person", "kafka"),
        ("person", "http"),
        ("worker", "kafka"),
        ("worker", "http"),
    }
    # sound ones, spoilt ones, and such as contradict each other
    assert {send.sound for send in sends} == {True, False, None}
    # the same again, and other bytes under the same id
    names = Counter((send.source, send.claim_id) for send in sends)
    digests = Counter(
        (source, name)
        for source, name, _ in {(send.source, send.claim_id, send.digest) for send in sends}
    )
    assert any(many > digests[name] for name, many in names.items())
    assert max(digests.values()) == 2
