"""THE table of who may ask for what over HTTP. What stands not in here fails.

Everything is asked about a thing of VN-07. A role that is not named is refused (403); the named
ones get `own` for what lies in their regions, and `other` for what does not. `shows` names whose id
an answer about their own region must contain, and no other answer may.
"""

from dataclasses import dataclass

ROLES = (
    "centre",
    "registry_officer",
    "payments_preparer",
    "payments_approver",
    "case_worker",
    "supervisor",
    "ministry",
    "operator",
)
OWN = (("VN-07",), ("VN-01", "VN-07"))
FOREIGN = ((), ("VN-01",), ("VN-070",), ("VN-07-00694",), ("VN-0",))


@dataclass(frozen=True)
class Cell:
    """One operation: `roles` by comma (* is everybody, without a token, too)."""

    roles: str
    own: int = 200
    other: int = 200
    shows: str | None = None
    query: tuple[str, ...] = ()
    everywhere: bool = False
    """It is about numbers, not persons: every region sees all of it."""

    @property
    def open(self) -> bool:
        return self.roles == "*"

    @property
    def named(self) -> set[str]:
        return set(self.roles.split(","))


EVERY_DOOR = {
    "GET /openapi.json": Cell("*"),
    "HEAD /openapi.json": Cell("*"),
    "GET /health/live": Cell("*"),
    "GET /health/ready": Cell("*"),
}
OF_CENTRES = {
    "POST /claims": Cell("centre", 202, 403, shows="claim"),
    "GET /claims/{source}/{event_id}": Cell("centre", 200, 404, shows="thing"),
}
OFFICERS = "payments_preparer,payments_approver"
READERS = "ministry,payments_preparer,payments_approver,supervisor"
MATRIX: dict[str, dict[str, Cell]] = {
    "beneficiary": {
        **EVERY_DOOR,
        **OF_CENTRES,
        "GET /persons": Cell("registry_officer", shows="thing"),
        "GET /persons/{person_id}": Cell("registry_officer", 200, 404, shows="thing"),
        "GET /duplicates": Cell("registry_officer", shows="third"),
        "POST /duplicates/{pair_id}/resolution": Cell("registry_officer", 200, 404, shows="third"),
    },
    "benefits": {
        **EVERY_DOOR,
        "POST /cycles": Cell("payments_preparer", 200, 403, shows="cycle"),
        "GET /cycles": Cell(OFFICERS, shows="cycle", query=("region",)),
        "GET /cycles/{cycle_id}": Cell(OFFICERS, 200, 404, shows="cycle"),
        "POST /cycles/{cycle_id}/approvals": Cell("payments_approver", 200, 404, shows="cycle"),
        "POST /cycles/{cycle_id}/cancellation": Cell(OFFICERS, 200, 404, shows="cycle"),
        "GET /payments": Cell(OFFICERS, shows="thing", query=("cycle",)),
        "GET /entitlements": Cell(OFFICERS, shows="thing", query=("person_id",)),
        "GET /differences": Cell(OFFICERS, shows="third"),
        "GET /ledger/balances": Cell(OFFICERS, shows="region", query=("region", "month")),
    },
    "casework": {
        **EVERY_DOOR,
        "GET /cases": Cell("case_worker,supervisor", shows="thing"),
        "GET /cases/{case_id}": Cell("case_worker,supervisor", 200, 404, shows="thing"),
    },
    "workforce": {
        **EVERY_DOOR,
        **OF_CENTRES,
        "GET /workers": Cell("supervisor,operator", shows="thing"),
    },
    "notifications": {
        **EVERY_DOOR,
        "GET /messages": Cell(
            "case_worker,supervisor,operator", shows="thing", query=("recipient_id",)
        ),
    },
    "insights": {
        **EVERY_DOOR,
        "GET /": Cell("*"),
        "GET /live": Cell("*"),
        "GET /totals": Cell("*"),
        "GET /static": Cell("*", 307),
        "GET /indicators": Cell(READERS, everywhere=True, shows="region"),
        "GET /indicators.csv": Cell(READERS, everywhere=True, shows="region"),
    },
}
