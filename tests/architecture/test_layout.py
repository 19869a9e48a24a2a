"""The same file names in every service, and no other."""

import re
from pathlib import Path

import pytest

from contracts.catalogue import SERVICES
from tests.architecture.tree import files, modules

EVERYWHERE = {"__init__", "api", "worker", "settings", "handlers", "store", "aggregates", "domain"}
ONLY_IN = {
    "gateways": {"benefits", "notifications"},
    "programmes": {"benefits"},
    "web": {"insights"},
}
LANGUAGE = {
    "__init__",
    "values",
    "envelope",
    "regional",
    "platform",
    "catalogue",
    "codec",
    "places",
}
NO_NOUNS = {"utils", "util", "helpers", "helper", "common", "base", "misc"}


def parts_of(folder: str) -> set[str]:
    """The names directly below a folder: modules without their suffix, packages, folders."""
    below = [path.relative_to(folder) for path in files() if path.is_relative_to(folder)]
    return {
        path.parts[0].removesuffix(".py") if path.parts[0].endswith(".py") else path.parts[0]
        for path in below
    }


def test_there_are_six_services_a_runtime_and_a_command() -> None:
    assert parts_of("services") == {*SERVICES, "runtime", "cli", "__init__", "__main__"}


def test_the_language_has_a_file_per_owner_and_the_named_few() -> None:
    written = {"examples", "schemas", "published", "asyncapi.yaml", "README.md"}
    assert parts_of("contracts") == {*SERVICES, *LANGUAGE, *written}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_only_the_files_that_every_service_may_have(service: str) -> None:
    own = {name for name, services in ONLY_IN.items() if service in services}
    assert parts_of(f"services/{service}") - EVERYWHERE - own - {"migrations"} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_what_no_service_can_do_without(service: str) -> None:
    needed = {"__init__", "worker", "handlers", "store", "domain", "migrations"}
    assert needed - parts_of(f"services/{service}") == set()


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_numbered_without_a_gap(service: str) -> None:
    folder = f"services/{service}/migrations"
    names = sorted(path.name for path in files() if path.is_relative_to(folder))
    assert names
    for number, name in enumerate(names, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+\.sql", name), name


def test_a_module_is_a_noun_that_says_what_it_holds() -> None:
    named = [path for path in files() if path.suffix == ".py" and not path.is_relative_to("docs")]
    wrong = [path for path in named if NO_NOUNS & {path.stem, *path.parent.parts}]
    assert wrong == []


def test_a_module_and_a_package_of_one_name_do_not_stand_side_by_side() -> None:
    packages = {path.parent for path in modules(".") if path.name == "__init__.py"}
    assert [path for path in modules(".") if path.with_suffix("") in packages] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {
        path.parent for name in ("contracts", "services", "deploy") for path in modules(name)
    }
    bare = sorted(str(folder) for folder in folders if Path(folder, "__init__.py") not in files())
    assert bare == []
