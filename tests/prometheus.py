"""How a collector names our metrics for Prometheus, and which names an expression asks for."""

import re

SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}
_ASKED = re.compile(r'__name__=~"([^"]+)"|\b(hamroh_[a-z_]+)\b(?=[{\[ )])')


def translated(name: str, kind: str) -> set[str]:
    """The series of a metric: dots become underscores, counters end in `_total`.

    A unit in words is added unless the name ends with it, which ours do; one in braces never is.
    """
    return {f"{name.replace('.', '_')}{suffix}" for suffix in SUFFIXES[kind]}


def names_in(expression: str) -> set[str]:
    """The names, or patterns of names, that a PromQL expression asks for."""
    return {pattern or name for pattern, name in _ASKED.findall(expression)}
