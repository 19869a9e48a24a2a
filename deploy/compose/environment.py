"""The variables of `compose.yaml`: what each means, and fresh secrets for an instance.

Optional ones are settings of the services (`HAMROH_…`, described where they are declared) and the
ports on loopback. Required ones are the regions and every secret.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic.fields import FieldInfo

from deploy.compose import COMPOSE_FILE
from deploy.instance import OTHER_USERS, ROLES, SERVICES, Credentials, database_roles, kafka_users
from deploy.local import accounts
from deploy.local.state import new_cluster_id, new_key, new_password
from services.benefits.settings import BenefitsSettings
from services.notifications.settings import NotificationsSettings
from services.runtime.settings import Settings

REGIONS: Final = "HAMROH_REGIONS"
VARIABLE: Final = re.compile(r"\$\{(\w+):([-?])([^}]*)\}")
KEYS: Final = {
    "PSEUDONYM_KEY": "pseudonym_key",
    "KEY_ENCRYPTION_KEY": "key_encryption_key",
    "DEAD_LETTER_KEY": "dead_letter_key",
}
INTRODUCTION: Final = """\
# The environment of `docker compose -f deploy/compose.yaml`; copied to `deploy/.env` and filled in.
# `make env` does both, with fresh random secrets.
# This file is made from the settings: `python -m deploy.compose example`.
"""


def fresh_credentials(regions: Sequence[str]) -> Credentials:
    """Random passwords and keys for everybody whom an instance with these regions knows."""
    return Credentials(
        kafka_admin=new_password(),
        kafka_users={user: new_password() for user in kafka_users(regions)},
        database_admin=new_password(),
        database_roles={role: new_password() for role in database_roles()},
        account_passwords={name: new_password() for name in accounts.usernames(regions)},
        **{name: new_key() for name in KEYS.values()},
    )


def required(regions: Sequence[str], credentials: Credentials) -> dict[str, str]:
    """Every variable without which the project does not start, by name."""
    users = credentials.kafka_users
    named = (*SERVICES, *OTHER_USERS)
    others = {user: password for user, password in users.items() if user not in named}
    return {
        REGIONS: ",".join(regions),
        "KAFKA_CLUSTER_ID": new_cluster_id(),
        "KAFKA_ADMIN_PASSWORD": credentials.kafka_admin,
        **{f"{user.upper()}_KAFKA_PASSWORD": users[user] for user in named},
        "REGION_KAFKA_USERS": json.dumps(others)[1:-1],
        "KEYCLOAK_ADMIN_PASSWORD": new_password(),
        "POSTGRES_PASSWORD": credentials.database_admin,
        **{
            f"{service}_{role}_DATABASE_PASSWORD".upper(): credentials.database_roles[
                f"{service}_{role}"
            ]
            for service in SERVICES
            for role in ROLES
        },
        **{name: str(getattr(credentials, key)) for name, key in KEYS.items()},
        "IDENTITY_ACCOUNTS": json.dumps(
            accounts.document(regions, credentials.account_passwords), separators=(",", ":")
        ),
    }


def fresh(regions: Sequence[str], more: Mapping[str, str]) -> str:
    """The text of an environment file for a new instance; `more` are further variables."""
    values = {**required(regions, fresh_credentials(regions)), **more}
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    """Compose takes what stands between single quotes as it is."""
    return f"'{value}'" if set(value) & set(' "{}$#') else value


def variables(mark: str) -> dict[str, str]:
    """Name → default of the variables of compose.yaml: `?` the required, `-` the optional ones."""
    found = VARIABLE.findall(COMPOSE_FILE.read_text(encoding="utf-8"))
    return {name: default for name, kind, default in found if kind == mark}


def port_names() -> list[str]:
    """The variables that choose a port on the loopback."""
    return [name for name in variables("-") if name.endswith("_PORT") and name not in SETTINGS]


def example() -> str:
    """The text of `.env.example`: every variable of compose.yaml with what it means."""
    offered = variables("-")
    settings = {name: default for name, default in offered.items() if name in SETTINGS}
    lines = [
        INTRODUCTION,
        "# Required. A password is letters, digits, - and _; a key is 32 random bytes in base64.",
    ]
    lines += [f"{name}={EXAMPLES.get(name, '')}" for name in variables("?")]
    lines += ["", "# Optional settings of the services."]
    for name, default in settings.items():
        lines.append(f"# {SETTINGS[name].description}")
        lines.append(f"#{name}={default or _default(SETTINGS[name])}")
    lines += [
        "",
        "# Optional: the folder of a ministry's rule packs, the tag of the image, loopback ports.",
    ]
    lines += [f"#{name}={default}" for name, default in offered.items() if name not in settings]
    return "\n".join(lines) + "\n"


def _default(told: FieldInfo) -> str:
    """A default as an environment file states it."""
    if told.default is None or isinstance(told.default, str):
        return told.default or ""
    return json.dumps(told.default)


SETTINGS: Final = {
    f"HAMROH_{name.upper()}": told
    for kind in (Settings, BenefitsSettings, NotificationsSettings)
    for name, told in kind.model_fields.items()
}
EXAMPLES: Final = {
    REGIONS: "vn-07",
    "REGION_KAFKA_USERS": """'"region.vn-07": "password"'""",
    "IDENTITY_ACCOUNTS": (
        """'[{"username":"operator","roles":["operator"],"regions":["VN-07"],"""
        """"grant":"password","password":"password"}]'"""
    ),
}
