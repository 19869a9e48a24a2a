"""compose.yaml resolved as `docker compose config` does, for the few forms that it uses.

`tests/compose/test_project.py` holds it against the real command where that is installed.
"""

import re
from typing import Any

import yaml

from deploy.compose import COMPOSE_FILE
from deploy.compose.environment import VARIABLE


def resolved(environment: str) -> dict[str, Any]:
    """The file with the variables of an environment file; a `LookupError` names one that lacks."""
    values = dict(map(_variable, environment.strip().splitlines()))
    document: dict[str, Any] = _filled(yaml.safe_load(COMPOSE_FILE.read_text()), values)
    for service in document["services"].values():
        service["ports"] = [_port(port) for port in service.get("ports", [])]
        service["volumes"] = [_volume(volume) for volume in service.get("volumes", [])]
    return document


def _variable(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value[1:-1] if value.startswith("'") else value


def _filled(part: Any, values: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value, values) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in part]
    if not isinstance(part, str):
        return part

    def value_of(match: re.Match[str]) -> str:
        name, kind, default = match.groups()
        if values.get(name):
            return values[name]
        if kind == "?":
            raise LookupError(f"{name} is required")
        return default

    return VARIABLE.sub(value_of, part)


def _port(text: str) -> dict[str, str]:
    host_ip, published, target = text.split(":")
    return {"host_ip": host_ip, "published": published, "target": target}


def _volume(text: str) -> dict[str, Any]:
    source, target, *mode = text.split(":")
    kind = "bind" if source.startswith(".") else "volume"
    return {"type": kind, "source": source, "target": target, "read_only": mode == ["ro"]}
