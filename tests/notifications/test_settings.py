"""What a worker of notifications refuses to start with."""

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from services.notifications.settings import NotificationsSettings


def told(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> NotificationsSettings:
    for name, value in variables.items():
        monkeypatch.setenv(f"HAMROH_{name}", value)
    return NotificationsSettings()


@pytest.mark.parametrize(
    ("variables", "refusal"),
    [
        ({"SMTP_SENDER": "the agency"}, "HAMROH_SMTP_SENDER is not an address"),
        ({"SMTP_USERNAME": "agency"}, "HAMROH_SMTP_USERNAME and HAMROH_SMTP_PASSWORD go together"),
        (
            {"SMTP_PASSWORD": "mulberry"},
            "HAMROH_SMTP_USERNAME and HAMROH_SMTP_PASSWORD go together",
        ),
        (
            {"SMTP_ENCRYPTION": "opportunistic"},
            "HAMROH_SMTP_ENCRYPTION=opportunistic is for a rehearsal",
        ),
        (
            {
                "REHEARSAL": "true",
                "SMTP_ENCRYPTION": "opportunistic",
                "SMTP_USERNAME": "agency",
                "SMTP_PASSWORD": "mulberry",
            },
            "HAMROH_SMTP_PASSWORD is told to an encrypted server only",
        ),
    ],
)
def test_mail_that_could_be_overheard_or_has_no_sender_is_refused_by_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], refusal: str
) -> None:
    with pytest.raises(ValidationError, match=refusal) as refused:
        told(monkeypatch, variables)
    assert "mulberry" not in str(refused.value)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"SMTP_USERNAME": "agency", "SMTP_PASSWORD": "mulberry", "SMTP_SENDER": "a@agency.example"},
        {"SMTP_ENCRYPTION": "opportunistic", "REHEARSAL": "true"},
    ],
)
def test_mail_that_is_safe_or_rehearsed_is_accepted(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]
) -> None:
    encryption = variables.get("SMTP_ENCRYPTION", "starttls")
    assert told(monkeypatch, variables).smtp_encryption == encryption
