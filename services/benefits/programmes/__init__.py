"""The law as dated data: rule packs, and the pure engine that judges months by them.

Nothing here reads a clock, a file outside this package, or the network.
"""

from services.benefits.programmes.activation import activation_refusals, unverified
from services.benefits.programmes.entitlement import MonthlyEntitlement, Run, entitle, runs
from services.benefits.programmes.facts import Fact, Refused, refuse_facts
from services.benefits.programmes.loading import PACKS, digest, load_pack, read_pack
from services.benefits.programmes.pack import Finding, Pack
from services.benefits.programmes.statuses import StatusChange, facts_from_statuses

__all__ = [
    "PACKS",
    "Fact",
    "Finding",
    "MonthlyEntitlement",
    "Pack",
    "Refused",
    "Run",
    "StatusChange",
    "activation_refusals",
    "digest",
    "entitle",
    "facts_from_statuses",
    "load_pack",
    "read_pack",
    "refuse_facts",
    "runs",
    "unverified",
]
