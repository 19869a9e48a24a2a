"""The table of processes: who runs, after whom, and who holds which secret."""

import re
from pathlib import Path

import pytest

from contracts.catalogue import MINISTRY, OPERATOR
from contracts.catalogue import SERVICES as CATALOGUE_SERVICES
from deploy.instance import OTHER_USERS, ROLES, SERVICES
from deploy.local import accounts, plan
from deploy.local.faults import LocalStackError
from deploy.local.plan import Plan
from deploy.local.stack import Stack
from deploy.local.state import Options


def planned(tmp_path: Path, options: Options) -> Plan:
    stack = Stack(tmp_path)
    ports = {name: 20_000 + nth for nth, name in enumerate(plan.port_names(options.nodes))}
    return Plan(stack.folder, stack._chosen(options, ports))


@pytest.fixture
def everything(tmp_path: Path) -> Plan:
    """The whole platform for two regions."""
    return planned(tmp_path, Options(regions=("vn-07", "ua-26")))


def test_the_services_and_principals_are_those_of_the_catalogue() -> None:
    assert SERVICES == CATALOGUE_SERVICES
    assert set(OTHER_USERS) == {OPERATOR, MINISTRY}


HOLDERS = {
    "HAMROH_KAFKA_PASSWORD": {f"{service}-worker" for service in SERVICES},
    "HAMROH_DEAD_LETTER_KEY": {f"{service}-worker" for service in SERVICES},
    "HAMROH_KEY_ENCRYPTION_KEY": {
        "beneficiary-worker",
        "benefits-worker",
        "notifications-worker",
    },
    "HAMROH_PSEUDONYM_KEY": {"insights-worker"},
    "HAMROH_DATABASE_ADMIN_URL": {"migrate"},
    "HAMROH_KAFKA_ADMIN_PASSWORD": {"topics"},
    "HAMROH_KAFKA_USERS": {"topics"},
}


@pytest.mark.parametrize("setting", HOLDERS)
def test_a_secret_is_given_to_those_alone_who_need_it(everything: Plan, setting: str) -> None:
    holders = {process.name for process in everything.processes if setting in process.env}

    assert holders == HOLDERS[setting]


def test_nobody_finds_a_secret_that_is_not_theirs_in_their_environment(everything: Plan) -> None:
    secrets = everything.state.secrets
    own = {
        f"{service}-{role}": {secrets.database_roles[f"{service}_{role}"]}
        for service in SERVICES
        for role in ROLES
    }
    for service in SERVICES:
        own[f"{service}-worker"].add(secrets.kafka_users[service])
    own["topics"] = set(secrets.kafka_users.values())
    passwords = {
        *secrets.kafka_users.values(),
        *secrets.database_roles.values(),
        *secrets.account_passwords.values(),
        secrets.control,
    }

    for process in everything.processes:
        text = "\n".join([*process.env.values(), *process.argv])
        found = {password for password in passwords if password in text}
        assert found == own.get(process.name, set()), process.name


def test_no_secret_stands_on_a_command_line(everything: Plan) -> None:
    secrets = everything.state.secrets
    lines = "\n".join(" ".join(process.argv) for process in everything.processes)

    assert secrets.kafka_admin not in lines
    assert secrets.database_admin not in lines


def test_every_listener_has_a_port_of_its_own(everything: Plan) -> None:
    ports = everything.state.ports

    assert len(set(ports.values())) == len(ports)
    assert {f"{service}-worker" for service in SERVICES} <= set(ports)


def test_services_come_after_the_jobs_and_the_jobs_after_the_infrastructure(
    everything: Plan,
) -> None:
    levels = everything.levels()

    depth = {name: number for number, names in enumerate(levels) for name in names}
    assert depth["postgres"] < depth["migrate"] < depth["benefits-worker"]
    assert depth["identity"] < depth["benefits-api"]
    assert depth["kafka-1"] < depth["topics"] < depth["benefits-worker"]
    assert sum(map(len, levels)) == len(everything.processes) == 20


def test_a_part_brings_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    part = planned(tmp_path, Options(only=("insights",)))

    assert {process.name for process in part.processes} == {
        *("postgres", "kafka-1", "migrate", "topics", "identity"),
        *("insights-api", "insights-worker"),
    }


def test_an_unknown_part_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="no process or group payroll"):
        planned(tmp_path, Options(only=("infrastructure", "payroll")))


def test_three_nodes_replicate_and_know_each_other(tmp_path: Path) -> None:
    cluster = planned(tmp_path, Options(nodes=3, only=("infrastructure",))).cluster

    settings = cluster.configuration(2)

    assert "node.id=2\n" in settings
    assert "default.replication.factor=3\n" in settings
    assert "min.insync.replicas=2\n" in settings
    assert settings.count(f"{cluster.port(3, 'controller')}") == 1
    assert len(cluster.bootstrap("client").split(",")) == 3


def test_services_are_sent_to_who_stands_before_a_server(tmp_path: Path) -> None:
    fronts = {"postgres": 1111, "kafka-1.client": 2222}

    fronted = planned(tmp_path, Options(fronts=fronts))

    told = fronted.instance.environment("benefits", "worker")
    assert ":1111/" in told["HAMROH_DATABASE_URL"]
    assert told["HAMROH_KAFKA_BOOTSTRAP"] == "127.0.0.1:2222"
    settings = fronted.cluster.configuration(1)
    assert "CLIENT://127.0.0.1:2222" in settings
    # and the servers themselves listen where they did, and so do those who run the platform
    own = fronted.cluster.port(1, "client")
    assert f"listeners=INTERNAL://127.0.0.1:{fronted.cluster.port(1, 'internal')}" in settings
    assert f"CLIENT://127.0.0.1:{own}" in settings
    assert f":{fronted.server.port}/" in fronted.server.url()


def test_every_role_that_a_door_asks_for_is_held_by_somebody() -> None:
    sources = [path.read_text() for path in (plan.ROOT / "services").rglob("*.py")]
    asked = {
        role
        for source in sources
        for call in re.findall(r"requires\(([^()]*)\)", source)
        for role in re.findall(r'"(\w+)"', call)
    }

    held = {role for roles in accounts.OFFICERS.values() for role in roles}

    assert asked
    assert asked <= held | {accounts.MINISTRY, accounts.CENTRE_ROLE}


def test_a_region_signs_in_for_itself_and_officers_for_all(everything: Plan) -> None:
    passwords = everything.state.secrets.account_passwords

    rows = {row["username"]: row for row in accounts.document(("vn-07", "ua-26"), passwords)}

    assert rows["centre-ua-26"]["regions"] == ["UA-26"]
    assert rows["payments.approver.1"]["regions"] == ["VN-07", "UA-26"]
    assert len({row["password"] for row in rows.values()}) == len(rows)
