"""compose.yaml and the Dockerfile: the same platform as without containers, and nothing careless.

Read as they stand, so that no engine is needed; `docker compose up` itself is tried where there is
one (`tests/compose/test_project.py`).
"""

import asyncio
import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy import health
from deploy.compose import COMPOSE_FILE, EXAMPLE_FILE, ComposeError
from deploy.compose.__main__ import app
from deploy.compose.environment import SETTINGS, example, fresh, required, variables
from deploy.compose.project import instance_of
from deploy.instance import SERVICES, Instance
from deploy.local.plan import ROOT, Plan, port_names
from deploy.local.stack import Stack
from deploy.local.state import Options
from tests.architecture.tree import files
from tests.compose.resolving import resolved

Services = dict[str, Any]
REGIONS = ("vn-07", "ua-26")
# What stands outside the plan: the local stack makes roles as soon as its PostgreSQL answers.
JOBS_OF_CONTAINERS = {"roles"}
# Foreign images that need more, or can tell less, than everything else; compose.yaml says why.
PROFILES = {"observability": {"collector", "grafana"}, "sso": {"keycloak"}}
WRITES_INTO_ITSELF = {"grafana", "keycloak"}
ROOT_IN_ITS_IMAGE = {"grafana"}
WITHOUT_A_SHELL = {"collector"}
SECRET = re.compile(r"PASSWORD|_KEY$|HAMROH_KAFKA_USERS|DATABASE|PLAIN_SASL_JAAS|ACCOUNTS")


@pytest.fixture(scope="module")
def services() -> Services:
    """The services as compose resolves them, those of every profile among them."""
    found: Services = resolved(fresh(REGIONS, {}))["services"]
    return found


@pytest.fixture(scope="module")
def ours(services: Services) -> Services:
    """The services that run whatever the profile."""
    return {name: service for name, service in services.items() if "profiles" not in service}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """The platform without containers."""
    stack, options = Stack(tmp_path), Options(regions=REGIONS)
    ports = {name: 20_000 + nth for nth, name in enumerate(port_names(options.nodes))}
    return Plan(stack.folder, stack._chosen(options, ports))


def hamroh(environment: dict[str, str]) -> set[str]:
    return {name for name in environment if name.startswith("HAMROH_")}


class TestSamePlatform:
    def test_the_processes_are_those_of_the_local_stack(self, ours: Services, plan: Plan) -> None:
        assert set(ours) - JOBS_OF_CONTAINERS == {process.name for process in plan.processes}

    def test_the_profiles_are_these(self, services: Services) -> None:
        found: dict[str, set[str]] = {}
        for name, service in services.items():
            for profile in service.get("profiles", []):
                found.setdefault(profile, set()).add(name)
        assert found == PROFILES

    def test_each_waits_for_those_that_the_local_stack_waits_for(
        self, ours: Services, plan: Plan
    ) -> None:
        for process in plan.processes:
            needs = set(ours[process.name].get("depends_on", {}))
            if needs == JOBS_OF_CONTAINERS:
                needs = set(ours["roles"]["depends_on"])
            assert needs == set(process.needs), process.name

    def test_a_job_is_waited_for_to_its_end_and_everything_else_until_it_is_healthy(
        self, ours: Services, plan: Plan
    ) -> None:
        jobs = JOBS_OF_CONTAINERS | {process.name for process in plan.processes if process.is_job}
        ends = {True: "service_completed_successfully", False: "service_healthy"}
        for name, service in ours.items():
            for need, told in service.get("depends_on", {}).items():
                assert told["condition"] == ends[need in jobs], f"{name} needs {need}"

    def test_each_is_given_the_settings_that_the_local_stack_gives_it(
        self, ours: Services, plan: Plan
    ) -> None:
        tuning = {*variables("-"), "HAMROH_PACKS"}  # a folder: mounted, wherever it lies
        for process in plan.processes:
            given = hamroh(ours[process.name].get("environment", {}))
            wanted = hamroh(dict(process.env))
            assert wanted <= given, process.name
            assert given - wanted <= tuning, process.name

    def test_each_runs_the_module_that_the_local_stack_runs(
        self, ours: Services, plan: Plan
    ) -> None:
        for process in plan.processes:
            if "-m" not in process.argv:
                continue  # Kafka and PostgreSQL
            words = process.argv[process.argv.index("-m") + 1 :]
            wanted = list(takewhile(lambda word: not word.startswith("-"), words))
            command = shlex.split(" ".join(ours[process.name]["command"]))
            start = command.index(wanted[0])
            assert command[start : start + len(wanted)] == wanted

    def test_kafka_is_guarded_as_in_the_local_stack(self, ours: Services, plan: Plan) -> None:
        lines = plan.cluster.configuration(1).splitlines()
        local = dict(line.split("=", 1) for line in lines)
        own = properties(ours["kafka-1"]["environment"])
        moved = {name for name in local if name.endswith("jaas.config")} | {
            *("listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"),
            "listener.security.protocol.map",
            # How quickly the small machine's broker notices its own death, and its cleaner's size.
            *("broker.session.timeout.ms", "broker.heartbeat.interval.ms"),
            "log.cleaner.dedupe.buffer.size",
        }
        assert {n: own.get(n) for n in local if n not in moved} == {
            n: value for n, value in local.items() if n not in moved
        }
        assert "PLAINTEXT" in own["listener.security.protocol.map"]
        protocols = dict(
            pair.split(":") for pair in own["listener.security.protocol.map"].split(",")
        )
        assert set(protocols.values()) == {"SASL_PLAINTEXT"}
        host, client, inside = (
            {
                n.split(".", 3)[3]: v
                for n, v in own.items()
                if n.startswith(f"listener.name.{which}.")
            }
            for which in ("host", "client", "internal")
        )
        both = f"{inside['sasl.enabled.mechanisms']},{client['sasl.enabled.mechanisms']}"
        assert host == inside | client | {"sasl.enabled.mechanisms": both}


def properties(environment: dict[str, str]) -> dict[str, str]:
    """server.properties as the image makes it of `KAFKA_…`."""
    return {
        name.removeprefix("KAFKA_")
        .lower()
        .replace("___", "-")
        .replace("__", "\0")
        .replace("_", ".")
        .replace("\0", "_"): value
        for name, value in environment.items()
        if name.startswith("KAFKA_")
    }


class TestSecrets:
    def test_the_file_holds_none(self) -> None:
        first, second = (resolved(fresh(REGIONS, {}))["services"] for _ in range(2))
        for name in first:
            one, other = (services[name].get("environment", {}) for services in (first, second))
            same = {setting for setting in one if one[setting] and one[setting] == other[setting]}
            assert not {setting for setting in same if SECRET.search(setting)}, name

    def test_each_container_is_given_its_own_alone(self, ours: Services) -> None:
        instance = instance_of(ours)
        secrets = instance.credentials
        own = {
            f"{service}-{role}": {secrets.database_roles[f"{service}_{role}"]}
            for service in SERVICES
            for role in ("api", "worker")
        }
        own |= {
            "postgres": {secrets.database_admin},
            "kafka-1": {secrets.kafka_admin},
            "migrate": {secrets.database_admin},
            "roles": {secrets.database_admin, *secrets.database_roles.values()},
            "topics": {secrets.kafka_admin, *secrets.kafka_users.values()},
            "identity": set(secrets.account_passwords.values()),
        }
        for service in SERVICES:
            own[f"{service}-worker"] |= {secrets.kafka_users[service], secrets.dead_letter_key}
        for service in ("beneficiary", "benefits", "notifications"):
            own[f"{service}-worker"].add(secrets.key_encryption_key)
        own["insights-worker"].add(secrets.pseudonym_key)
        every = {
            secrets.kafka_admin,
            secrets.database_admin,
            secrets.pseudonym_key,
            secrets.key_encryption_key,
            secrets.dead_letter_key,
            *secrets.kafka_users.values(),
            *secrets.database_roles.values(),
            *secrets.account_passwords.values(),
        }
        for name, service in ours.items():
            text = str(service)
            assert {secret for secret in every if secret in text} == own.get(name, set()), name

    def test_all_are_fresh_at_every_making(self) -> None:
        first, second = (instance_of(resolved(fresh(REGIONS, {}))["services"]) for _ in range(2))
        one, other = first.credentials.model_dump(), second.credentials.model_dump()
        assert not values(one) & values(other)
        assert len(values(one)) == 5 + 10 + 12 + 8 + 2


def values(document: Any) -> set[str]:
    if isinstance(document, dict):
        return set().union(*map(values, document.values()))
    return {document}


class TestEnvironment:
    def test_the_example_is_fresh(self) -> None:
        assert EXAMPLE_FILE.read_text() == example(), "python -m deploy.compose example"

    def test_the_required_variables_are_those_of_the_file(self, ours: Services) -> None:
        made = required(REGIONS, instance_of(ours).credentials)
        assert set(made) == set(variables("?"))
        assert not any(value == "" for value in made.values())

    def test_every_setting_can_be_given_or_is_left_out_knowingly(self, ours: Services) -> None:
        stated = set().union(*(hamroh(s.get("environment", {})) for s in ours.values()))
        image = set(re.findall(r"HAMROH_\w+(?==)", dockerfile()))
        # One machine's broker speaks without TLS, and its administrator PLAIN.
        elsewhere = {"HAMROH_KAFKA_CA_FILE", "HAMROH_KAFKA_ADMIN_MECHANISM"}
        assert set(SETTINGS) - stated - image == elsewhere

    def test_a_folder_of_packs_on_this_machine_is_no_path_in_a_container(self) -> None:
        said = "\n".join([fresh(REGIONS, {}), "HAMROH_PACKS=packs", "PACKS_FOLDER=/srv/law"])
        services = resolved(said)["services"]
        for name in ("benefits-api", "benefits-worker"):
            (mounted,) = services[name]["volumes"]
            assert (mounted["source"], mounted["read_only"]) == ("/srv/law", True)
            assert services[name]["environment"]["HAMROH_PACKS"] == mounted["target"]

    def test_without_a_required_variable_nothing_is_resolved(self) -> None:
        text = fresh(REGIONS, {})
        without = "\n".join(line for line in text.splitlines() if "DEAD_LETTER_KEY" not in line)
        with pytest.raises(LookupError, match="DEAD_LETTER_KEY"):
            resolved(without)

    def test_a_file_is_written_once_and_for_its_owner_alone(self, tmp_path: Path) -> None:
        file = tmp_path / ".env"
        command = ["env", "--file", str(file), "--regions", "VN-07, ua-26"]

        assert CliRunner().invoke(app, command).exit_code == 0
        written = file.read_text()
        again = CliRunner().invoke(app, command)

        assert file.stat().st_mode & 0o777 == 0o600
        assert instance_of(resolved(written)["services"]).regions == REGIONS
        assert isinstance(again.exception, ComposeError)
        assert file.read_text() == written

    def test_the_instance_is_reached_on_loopback_alone(self, services: Services) -> None:
        ports = [port for service in services.values() for port in service.get("ports", [])]
        assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
        assert len({port["published"] for port in ports}) == len(ports)

    def test_a_file_describes_an_instance(self, ours: Services) -> None:
        instance: Instance = instance_of(ours)
        assert instance.regions == REGIONS
        assert instance.url("insights-api") == "http://127.0.0.1:18006"
        assert instance.database_url("casework_api").endswith("@127.0.0.1:15432/hamroh")
        assert "region.ua-26" in instance.credentials.kafka_users
        assert "centre-ua-26" in instance.credentials.account_passwords


class TestCare:
    def test_every_image_is_named_with_its_version(self, services: Services) -> None:
        bases = re.findall(r"^FROM (\S+)", dockerfile(), re.MULTILINE)
        ours = {s["image"] for s in services.values() if s.get("pull_policy") == "never"}
        named = [*({s["image"] for s in services.values()} - ours), *bases]
        for image in named:
            assert re.fullmatch(r"[a-z0-9./-]+:v?\d[\w.-]*", image), image

    def test_our_image_is_built_once(self, services: Services) -> None:
        (built,) = [name for name, service in services.items() if "build" in service]
        assert built == "roles"

    def test_everything_runs_confined(self, services: Services) -> None:
        for name, service in services.items():
            assert service["read_only"] is (name not in WRITES_INTO_ITSELF), name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            anybody = service.get("user", "root").partition(":")[0] in {"", "0", "root"}
            assert anybody is (name in ROOT_IN_ITS_IMAGE), name

    def test_everything_is_limited(self, services: Services) -> None:
        for name, service in services.items():
            limits = service["deploy"]["resources"]["limits"]
            assert set(limits) == {"cpus", "memory", "pids"}, name

    def test_everything_that_stays_says_whether_it_is_well(self, services: Services) -> None:
        for name, service in services.items():
            stays = service["restart"] == "unless-stopped" and name not in WITHOUT_A_SHELL
            assert ("test" in service["healthcheck"]) == stays, name

    def test_the_image_is_nobodys_and_takes_only_locked_packages(self) -> None:
        text = dockerfile()
        assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
        installed = re.findall(r"pip install.*", text.replace("\\\n", ""))
        assert installed
        assert all("--require-hashes" in command for command in installed)

    def test_what_is_left_out_of_the_image_is_locked(self) -> None:
        (names,) = re.findall(r"!/\^\(([^)]*)\)==/", dockerfile())
        lock = (ROOT / "requirements.txt").read_text()
        for name in names.split("|"):
            assert re.search(rf"^{name}==", lock, re.MULTILINE), name

    def test_what_is_copied_into_the_image_is_there_and_sent(self) -> None:
        copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile(), re.MULTILINE)
        sent = set((ROOT / ".dockerignore").read_text().split())
        assert copied
        for source in copied:
            assert any(path.is_relative_to(source) for path in files()), source
            assert f"!{source}" in sent
        assert {"*", "deploy/.env"} <= sent

    def test_what_is_mounted_is_there(self, services: Services) -> None:
        for service in services.values():
            for volume in service.get("volumes", []):
                if volume["type"] == "bind":
                    source = (COMPOSE_FILE.parent / volume["source"]).resolve()
                    known = source.relative_to(ROOT)
                    assert any(path.is_relative_to(known) for path in files()), known
                    assert volume["read_only"] is True


def dockerfile() -> str:
    return (ROOT / "deploy" / "Dockerfile").read_text()


@pytest.mark.parametrize(("status", "code"), [(b"200 OK", 0), (b"503 -", 1), (b"", 1)])
async def test_a_container_is_well_when_its_own_door_says_so(
    status: bytes, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        assert asked.startswith(b"GET /health/ready HTTP/1.0\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        monkeypatch.setattr(health, "PORT", server.sockets[0].getsockname()[1])
        assert await asyncio.to_thread(health.main) == code
