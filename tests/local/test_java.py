"""The Java that Kafka runs on: the package's, or any from 17 on, or one sentence."""

from pathlib import Path

import pytest

from deploy.local import java
from deploy.local.faults import LocalStackError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the package and without any Java; its PATH is this folder."""
    monkeypatch.setattr(java, "_packaged", lambda: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, version: str) -> Path:
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return program


def test_the_locked_package_brings_one() -> None:
    found = java.find()

    assert found.major >= java.AOT_CACHE_FROM
    assert found.program.exists()


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("21", 21), ("25-ea", 25)])
def test_an_installed_one_will_do(machine: Path, version: str, major: int) -> None:
    program = install(machine, version)

    assert java.find() == java.Java(program, major, version)


@pytest.mark.parametrize("version", ["1.8.0_292", "11.0.2", "16"])
def test_one_that_is_too_old_is_refused(machine: Path, version: str) -> None:
    install(machine, version)

    with pytest.raises(LocalStackError, match="Kafka needs 17 or newer"):
        java.find()


def test_none_is_said_in_one_sentence(machine: Path) -> None:
    assert not list(machine.iterdir())

    with pytest.raises(LocalStackError, match="No Java was found: install the locked packages"):
        java.find()
