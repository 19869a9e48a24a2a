import json
import sys
from types import SimpleNamespace

import pytest

from deploy.instance import Instance
from services.__main__ import main
from services.runtime import web


@pytest.fixture
def environment(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    given = instance.migrate_environment() | instance.topics_environment()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HAMROH_KAFKA_USERS")
    return monkeypatch


@pytest.mark.stack
@pytest.mark.usefixtures("environment")
class TestJobs:
    def test_nothing_is_left_to_migrate(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["migrate", "--dry-run"]) == 0
        assert main(["migrate"]) == 0
        assert capsys.readouterr().out == ""

    def test_the_broker_agrees_with_the_catalogue(self) -> None:
        assert main(["topics", "drift"]) == 0

    def test_what_the_broker_lacks_is_said(
        self, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment.setenv("HAMROH_REGIONS", "VN-99")
        assert main(["topics", "drift"]) == 1
        assert "topic receipts.vn-99.v1 is missing" in capsys.readouterr().err

    def test_users_are_set_who_are_given(
        self,
        instance: Instance,
        environment: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        users = {"ministry": instance.credentials.kafka_users["ministry"]}
        environment.setenv("HAMROH_KAFKA_USERS", json.dumps(users))
        assert main(["topics", "apply"]) == 0
        assert capsys.readouterr().out == "user ministry set\n"


class TestServices:
    def test_a_migration_without_a_database_says_what_is_missing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("HAMROH_DATABASE_ADMIN_URL", "")
        assert main(["migrate"]) == 1
        assert "HAMROH_DATABASE_ADMIN_URL is not set" in capsys.readouterr().err

    def test_a_worker_is_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ran: list[str] = []
        module = SimpleNamespace(worker=SimpleNamespace(run=lambda: ran.append("worker")))
        monkeypatch.setitem(sys.modules, "services.casework.worker", module)
        assert main(["casework", "worker"]) == 0
        assert ran == ["worker"]

    def test_an_api_is_served_with_its_own_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        served: list[tuple[object, object]] = []
        app = SimpleNamespace(state=SimpleNamespace(settings="settings"))
        module = SimpleNamespace(create=lambda: app)
        monkeypatch.setitem(sys.modules, "services.casework.api", module)
        monkeypatch.setattr(web, "serve", lambda *given: served.append(given))
        assert main(["casework", "api"]) == 0
        assert served == [(app, "settings")]

    @pytest.mark.parametrize("asked", [[], ["casework"], ["nowhere", "api"], ["topics"]])
    def test_anything_else_is_refused(self, asked: list[str]) -> None:
        with pytest.raises(SystemExit) as refused:
            main(asked)
        assert refused.value.code == 2
