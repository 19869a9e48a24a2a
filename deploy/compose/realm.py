"""The realm of Keycloak for the profile `sso`: our roles, invented officers, systems as clients.

A token says what `services/runtime/auth.py` asks of it: `roles` and `regions` as lists beside
`sub`, the audience of the services, and the type `at+jwt`. No password and no client secret is in
the file: Keycloak makes the secrets, and its administrator gives the officers their passwords.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from deploy.compose import FOLDER
from deploy.local import accounts
from services.runtime.settings import Settings

FILE: Final = FOLDER / "keycloak" / "hamroh-realm.json"
NAME: Final = "hamroh"
DESK: Final = "hamroh-desk"
"""The public client through which officers sign in."""
ACCESS_TOKEN_S: Final = 600
# A switch of each client since Keycloak 26.2: without it an access token is of the type JWT.
RFC9068: Final = {"access.token.header.type.rfc9068": "true"}


def document(regions: Sequence[str]) -> str:
    """The text of the realm's file."""
    return json.dumps(realm(regions), indent=2) + "\n"


def realm(regions: Sequence[str]) -> dict[str, Any]:
    """The realm as Keycloak imports it, for an instance with these regions."""
    codes = [region.upper() for region in regions]
    roles = sorted({role for held in accounts.OFFICERS.values() for role in held})
    systems: dict[str, tuple[str, list[str]]] = {accounts.MINISTRY: (accounts.MINISTRY, [])} | {
        accounts.centre(code): (accounts.CENTRE_ROLE, [code]) for code in codes
    }
    return {
        "realm": NAME,
        "enabled": True,
        "sslRequired": "external",
        "registrationAllowed": False,
        "bruteForceProtected": True,
        "accessTokenLifespan": ACCESS_TOKEN_S,
        "roles": {
            "realm": [{"name": role} for role in (*roles, accounts.MINISTRY, accounts.CENTRE_ROLE)]
        },
        # Without this Keycloak would drop an attribute that its profile does not know.
        "components": {"org.keycloak.userprofile.UserProfileProvider": [_profile()]},
        "clientScopes": [_scope(), _subject()],
        "clients": [_desk(), *(_system(name) for name in systems)],
        "users": [
            *(_user(name, held, codes) for name, held in accounts.OFFICERS.items()),
            *(
                _user(f"service-account-{name}", (role,), own) | {"serviceAccountClientId": name}
                for name, (role, own) in systems.items()
            ),
        ],
    }


def _user(name: str, roles: Sequence[str], regions: Sequence[str]) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        "realmRoles": list(roles),
        "attributes": {"regions": list(regions)},
    }


def _desk() -> dict[str, Any]:
    return _client(DESK) | {
        "publicClient": True,
        "standardFlowEnabled": True,
        "directAccessGrantsEnabled": False,
        "redirectUris": ["http://127.0.0.1/*"],
        "attributes": RFC9068 | {"pkce.code.challenge.method": "S256"},
    }


def _system(name: str) -> dict[str, Any]:
    return _client(name) | {
        "publicClient": False,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "attributes": RFC9068,
    }


def _client(name: str) -> dict[str, Any]:
    return {
        "clientId": name,
        "enabled": True,
        "protocol": "openid-connect",
        "defaultClientScopes": ["basic", NAME],
    }


def _scope() -> dict[str, Any]:
    """What the services ask of a token beyond its subject."""
    return {
        "name": NAME,
        "protocol": "openid-connect",
        "protocolMappers": [
            _mapper(
                "roles", "oidc-usermodel-realm-role-mapper", multivalued="true",
                **{"claim.name": "roles", "jsonType.label": "String"},
            ),
            _mapper(
                "regions", "oidc-usermodel-attribute-mapper", multivalued="true",
                **{"user.attribute": "regions", "claim.name": "regions",
                   "jsonType.label": "String"},
            ),
            _mapper(
                "audience", "oidc-audience-mapper",
                **{"included.custom.audience": Settings.model_fields["oidc_audience"].default},
            ),
        ],
    }  # fmt: skip


def _subject() -> dict[str, Any]:
    """An import replaces Keycloak's own scopes: `basic` is the one that gives `sub`."""
    return {
        "name": "basic",
        "protocol": "openid-connect",
        "protocolMappers": [_mapper("sub", "oidc-sub-mapper")],
    }


def _mapper(name: str, kind: str, **config: str) -> dict[str, Any]:
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "config": {**config, "access.token.claim": "true"},
    }


def _profile() -> dict[str, Any]:
    permissions = {"view": ["admin", "user"], "edit": ["admin"]}
    usual = ("username", "email", "firstName", "lastName")
    attributes = [
        *({"name": name, "permissions": permissions} for name in usual),
        {"name": "regions", "multivalued": True, "permissions": permissions},
    ]
    told = json.dumps({"attributes": attributes})
    return {
        "providerId": "declarative-user-profile",
        "config": {"kc.user.profile.config": [told]},
    }
