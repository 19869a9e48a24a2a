"""No file names a package registry, a path of one machine, or work left undone."""

import re

import pytest

from tests.architecture.tree import ROOT, files

# A bar stands in each name, so that this file does not name what it looks for.
BARRED = (
    "py|pi.org",
    "python|hosted.org",
    "registry.npm|js",
    "npm|js.com",
    "ma|ven.org",
    "ma|ven.apache",
    "cra|tes.io",
    "proxy.go|lang",
    "deb.deb|ian",
)
HOSTS = [name.replace("|", "") for name in BARRED]
FOLDERS = ("work", "root", "home", "farm", "Users")
UNDONE = ("TO" + "DO", "FIX" + "ME", "Not" + "ImplementedError")
WRITTEN = (".py", ".md", ".sql", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".sh", ".html", "")


def texts() -> dict[str, str]:
    """Every file that is text, by its path."""
    found = {}
    for path in files():
        raw = (ROOT / path).read_bytes()
        if b"\0" not in raw and not raw.startswith(b"\x1f\x8b"):
            found[str(path)] = raw.decode("utf-8", "replace")
    return found


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_names_a_registry_host(host: str) -> None:
    assert [path for path, text in texts().items() if host in text] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    pattern = re.compile(rf"(?<![\w.$}}<>/-])/({'|'.join(FOLDERS)})/\w")
    assert [path for path, text in texts().items() if pattern.search(text)] == []


def test_no_work_is_left_undone_in_a_file() -> None:
    pattern = re.compile(rf"\b({'|'.join(UNDONE)})\b")
    own = {path: text for path, text in texts().items() if "static" not in path}
    assert [path for path, text in own.items() if pattern.search(text)] == []
