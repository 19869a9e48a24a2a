"""Each wall between modules holds: an import through it is caught, on a skeleton of the house."""

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.catalogue import SERVICES
from tests.architecture.tree import ROOT

LINT = Path(sys.executable).with_name("lint-imports")
MODULES = ("api", "worker", "settings", "handlers", "store", "domain", "aggregates")

THROUGH_A_WALL = {
    "the language imports a service": ("contracts/values.py", "services.benefits.domain"),
    "a service imports its deployment": ("services/benefits/api.py", "deploy"),
    "the runtime imports a service": ("services/runtime/broker.py", "services.casework.domain"),
    "a service imports another": ("services/casework/handlers.py", "services.benefits.domain"),
    "the store imports a handler": ("services/casework/store.py", "services.casework.handlers"),
    "a handler imports the worker": ("services/insights/handlers.py", "services.insights.worker"),
    "a handler imports a gateway": ("services/benefits/handlers.py", "services.benefits.gateways"),
    "the domain imports the store": ("services/benefits/domain.py", "services.benefits.store"),
    "the domain imports the runtime": ("services/benefits/domain.py", "services.runtime.broker"),
    "a fold imports a client": ("services/insights/aggregates.py", "httpx"),
    "a rule pack imports a driver": ("services/benefits/programmes.py", "asyncpg"),
    "a handler imports the driver": ("services/casework/handlers.py", "asyncpg"),
    "a worker imports the broker's client": ("services/casework/worker.py", "aiokafka"),
    "the runtime imports FastStream twice": ("services/runtime/outbox.py", "faststream"),
    "the command imports an admin client": ("services/cli.py", "confluent_kafka"),
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The smallest tree that has every wall, with the project's own rules."""
    for package in ("contracts", "deploy", "services", "services/runtime"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    for name in ("contracts/values", "services/cli", "services/runtime/broker"):
        (tmp_path / f"{name}.py").touch()
    for service in SERVICES:
        folder = tmp_path / "services" / service
        folder.mkdir()
        for module in ("__init__", *MODULES):
            (folder / f"{module}.py").touch()
    for name in ("benefits/gateways", "notifications/gateways", "benefits/programmes"):
        (tmp_path / f"services/{name}.py").touch()
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(text[text.index("[tool.importlinter]") :])
    return tmp_path


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT), "--no-logo", "--no-cache"]
    return subprocess.run(
        command, cwd=house, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=False
    )


def test_the_house_without_a_hole_passes(house: Path) -> None:
    done = lint(house)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("hole", THROUGH_A_WALL)
def test_an_import_through_a_wall_is_caught(house: Path, hole: str) -> None:
    path, imported = THROUGH_A_WALL[hole]
    (house / path).write_text(f"import {imported}\n")
    done = lint(house)
    assert done.returncode == 1
    importer = path.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {imported}" in done.stdout


def test_a_file_that_no_service_has_is_caught(house: Path) -> None:
    (house / "services/casework/repository.py").touch()
    done = lint(house)
    assert done.returncode == 1
    assert "repository" in done.stdout


def test_where_a_client_belongs_it_may_stand(house: Path) -> None:
    (house / "services/casework/store.py").write_text("import asyncpg\n")
    (house / "services/runtime/broker.py").write_text("import aiokafka\nimport faststream\n")
    assert lint(house).returncode == 0
