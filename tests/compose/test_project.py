"""What `docker compose` itself makes of the file, where it is installed."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.compose import ComposeError
from deploy.compose.environment import fresh
from deploy.compose.project import Project, instance_of
from tests.compose.resolving import resolved

pytestmark = pytest.mark.containers

REGIONS = ("vn-07", "ua-26")
PROFILES = ("--profile", "observability", "--profile", "sso")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    environment = tmp_path / ".env"
    environment.write_text(fresh(REGIONS, {"HAMROH_REHEARSAL": "true", "KAFKA_PORT": "20001"}))
    return Project(environment)


def essence(service: dict[str, Any]) -> dict[str, Any]:
    """What the tests of the file read, in one form."""
    limits = service["deploy"]["resources"]["limits"]
    return {
        "command": service.get("command"),
        "environment": service.get("environment", {}),
        "needs": {need: how["condition"] for need, how in service.get("depends_on", {}).items()},
        "ports": [
            (port["host_ip"], str(port["published"]), str(port["target"]))
            for port in service.get("ports", [])
        ],
        "mounts": [volume["target"] for volume in service.get("volumes", [])],
        "confined": (service.get("read_only", False), service["cap_drop"], service["security_opt"]),
        "user": service.get("user"),
        "cpus": float(limits["cpus"]),
        "pids": limits["pids"],
        "restart": service["restart"],
    }


def test_the_tests_resolve_the_file_as_docker_does(project: Project) -> None:
    told = json.loads(project.run(*PROFILES, "config", "--format", "json"))["services"]
    read = resolved(project.environment.read_text())["services"]

    assert set(told) == set(read)
    for name, service in told.items():
        ours = read[name]
        if isinstance(ours.get("command"), str):
            ours["command"] = ours["command"].split()
        assert essence(service) == essence(ours), name


def test_a_project_is_an_instance(project: Project) -> None:
    instance = project.instance()

    services = resolved(project.environment.read_text())["services"]
    assert instance == instance_of(services)
    assert instance.rehearsal
    assert instance.kafka == "127.0.0.1:20001"


def test_what_docker_refuses_is_told_in_a_sentence(tmp_path: Path) -> None:
    empty = tmp_path / ".env"
    empty.touch()

    with pytest.raises(ComposeError, match=r"required variable \w+ is missing"):
        Project(empty).instance()
