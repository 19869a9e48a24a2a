"""A ministry's own law: copies of packaged packs, edited as an official edits them."""

from pathlib import Path

from services.benefits.programmes.loading import pack_text

VERSION = 'version = "2025.7.1"'
LATER = (VERSION, 'version = "2026.10.1"')
NOW_LAST = 'source = "luatvietnam.vn 892-98399" },'
NEXT_RATE = (
    '{ from = 2026-10-01, value = "600000", law = "Decree 1/2026", verified = "yes",'
    ' source = "draft" },'
)
RAISED = (NOW_LAST, f"{NOW_LAST}\n  {NEXT_RATE}")
"""From October 2026 on the standard is 600,000."""


def edited(code: str, *changes: tuple[str, str]) -> str:
    text = pack_text(code)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def put(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file
