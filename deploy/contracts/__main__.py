"""`python -m deploy.contracts check | generate | publish | page`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contracts.codec import Undecodable, decode, decode_claim
from deploy.contracts import generated, page
from deploy.contracts.compatibility import gate
from deploy.contracts.published import Contract, current, publish, published, tampered

PAGE_FOLDER: Final = Path(__file__).resolve().parents[2] / ".local" / "contracts"


def read_today(contract: Contract) -> str | None:
    """Why today's codec refuses a published example; None if it reads it."""
    raw = json.dumps(contract.example).encode()
    answer = decode_claim(raw) if contract.kind == "claim" else decode(raw)
    return answer.code if isinstance(answer, Undecodable) else None


def check() -> int:
    """The gate: generated files are fresh, published ones untouched, nothing published breaks."""
    once, now = published(), current()
    faults = [
        f"contracts/{name} is stale: make contracts-generate" for name in generated.differing()
    ]
    faults += [f"contracts/published/{name} was altered" for name in tampered()]
    faults += [str(breach) for breach in gate(once, now, read_today)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print("A breaking change takes a new major version and an upcaster.", file=sys.stderr)
        return 1
    print(f"contracts: {len(now)} contracts keep what {len(once)} published revisions promised")
    return 0


def generate() -> int:
    """Writes schemas and AsyncAPI anew."""
    changed = generated.write()
    print("\n".join(changed) or "nothing changed")
    return 0


def freeze() -> int:
    """Publishes what is new or has grown; refuses while the gate is shut."""
    if published() and check():
        return 1
    print("\n".join(publish(current())) or "nothing to publish")
    return 0


def build_page() -> int:
    """Builds the page and says where it is."""
    print(page.build(PAGE_FOLDER).as_uri())
    return 0


COMMANDS: Final[dict[str, Callable[[], int]]] = {
    "check": check,
    "generate": generate,
    "publish": freeze,
    "page": build_page,
}


def main() -> int:
    """Runs one command; the exit code is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m deploy.contracts", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    return COMMANDS[parser.parse_args().command]()


if __name__ == "__main__":
    sys.exit(main())
