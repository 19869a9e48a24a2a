"""The sinks keep what they confirmed through a power cut, and bound what they read."""

import smtplib
from pathlib import Path

import pytest

from tests.local_bank.processes import running

MESSAGE = {"id": "m-1", "to": "+84912345678", "text": "Xin chào"}


def test_a_confirmed_text_message_survives_a_power_cut_and_is_not_counted_twice(
    tmp_path: Path,
) -> None:
    with running("deploy.local.sinks sms", tmp_path / "sms") as provider:
        before = provider.post("/messages", json=MESSAGE)
        provider.kill()
        provider.start_again()
        again = provider.post("/messages", json=MESSAGE)
        assert (again.status_code, again.json()) == (before.status_code, before.json())
        assert provider.get("/count").json() == {"messages": 1}
        (page,) = provider.get("/messages", params={"after": 0}).json()
        assert (page["number"], page["id"], page["text"]) == (1, "m-1", "Xin chào")
        assert provider.get("/messages", params={"after": 1}).json() == []


def test_a_confirmed_letter_survives_a_power_cut(tmp_path: Path) -> None:
    with running("deploy.local.sinks smtp", tmp_path / "mail") as server:
        with smtplib.SMTP("127.0.0.1", server.port) as session:
            session.sendmail("a@example.org", ["b@example.org"], b"Message-ID: <1@x>\r\n\r\nhello")
        server.kill()
        server.start_again()
        assert server.get("/count").json() == {"messages": 1}


def test_the_sinks_bound_what_they_read(tmp_path: Path) -> None:
    with running("deploy.local.sinks sms", tmp_path / "sms") as provider:
        answer = provider.post("/messages", content=b"[" * 1_000_000)
        assert (answer.status_code, answer.json()) == (413, {"code": "too_large"})
        answer = provider.post("/messages", json={**MESSAGE, "to": "12345"})
        assert (answer.status_code, answer.json()) == (422, {"code": "malformed"})
    with (
        running("deploy.local.sinks smtp", tmp_path / "mail") as server,
        smtplib.SMTP("127.0.0.1", server.port) as session,
        pytest.raises(smtplib.SMTPResponseException, match="552"),
    ):
        session.sendmail("a@example.org", ["b@example.org"], b"x\r\n" * 1_000_000)
