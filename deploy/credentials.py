"""What a centre or a ministry needs to speak with an instance, as lines for a shell."""

import json
import shlex
import urllib.parse
import urllib.request
from collections.abc import Mapping

from deploy.instance import IDENTITY, SERVICES, Instance
from deploy.local import accounts

ADDRESSES = {
    "REGISTRY": "beneficiary-api",
    "BENEFITS": "benefits-api",
    "WORKFORCE": "workforce-api",
    "INSIGHTS": "insights-api",
}


def token(instance: Instance, username: str) -> str:
    """An access token of the instance's identity provider."""
    password = instance.credentials.account_passwords[username]
    if username in accounts.OFFICERS:
        form = {"grant_type": "password", "username": username, "password": password}
    else:
        form = {
            "grant_type": "client_credentials",
            "client_id": username,
            "client_secret": password,
        }
    body = urllib.parse.urlencode(form).encode()
    address = f"{instance.url(IDENTITY)}/token"
    with urllib.request.urlopen(address, body, timeout=10) as answer:  # noqa: S310 - loopback
        found: str = json.load(answer)["access_token"]
        return found


def settings_of(instance: Instance, kafka_user: str, account: str) -> dict[str, str]:
    """Settings by name for a principal: Kafka login, token, addresses of the services."""
    client = instance.client_environment(kafka_user)
    wanted = (
        *("HAMROH_KAFKA_BOOTSTRAP", "HAMROH_KAFKA_SECURITY"),
        *("HAMROH_KAFKA_USERNAME", "HAMROH_KAFKA_PASSWORD", "HAMROH_BUSINESS_TIME"),
    )
    return {
        **{name: client[name] for name in wanted if name in client},
        "HAMROH_TOKEN": token(instance, account),
        **{f"HAMROH_{name}_URL": instance.url(api) for name, api in ADDRESSES.items()},
    }


def exports(settings: Mapping[str, str]) -> str:
    """`export NAME=value` lines, quoted for a POSIX shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())


def of_region(instance: Instance, region: str) -> dict[str, str]:
    """What the centre system of a region is given."""
    return settings_of(instance, f"region.{region.lower()}", accounts.centre(region))


def of_ministry(instance: Instance) -> dict[str, str]:
    """What a ministry's dashboard is given."""
    return settings_of(instance, accounts.MINISTRY, accounts.MINISTRY)


def of_operator(instance: Instance) -> dict[str, str]:
    """What whoever runs the instance needs for `hamroh tick`."""
    workers = (instance.url(f"{service}-worker") for service in SERVICES)
    return {
        **settings_of(instance, "operator", "operator"),
        "HAMROH_WORKERS": ",".join(f"{url}/status" for url in workers),
    }
