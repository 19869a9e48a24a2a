"""The law as dated data: rule packs, and the pure engine that judges months by them.

Nothing here reads a clock or the network. Packs and their cases are read from this package and, if
one is named, from a ministry's folder: once in the life of a process.
"""

from services.benefits.programmes.activation import (
    activation_refusals,
    refuse_folder,
    unverified,
)
from services.benefits.programmes.entitlement import MonthlyEntitlement, Run, entitle, runs
from services.benefits.programmes.facts import Fact, Refused, refuse_facts
from services.benefits.programmes.loading import (
    PACKS,
    PackRefused,
    digest,
    load_pack,
    pack_files,
    read_pack,
)
from services.benefits.programmes.pack import Finding, Pack
from services.benefits.programmes.statuses import StatusChange, facts_from_statuses

__all__ = [
    "PACKS",
    "Fact",
    "Finding",
    "MonthlyEntitlement",
    "Pack",
    "PackRefused",
    "Refused",
    "Run",
    "StatusChange",
    "activation_refusals",
    "digest",
    "entitle",
    "facts_from_statuses",
    "load_pack",
    "pack_files",
    "read_pack",
    "refuse_facts",
    "refuse_folder",
    "runs",
    "unverified",
]
