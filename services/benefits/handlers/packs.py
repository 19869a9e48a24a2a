"""Rule packs in force: each version is announced once, and everybody is judged by it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, cast
from uuid import UUID

from contracts.benefits import RulepackActivated
from contracts.values import derived_id
from services.benefits.handlers.judging import REVIEW
from services.benefits.handlers.law import programme_of
from services.benefits.programmes import Pack, pack_files, unverified
from services.benefits.store import files, people
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, DueTimer, Outcome
from services.runtime.timers import set_timers

LEGAL_BASIS_CHARS: Final = 200
REVIEW_EVERYBODY: Final = "review_everybody"
"""Timer: there is new law. By name it comes after `REVIEW`: those whom it has looked at again are
looked at before it goes on to others."""
REVIEWED_TOGETHER: Final = 500
NOBODY: Final = str(UUID(int=0))
"""Before the first person, in order of ids."""


class Terms(Protocol):
    """What handlers read of the service's settings."""

    programmes: tuple[str, ...]
    packs: Path | None


def _in_force(tx: Transaction) -> dict[str, Pack]:
    terms = cast("Terms", tx.settings)
    return {code: programme_of(code, terms.packs).pack for code in terms.programmes}


async def refusals(tx: Transaction) -> list[str]:
    """Why packs may not be law after what was announced: edited in place, or older; file, place."""
    law, places = _in_force(tx), pack_files(cast("Terms", tx.settings).packs)
    known = await files.known_packs(tx.connection)
    return [
        f"{places[code]}: {found.place}: {found.code}: {found.detail}"
        for (code, version), digest in known.items()
        if code in law and (digest or law[code].version != version)
        for found in law[code].out_of_turn(version, digest)
    ]


async def unannounced(tx: Transaction) -> list[str] | None:
    """Programmes in force whose version or digest is not kept yet; None if there are none."""
    known = await files.known_packs(tx.connection)
    found = [code for code, pack in _in_force(tx).items() if not known.get((code, pack.version))]
    return found or None


async def announce(tx: Transaction, codes: Sequence[str], _: object) -> list[Outcome]:
    """Publishes that versions of rule packs are law on this platform from today on."""
    outcomes: list[Outcome] = []
    law, seed = _in_force(tx), ""
    for code in codes:
        pack = law[code]
        if not await files.save_pack(
            tx.connection, code, pack.version, pack.digest, tx.business_date
        ):
            continue
        seed = str(derived_id(code, "rulepack", pack.version))
        fact = RulepackActivated(
            pack=code,
            pack_version=pack.version,
            valid_from=tx.business_date,
            legal_basis=pack.legal_basis[:LEGAL_BASIS_CHARS],
            digest=pack.digest,
            unconfirmed=len(unverified(pack)),
        )
        outcomes.append(Decided(Cause(seed, seed, seed, None), fact))
    if outcomes:
        await _review_after(tx, NOBODY, seed)
    return outcomes


async def review_everybody(tx: Transaction, timers: Sequence[DueTimer]) -> list[Outcome]:
    """There is new law: has everybody looked at again, some at a time."""
    after, law = UUID(timers[0].data["after"]), timers[0].data.get("law", "")
    found = await people.list_persons(tx.connection, after, REVIEWED_TOGETHER)
    reviews = [(str(who), tx.business_now, {"law": law}) for who in found]
    await set_timers(tx.connection, REVIEW, reviews)
    if found:
        await _review_after(tx, str(found[-1]), law)
    return []


async def _review_after(tx: Transaction, person: str, law: str) -> None:
    """A later version begins with the first person again, whoever was reached.

    `law` is the announcement that has everybody looked at again.
    """
    due = [("persons", tx.business_now, {"after": person, "law": law})]
    await set_timers(tx.connection, REVIEW_EVERYBODY, due)
