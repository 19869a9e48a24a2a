"""Kafka's jars: exactly the pinned bytes, or nothing."""

import hashlib
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.faults import LocalStackError
from deploy.local.jars import Jar

GOOD = b"the pinned bytes"
JAR = Jar("org.example", "tool", "1.2", hashlib.sha256(GOOD).hexdigest())


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the repository serves next; nothing left means that it is out of reach."""
    answers: list[bytes] = []

    def download(jar: Jar, folder: Path) -> Path:
        if not answers:
            raise ConnectionError("no network")
        path = folder / jar.path
        path.parent.mkdir(parents=True)
        path.write_bytes(answers.pop(0))
        return path

    monkeypatch.setattr(jars, "download", download)
    return answers


def test_the_list_pins_each_artifact_once_and_names_no_host() -> None:
    text = jars.JARS_FILE.read_text()
    pinned = jars.pinned()

    assert len(pinned) == len({(jar.group, jar.name) for jar in pinned}) == 46
    assert "org.apache.kafka:kafka_2.13:4.3.1" in {jar.coordinate for jar in pinned}
    assert "://" not in text


def test_a_line_that_pins_nothing_is_refused() -> None:
    with pytest.raises(LocalStackError, match="pins nothing"):
        jars.pinned("# comment\norg.example:tool:1.2\n")


def test_a_jar_is_fetched_once(tmp_path: Path, served: list[bytes]) -> None:
    served.append(GOOD)

    assert jars.fetch([JAR], tmp_path) == 1
    assert jars.fetch([JAR], tmp_path) == 0
    assert (tmp_path / JAR.path).read_bytes() == GOOD


def test_a_jar_with_other_content_is_refused_and_not_kept(
    tmp_path: Path, served: list[bytes]
) -> None:
    served.append(b"something else")

    with pytest.raises(LocalStackError, match=r"org\.example:tool:1\.2 was refused"):
        jars.fetch([JAR], tmp_path)

    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_cached_jar_that_was_damaged_is_fetched_again(
    tmp_path: Path, served: list[bytes]
) -> None:
    cached = tmp_path / JAR.path
    cached.parent.mkdir(parents=True)
    cached.write_bytes(GOOD[:-1])
    served.append(GOOD)

    jars.fetch([JAR], tmp_path)

    assert cached.read_bytes() == GOOD


def test_without_a_network_the_missing_jar_is_named(tmp_path: Path, served: list[bytes]) -> None:
    assert not served

    with pytest.raises(LocalStackError, match=r"org\.example:tool:1\.2 could not be fetched"):
        jars.fetch([JAR], tmp_path)
