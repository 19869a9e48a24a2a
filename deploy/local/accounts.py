"""Invented officers and systems that the local identity provider knows.

The roles are those that the services ask for; passwords are random per instance and stand in
`state.json` under `account_passwords` and, for the provider, in `accounts.json`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

# username -> roles. Officers work for every region of the instance and sign in with a password.
OFFICERS: Final[Mapping[str, tuple[str, ...]]] = {
    "payments.preparer": ("payments_preparer",),
    "payments.approver.1": ("payments_approver",),
    "payments.approver.2": ("payments_approver",),
    "registry.officer": ("registry_officer",),
    "case.worker": ("case_worker",),
    "case.supervisor": ("supervisor",),
    "operator": ("operator",),
}
# Systems ask with their client credentials.
MINISTRY: Final = "ministry"
CENTRE_ROLE: Final = "centre"


def centre(region: str) -> str:
    """The client id of a region's centre system."""
    return f"centre-{region.lower()}"


def usernames(regions: Iterable[str]) -> list[str]:
    """Every account of an instance with these regions."""
    return [*OFFICERS, MINISTRY, *map(centre, regions)]


def document(regions: Iterable[str], passwords: Mapping[str, str]) -> list[dict[str, Any]]:
    """The identity provider's file of accounts."""
    codes = [region.upper() for region in regions]
    rows = [_account(name, roles, codes, "password") for name, roles in OFFICERS.items()]
    rows.append(_account(MINISTRY, (MINISTRY,), [], "client_credentials"))
    rows += [_account(centre(code), (CENTRE_ROLE,), [code], "client_credentials") for code in codes]
    return [{**row, "password": passwords[row["username"]]} for row in rows]


def _account(
    username: str, roles: tuple[str, ...], regions: list[str], grant: str
) -> dict[str, Any]:
    return {"username": username, "roles": roles, "regions": regions, "grant": grant}
