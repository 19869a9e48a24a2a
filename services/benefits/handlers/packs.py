"""Rule packs in force: each version is announced once."""

from collections.abc import Sequence
from typing import Final, Protocol, cast

from contracts.benefits import RulepackActivated
from contracts.values import derived_id
from services.benefits.handlers.law import programme_of
from services.benefits.programmes import unverified
from services.benefits.store import files
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome

LEGAL_BASIS_CHARS: Final = 200


class Terms(Protocol):
    """What handlers read of the service's settings."""

    programmes: tuple[str, ...]


async def unannounced(tx: Transaction) -> list[str] | None:
    """Programmes in force whose version was not announced; None if there are none."""
    known = await files.known_packs(tx.connection)
    found = [
        code
        for code in cast("Terms", tx.settings).programmes
        if (code, programme_of(code).pack.version) not in known
    ]
    return found or None


async def announce(tx: Transaction, codes: Sequence[str], _: object) -> list[Outcome]:
    """Publishes that versions of rule packs are law on this platform from today on."""
    outcomes: list[Outcome] = []
    for code in codes:
        pack = programme_of(code).pack
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
    return outcomes
