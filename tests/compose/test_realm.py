"""The realm of Keycloak gives tokens that open our doors to the right people.

Keycloak itself is not started here: its mappers are played by their documented meaning, and what
they give is signed and read by the services' own verifier.
"""

import json
import re
from typing import Any

import pytest

from deploy.compose.realm import FILE, document, realm
from deploy.local import accounts
from deploy.local.plan import ROOT
from services.runtime.auth import Principal
from tests.runtime.provider import Provider, claims, token

REALM = realm(("vn-07", "ua-26"))
CLIENTS = {client["clientId"]: client for client in REALM["clients"]}
SCOPES = {scope["name"]: scope for scope in REALM["clientScopes"]}


def given_by(mapper: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """The claims that a mapper adds to a user's access token."""
    config = mapper["config"]
    if config["access.token.claim"] != "true":
        return {}
    match mapper["protocolMapper"]:
        case "oidc-sub-mapper":
            return {"sub": user["username"]}
        case "oidc-audience-mapper":
            return {"aud": config["included.custom.audience"]}
        case "oidc-usermodel-realm-role-mapper":
            # Keycloak gives everybody some roles of its own besides.
            values = [*user["realmRoles"], "default-roles-hamroh"]
        case "oidc-usermodel-attribute-mapper":
            values = user["attributes"][config["user.attribute"]]
        case other:
            raise AssertionError(other)
    # One without `multivalued` writes the first alone.
    return {config["claim.name"]: values if config["multivalued"] == "true" else values[0]}


def token_of(user: dict[str, Any], client: dict[str, Any]) -> str:
    found: dict[str, Any] = {}
    for scope in client["defaultClientScopes"]:
        for mapper in SCOPES[scope]["protocolMappers"]:
            found |= given_by(mapper, user)
    # A claim that no mapper gives is missing, not left over from elsewhere.
    alone = {"sub", "aud", "roles", "regions"} - found.keys()
    assert alone == set()
    return claims(**found)


@pytest.mark.parametrize("user", REALM["users"], ids=lambda user: user["username"])
async def test_a_token_tells_who_with_which_roles_for_which_regions(user: dict[str, Any]) -> None:
    client = CLIENTS[user.get("serviceAccountClientId", "hamroh-desk")]

    principal = await Provider().verifier().verify(token_of(user, client))

    assert isinstance(principal, Principal)
    assert principal.roles == {*user["realmRoles"], "default-roles-hamroh"}
    assert principal.regions == tuple(user["attributes"]["regions"])


async def test_a_token_of_keycloaks_usual_type_would_open_nothing() -> None:
    usual = token(typ="JWT")

    assert not isinstance(await Provider().verifier().verify(usual), Principal)
    assert all(
        client["attributes"]["access.token.header.type.rfc9068"] == "true"
        for client in CLIENTS.values()
    )


def test_officers_and_systems_are_those_of_the_local_provider() -> None:
    names = accounts.usernames(("vn-07", "ua-26"))
    rows = accounts.document(("vn-07", "ua-26"), dict.fromkeys(names, "password"))
    local = {
        row["username"]: (set(row["roles"]), tuple(row["regions"]), row["grant"]) for row in rows
    }

    ours = {
        user.get("serviceAccountClientId", user["username"]): (
            set(user["realmRoles"]),
            tuple(user["attributes"]["regions"]),
            "client_credentials" if "serviceAccountClientId" in user else "password",
        )
        for user in REALM["users"]
    }

    assert ours == local


def test_every_role_that_a_door_asks_for_is_one_of_the_realm() -> None:
    known = {role["name"] for role in REALM["roles"]["realm"]}
    asked = {
        role
        for path in (ROOT / "services").rglob("*.py")
        for call in re.findall(r"requires\(([^()]*)\)", path.read_text())
        for role in re.findall(r'"(\w+)"', call)
    }

    assert asked
    assert asked <= known
    assert {role for user in REALM["users"] for role in user["realmRoles"]} == known


def test_a_region_is_given_by_the_administrator_alone() -> None:
    (provider,) = REALM["components"]["org.keycloak.userprofile.UserProfileProvider"]
    profile = json.loads(provider["config"]["kc.user.profile.config"][0])
    regions = {attribute["name"]: attribute for attribute in profile["attributes"]}["regions"]

    assert regions["permissions"]["edit"] == ["admin"]


def test_the_file_is_fresh_and_holds_no_secret() -> None:
    text = FILE.read_text()

    assert text == document(("vn-07",)), "python -m deploy.compose realm"
    assert not re.search(r"\"(secret|credentials|value)\"", text)
