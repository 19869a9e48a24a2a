"""The project's own files, as the architecture tests read them."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked or would be, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {name for name in listed.split("\0") if name}
    return tuple(sorted(Path(name) for name in names if (ROOT / name).is_file()))


def modules(folder: str) -> list[Path]:
    """Python files below a folder."""
    return [path for path in files() if path.is_relative_to(folder) and path.suffix == ".py"]
