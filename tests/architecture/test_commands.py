"""The front door has no dead target: what the Makefile, CI and the hooks start is there."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.architecture.tree import ROOT, files

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)
DOORS = [Path("Makefile"), Path(".ci/run"), Path(".pre-commit-config.yaml")]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_every_target_with_its_purpose() -> None:
    listed = make().stdout.splitlines()
    assert [line.split()[0] for line in listed] == TARGETS
    assert set(TARGETS) >= {"help", "setup", "demo", "up", "down", "status", "test", "check"}
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony == TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_what_to_do_for_a_target(target: str) -> None:
    assert make("--dry-run", target).returncode == 0


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_started_module_and_a_named_file_are_there(door: Path) -> None:
    text = (ROOT / door).read_text()
    for module in set(re.findall(r"-m ((?:deploy|services)[.a-z]*)", text)):
        folder = Path(module.replace(".", "/"))
        assert {folder / "__main__.py", folder.with_suffix(".py")} & set(files()), module
    for name in set(re.findall(r"\b(?:tests|contracts)/[a-z_/]+(?:\.py)?", text)):
        assert any(path.is_relative_to(name.rstrip("/")) for path in files()), name


def test_ci_makes_only_what_the_makefile_has() -> None:
    script = (ROOT / ".ci/run").read_text()
    made = re.findall(r"\bmake ([a-z-]+)", script)
    assert made == ["down", "check", "test", "demo", "test-containers"]
    assert set(made) <= set(TARGETS)
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script


def test_a_python_that_is_too_old_is_named_in_one_sentence(tmp_path: Path) -> None:
    # Given a machine whose only Python says that it is old
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    # When somebody sets the project up with it
    done = make(f"PYTHON={old}", f"BIN={tmp_path}/bin", f"VENV={tmp_path}", "setup")
    # Then one sentence says what is missing
    assert done.returncode != 0
    sentence = done.stderr.splitlines()[0]
    assert sentence.startswith("Hamroh needs Python 3.11 or newer: install python3.11")


def test_hooks_use_the_projects_own_tools() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = [hook for repository in hooks["repos"] for hook in repository["hooks"]]
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
    assert all(hook["entry"].startswith(".venv/bin/") for hook in entries)
