"""Rows as PostgreSQL takes them."""

from collections.abc import Sequence
from typing import Any


def columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns for `unnest`; `width` empty columns if there are none."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
