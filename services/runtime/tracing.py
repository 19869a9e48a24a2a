"""Traces of what follows from what, across services (ADR 13).

A trace begins where a cause enters the platform; each service that works on it adds a span. The ids
are derived from the cause, so that a repetition writes the same bytes. Whether a trace is kept is
decided where it begins and travels with it.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

INTAKE: Final = "intake"
"""Who takes a claim by HTTP, before its service works on it."""
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def traceparent(actor: str, seed: str, parent: str | None, share: float) -> str:
    """What an actor's work on a cause is known by; what it decides carries it on.

    `parent` is the cause's own, None where a trace begins; `share` of those that begin are kept.
    """
    if parent is not None and not is_kept(parent):
        return parent
    trace_id = parent[3:35] if parent else _hex(seed)
    kept = parent is not None or int(trace_id[16:], 16) < share * 2**64
    span_id = _hex(f"{actor}\x1f{seed}")[:16]
    return f"00-{trace_id}-{span_id}-{kept:02x}"


def is_kept(traceparent: str) -> bool:
    """Whether somebody decided that its trace is kept."""
    return bool(int(traceparent[-2:], 16) & TraceFlags.SAMPLED)


def _hex(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def below(traceparent: str | None) -> Context:
    """Where a child of that span begins; where a trace begins if there is none that can be read."""
    return _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else Context()


def context_of(traceparent: str | None) -> SpanContext:
    """The span that a `traceparent` names; an invalid one if it names none."""
    return get_current_span(below(traceparent)).get_span_context()


@dataclass(slots=True)
class Step:
    """An actor's work on one cause."""

    traceparent: str
    parent: str | None
    name: str | None = None
    """What the cause is; None for one that no event brought."""
    link: str | None = None
    """What somebody outside says that the cause belongs to."""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What one transaction does, to be told once it is committed."""

    began_ns: int = field(default_factory=time.time_ns)
    facts: Counter[str] = field(default_factory=Counter)
    """By type."""
    steps: dict[str, Step] = field(default_factory=dict)
    """By seed of the cause; none where nothing is traced."""

    def step(self, actor: str, seed: str, parent: str | None, share: float) -> Step:
        """The work on a cause, noted once."""
        if seed not in self.steps:
            self.steps[seed] = Step(traceparent(actor, seed, parent, share), parent)
        return self.steps[seed]
