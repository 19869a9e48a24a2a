"""Who asks for what they may not is remembered: one line each, with who and what, and no value."""

import json
from typing import Any

import pytest

from tests.runtime.provider import claims
from tests.security.doors import claim, opened
from tests.security.houses import House

pytestmark = pytest.mark.stack
ONE = "application/cloudevents+json"


def bearer(role: str, region: str) -> dict[str, str]:
    return {"authorization": f"Bearer {claims(sub='clerk-7', roles=[role], regions=[region])}"}


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{k: v for k, v in line.items() if k != "timestamp"} for line in lines]


async def test_a_role_that_lacks_is_told(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    async with opened(house, "beneficiary") as door:
        for path in ("/persons", "/persons/018f9d9a-0000-4000-8000-0123456789ab"):
            refused = await door.ask("GET", path, headers=bearer("case_worker", "VN-07"))
            assert refused.status_code == 403
    about = {"service": "beneficiary", "event": "denied", "level": "warning", "method": "GET"}
    assert told(capsys) == [
        {**about, "subject_id": "clerk-7", "route": "persons"},
        {**about, "subject_id": "clerk-7", "route": "persons/{person_id}"},
    ]


async def test_a_region_that_is_not_theirs_is_told(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {"programme": "VN-SA", "month": "2026-09", "region": "VN-01"}
    async with opened(house, "benefits") as door:
        preparer = bearer("payments_preparer", "VN-07")
        assert (await door.ask("POST", "/cycles", json=wanted, headers=preparer)).status_code == 403
    async with opened(house, "beneficiary") as door:
        headers = {**bearer("centre", "VN-01"), "content-type": ONE}
        forged = await door.ask("POST", "/claims", content=claim("beneficiary"), headers=headers)
        assert forged.status_code == 403
    lines = told(capsys)
    assert [(line["event"], line["subject_id"], line["route"]) for line in lines] == [
        ("denied", "clerk-7", "cycles"),
        ("denied", "clerk-7", "claims"),
    ]


async def test_who_is_served_is_not_told(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    async with opened(house, "casework") as door:
        served = await door.ask("GET", "/cases", headers=bearer("case_worker", "VN-07"))
        assert served.status_code == 200
    assert told(capsys) == []
