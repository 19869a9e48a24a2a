import base64
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from services.runtime.settings import KEY_BYTES, Settings, key_bytes

KEY = base64.b64encode(bytes(KEY_BYTES)).decode()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(f"HAMROH_{field.upper()}", raising=False)


def test_regions_come_as_a_comma_list_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAMROH_REGIONS", "vn-07, VN-08")
    assert Settings().regions == ("VN-07", "VN-08")


def test_a_region_that_is_no_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAMROH_REGIONS", "vn-07,*")
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("text", ["c2hvcnQ=", "not base64!"])
def test_a_bad_key_is_refused_and_not_quoted(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HAMROH_DEAD_LETTER_KEY", text)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert text not in str(refused.value)


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAMROH_DEAD_LETTER_KEY", "")
    assert Settings().dead_letter_key is None


def test_a_good_key_gives_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAMROH_PSEUDONYM_KEY", KEY)
    key = Settings().pseudonym_key
    assert key is not None
    assert key_bytes(key) == bytes(KEY_BYTES)


def test_no_secret_is_shown() -> None:
    settings = Settings(
        kafka_password=SecretStr("hunter2"), database_url=SecretStr("postgresql://a:hunter2@b/c")
    )
    assert "hunter2" not in f"{settings!r} {settings.model_dump_json()}"


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("HAMROH_HTTP_PORT=8001\nHAMROH_SMS_URL=http://sms\n")
    monkeypatch.setenv("HAMROH_HTTP_PORT", "8002")
    settings = Settings()
    assert (settings.http_port, settings.sms_url) == (8002, "http://sms")


def test_business_time_needs_a_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAMROH_BUSINESS_TIME", "2026-09-01T00:00:00")
    with pytest.raises(ValidationError):
        Settings()


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="HAMROH_OIDC_ISSUER"):
        Settings().require("http_host", "oidc_issuer")


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
