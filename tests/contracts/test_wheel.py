"""A regional centre installs the language alone: the wheel brings pydantic and nothing else."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")
PYDANTIC = {
    "annotated-types",
    "pydantic",
    "pydantic-core",
    "typing-extensions",
    "typing-inspection",
}
READ = """\
import sys
from pathlib import Path
from contracts.codec import Undecodable, decode_claim, encode
from contracts.values import person_id
raw = Path(sys.argv[1]).read_bytes()
claim = decode_claim(raw)
assert not isinstance(claim, Undecodable), claim
assert decode_claim(encode(claim)) == claim
print(claim.type, person_id(claim.source, claim.data.record_id))
"""


@pytest.mark.slow
def test_the_wheel_without_extras_brings_pydantic_alone_and_reads_a_claim(tmp_path: Path) -> None:
    # Given the project's wheel, built from a copy, and an empty environment
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if not name.startswith("tests/"):
            (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "source" / name)
    run(["build", "--wheel", "--quiet", "--out-dir", str(tmp_path)], tmp_path / "source")
    venv.create(tmp_path / "centre", with_pip=False)
    python = tmp_path / "centre/bin/python"
    # When a centre installs it without extras
    (wheel,) = tmp_path.glob("hamroh-*.whl")
    run(["pip", "install", "--quiet", "--python", str(python), str(wheel)], tmp_path)
    # Then it has pydantic with its own dependencies, and nothing besides
    listed = run(["pip", "freeze", "--python", str(python)], tmp_path)
    names = {line.partition("==")[0].partition(" @ ")[0] for line in listed.splitlines()}
    assert names == {"hamroh", *PYDANTIC}
    # And it reads and writes a claim, and derives the person's id
    example = ROOT / "contracts/examples/regional.beneficiary.person.registered.1.json"
    done = subprocess.run(
        [python, "-I", "-c", READ, example], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "regional.beneficiary.person.registered",
        "d985664c-ecb6-5da4-a037-bc8ba732f5c3",
    ]


def run(arguments: list[str], folder: Path) -> str:
    """What uv prints."""
    done = subprocess.run([UV, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
