"""The status codes the registry keeps, with the levels each may have."""

from collections.abc import Mapping
from types import MappingProxyType

STATUSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "without_nurture": frozenset(),
        "poor_household": frozenset(),
        "near_poor_household": frozenset(),
        "single_no_support": frozenset(),
        "single_parent": frozenset(),
        "disability": frozenset({"severe", "extremely_severe"}),
        "pension": frozenset(),
        "social_pension_request": frozenset(),
        "difficult_commune": frozenset(),
        "in_education": frozenset(),
        "hiv": frozenset(),
        "residential_care": frozenset(),
        "facility_eligible_in_community": frozenset(),
        "displaced": frozenset(),
        "veteran": frozenset(),
    }
)
"""Code → its levels; a code with levels needs one of them, a code without takes none."""
