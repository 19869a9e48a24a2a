"""The locked dependencies are those of pyproject.toml."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

UV = Path(sys.executable).with_name("uv")
OPTIONS = (
    "--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header"
)
RUN = "--extra platform --extra local"
FILES = {
    "requirements.txt": RUN,
    "requirements-dev.txt": f"{RUN} --group dev --constraint requirements.txt",
}


def names(text: str) -> set[str]:
    return {line.split()[0] for line in text.splitlines() if line[:1].isalnum()}


def test_every_locked_package_carries_hashes_and_an_exact_version() -> None:
    for name in FILES:
        text = (ROOT / name).read_text()
        entries = [entry for entry in text.replace("\\\n", "").splitlines() if entry[:1].isalnum()]
        assert entries
        assert [
            entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry
        ] == []


def test_what_is_needed_to_run_is_locked_alike_for_the_tests() -> None:
    run, dev = (names((ROOT / name).read_text()) for name in FILES)
    assert run - dev == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_locking_anew_changes_nothing(name: str, tmp_path: Path) -> None:
    # Given the project's requirements and what they were locked to
    for copied in ("pyproject.toml", *FILES):
        shutil.copy(ROOT / copied, tmp_path)
    # When they are locked again, pins that still fit being kept
    command = [str(UV), "pip", "compile", "pyproject.toml", *OPTIONS.split(), *FILES[name].split()]
    done = subprocess.run(
        [*command, "--output-file", name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if "Failed to fetch" in done.stderr or "error sending request" in done.stderr:
        pytest.skip("no package index can be reached")
    # Then nothing differs
    assert done.returncode == 0, done.stderr
    assert (tmp_path / name).read_text() == (ROOT / name).read_text()
