"""The pages for centres and ministries say what works: their commands are run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.plan import ROOT
from deploy.local.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.local]

BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def script_of(page: Path, stack: Stack) -> str:
    """Every block of a page in order, as one shell script against the stack of the tests."""
    lines = ["set -euo pipefail"]
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "bash":
            lines.append(
                text.replace(
                    "deploy.local credentials",
                    f"deploy.local credentials --directory {stack.folder.path}",
                )
            )
        else:
            lines.append(f"python - <<'PYTHON'\n{text}PYTHON")
    return "\n".join(lines)


@pytest.mark.parametrize("page", ["regional-centres.md", "ministries.md"])
def test_the_commands_of_a_page_work(page: str, stack: Stack, tmp_path: Path) -> None:
    # given an empty folder and a shell that finds our commands
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    # when somebody types what the page says
    done = subprocess.run(
        ["bash", "-c", script_of(ROOT / "docs" / page, stack)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    # then every command succeeds
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
