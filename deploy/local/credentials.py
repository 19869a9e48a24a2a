"""What a centre or a ministry needs to speak with an instance, as lines for a shell."""

import json
import shlex
import urllib.parse
import urllib.request
from collections.abc import Mapping

from deploy.local import accounts, kafka, plan
from deploy.local.stack import Stack


def token(stack: Stack, username: str) -> str:
    """An access token of the instance's identity provider."""
    password = stack.state.secrets.account_passwords[username]
    if username in accounts.OFFICERS:
        form = {"grant_type": "password", "username": username, "password": password}
    else:
        form = {
            "grant_type": "client_credentials",
            "client_id": username,
            "client_secret": password,
        }
    body = urllib.parse.urlencode(form).encode()
    address = f"{stack.plan.url(plan.IDENTITY)}/token"
    with urllib.request.urlopen(address, body, timeout=10) as answer:  # noqa: S310 - loopback
        found: str = json.load(answer)["access_token"]
        return found


def settings_of(stack: Stack, kafka_user: str, account: str) -> dict[str, str]:
    """Settings by name for a principal: Kafka login, token, addresses of the services."""
    addresses = {
        "REGISTRY": "beneficiary-api",
        "BENEFITS": "benefits-api",
        "WORKFORCE": "workforce-api",
        "INSIGHTS": "insights-api",
    }
    state = stack.state
    found = {
        "HAMROH_KAFKA_BOOTSTRAP": stack.plan.cluster.bootstrap("client"),
        "HAMROH_KAFKA_SECURITY": kafka.SECURITY,
        "HAMROH_KAFKA_USERNAME": kafka_user,
        "HAMROH_KAFKA_PASSWORD": state.secrets.kafka_users[kafka_user],
        "HAMROH_TOKEN": token(stack, account),
        **{f"HAMROH_{name}_URL": stack.plan.url(api) for name, api in addresses.items()},
    }
    if state.options.business_time is not None:
        found["HAMROH_BUSINESS_TIME"] = state.options.business_time.isoformat()
    return found


def exports(settings: Mapping[str, str]) -> str:
    """`export NAME=value` lines, quoted for a POSIX shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())


def of_region(stack: Stack, region: str) -> dict[str, str]:
    """What the centre system of a region is given."""
    return settings_of(stack, f"region.{region.lower()}", accounts.centre(region))


def of_ministry(stack: Stack) -> dict[str, str]:
    """What a ministry's dashboard is given."""
    return settings_of(stack, accounts.MINISTRY, accounts.MINISTRY)


def of_operator(stack: Stack) -> dict[str, str]:
    """What whoever runs the instance needs for `hamroh tick`."""
    workers = (stack.plan.url(f"{service}-worker") for service in plan.SERVICES)
    return {
        **settings_of(stack, "operator", "operator"),
        "HAMROH_WORKERS": ",".join(f"{url}/status" for url in workers),
    }
