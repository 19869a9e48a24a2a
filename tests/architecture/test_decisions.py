"""Decision records are complete, numbered without a gap, and found by readers."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files

RECORDS = [path for path in files() if path.is_relative_to("docs/adr") and path.suffix == ".md"]
NUMBERED = [path for path in RECORDS if path.name != "README.md"]


def test_records_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in NUMBERED]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("record", NUMBERED, ids=lambda path: path.stem)
def test_a_record_says_its_status_and_what_was_not_chosen(record: Path) -> None:
    text = (ROOT / record).read_text()
    status = r"^Status: (accepted|superseded by \d{4}), \d{4}-\d{2}-\d{2}$"
    assert re.search(status, text, re.MULTILINE)
    assert re.search(r"^## Rejected$|\| instead of", text, re.MULTILINE)


@pytest.mark.parametrize("record", NUMBERED, ids=lambda path: path.stem)
def test_a_record_is_named_where_readers_look(record: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    assert str(record) in readme
