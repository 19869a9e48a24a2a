"""The cache that makes Kafka start faster: made once, thrown away when in doubt, never needed."""

from pathlib import Path

import pytest

from deploy.local.aot import ENDED_CLEANLY, AotCache
from deploy.local.java import Java


@pytest.fixture
def cache(tmp_path: Path) -> AotCache:
    """Nothing made yet, on a Java that can make it."""
    return AotCache(tmp_path, Java(Path("java"), 25, "25.0.2"), "recipe", "one")


def made_by_the_jvm(cache: AotCache) -> None:
    assert f"-XX:AOTCacheOutput={cache.part}" in cache.options()
    cache.part.write_text("classes")


def test_the_first_run_makes_it_and_the_next_uses_it(cache: AotCache) -> None:
    assert cache.use() == []
    made_by_the_jvm(cache)

    cache.settle(ENDED_CLEANLY)

    assert f"-XX:AOTCache={cache.path}" in cache.options()
    assert cache.options() == cache.use()


@pytest.mark.parametrize("code", [1, -9])
def test_a_run_that_was_cut_short_leaves_none(cache: AotCache, code: int) -> None:
    made_by_the_jvm(cache)

    cache.settle(code)

    assert list(cache.folder.iterdir()) == []


def test_a_start_that_failed_with_it_costs_it_its_place(cache: AotCache) -> None:
    made_by_the_jvm(cache)
    cache.settle(ENDED_CLEANLY)

    cache.settle(1)

    assert cache.use() == []


def test_a_broker_killed_from_outside_does_not(cache: AotCache) -> None:
    made_by_the_jvm(cache)
    cache.settle(ENDED_CLEANLY)

    cache.settle(-9)

    assert cache.use() != []


def test_another_java_or_other_jars_have_their_own(cache: AotCache) -> None:
    newer = AotCache(cache.folder, Java(Path("java"), 25, "25.0.3"), "recipe", "one")
    other = AotCache(cache.folder, cache.java, "other recipe", "one")

    assert len({cache.path, newer.path, other.path}) == 3


def test_a_new_one_takes_the_place_of_the_old(cache: AotCache) -> None:
    other = AotCache(cache.folder, cache.java, "jars of last year", "two")
    made_by_the_jvm(other)
    other.settle(ENDED_CLEANLY)
    made_by_the_jvm(cache)

    cache.settle(ENDED_CLEANLY)

    assert list(cache.folder.iterdir()) == [cache.path]


def test_an_older_java_does_without(tmp_path: Path) -> None:
    assert AotCache(tmp_path, Java(Path("java"), 21, "21"), "recipe", "one").options() == []
