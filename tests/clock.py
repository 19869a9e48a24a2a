"""Business time, moved by an operator as in any rehearsal."""

import os
import subprocess
import sys
from pathlib import Path

from deploy import credentials
from deploy.local.plan import ROOT
from deploy.local.stack import Stack

PATIENCE_S = 240


def tick(stack: Stack, to: str) -> "subprocess.CompletedProcess[str]":
    """`hamroh tick` with an operator's credentials."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["hamroh", "tick", "--to", to],
        env={"PATH": path, **credentials.of_operator(stack.instance)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
