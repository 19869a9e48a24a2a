"""What the clients saw: each event sent, and whether it was taken, refused, or nobody knows."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.chaos.claims import Send

Outcome = Literal["ok", "fail", "unknown"]
"""As Jepsen has it: `ok` was confirmed, `fail` certainly has no effect, `unknown` may have one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event and what its sender was told, seconds since the beginning."""

    send: Send
    outcome: Outcome
    began_s: float
    ended_s: float
    attempts: int = 1


@dataclass(slots=True)
class History:
    """Everything that was sent."""

    entries: list[Entry] = field(default_factory=list)

    def note(self, entry: Entry) -> None:
        """Adds what a sender was told."""
        self.entries.append(entry)

    @property
    def sends(self) -> list[Send]:
        """What may have had an effect."""
        return [entry.send for entry in self.entries if entry.outcome != "fail"]

    def counts(self) -> Counter[str]:
        """How many of each outcome."""
        return Counter(entry.outcome for entry in self.entries)

    def write(self, path: Path) -> None:
        """One JSON document a line; of the claim only what names it."""
        path.write_text("".join(f"{json.dumps(row)}\n" for row in map(_row, self.entries)))


def _row(entry: Entry) -> dict[str, object]:
    send = entry.send
    return {
        "nth": send.nth,
        "source": send.source,
        "id": send.claim_id,
        "digest": send.digest,
        "channel": send.channel,
        "began_s": round(entry.began_s, 3),
        "ended_s": round(entry.ended_s, 3),
        "attempts": entry.attempts,
        "outcome": entry.outcome,
    }


def of(sends: Iterable[Send], outcome: Outcome = "ok") -> History:
    """A history in which all went the same way."""
    return History([Entry(send, outcome, 0.0, 0.0) for send in sends])
