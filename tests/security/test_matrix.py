"""Every operation of every door, asked by every role, for every region: the table and no more."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.instance import Instance
from deploy.local import accounts
from services.insights import api as insights
from services.runtime import web
from tests.runtime.provider import NOW_S, claims, token
from tests.security.doors import TARGET, Door, claim, fill, opened, operations, uid
from tests.security.houses import House, built
from tests.security.matrix import FOREIGN, MATRIX, OWN, ROLES, Cell

pytestmark = pytest.mark.stack
OPERATIONS = [(service, operation) for service, table in MATRIX.items() for operation in table]
GUARDED = [(service, name) for service, name in OPERATIONS if not MATRIX[service][name].open]
CYCLE = {"programme": "VN-SA", "month": "2026-09", "number": 2}
BAD_TOKENS = {
    "": "token.missing",
    "Bearer": "token.missing",
    f"Basic {claims()}": "token.missing",
    f"Bearer {claims(exp=NOW_S - 61, roles=[*ROLES])}": "token.expired",
    f"Bearer {token(typ='JWT')}": "token.wrong_type",
    f"Bearer {claims(aud='bank', roles=[*ROLES])}": "token.wrong_audience",
    f"Bearer {claims(iss='https://other.example', roles=[*ROLES])}": "token.wrong_issuer",
    f"Bearer {claims(roles=[*ROLES])[:-4]}AAAA": "token.bad_signature",
    f"Bearer {claims(regions=['%'], roles=[*ROLES])}": "token.bad_claims",
}


@dataclass(frozen=True)
class Filled:
    """The platform's database with one of everything per region, and the cycles there."""

    house: House
    cycles: dict[str, dict[str, str]]

    def shown(self, cell: Cell) -> str:
        """The text that gives away the thing of VN-07."""
        plain = {"cycle": self.cycles[TARGET]["id"], "claim": "a-new-claim", "region": TARGET}
        return plain.get(cell.shows or "") or str(uid(cell.shows or ""))

    def asked(self, service: str, operation: str) -> tuple[str, str, dict[str, Any]]:
        """Method, path and the rest of a request about the thing of VN-07."""
        method, path = operation.split()
        cycle, named = self.cycles[TARGET], re.findall(r"{(\w+)}", path)
        values = {
            "person_id": uid("thing"),
            "pair_id": uid("third"),
            "case_id": uid("thing"),
            "event_id": uid("thing"),
            "cycle_id": cycle["id"],
            "source": f"urn:hamroh:region:{TARGET.lower()}",
        }
        query = {
            "cycle": cycle["id"],
            "person_id": str(uid("thing")),
            "recipient_id": str(uid("another")),
            "region": TARGET,
            "month": "2026-09",
        }
        more: dict[str, Any] = {
            "params": {name: query[name] for name in MATRIX[service][operation].query}
        }
        bodies = {
            "POST /duplicates/{pair_id}/resolution": {"outcome": "distinct"},
            "POST /cycles": {**CYCLE, "region": TARGET},
            "POST /cycles/{cycle_id}/approvals": {"digest": cycle["digest"]},
        }
        if operation in bodies:
            more["json"] = bodies[operation]
        if operation == "POST /claims":
            more["content"] = claim(service)
        return method, path.format(**{name: values[name] for name in named}), more


@pytest.fixture(scope="module")
async def filled(instance: Instance) -> AsyncIterator[Filled]:
    async with built(instance) as house:
        yield Filled(house, await fill(house))


@pytest.fixture(scope="module")
async def doors(filled: Filled) -> AsyncIterator[dict[str, Door]]:
    async with AsyncExitStack() as entered:
        yield {
            service: await entered.enter_async_context(opened(filled.house, service))
            for service in MATRIX
        }


async def ask(
    door: Door, filled: Filled, service: str, operation: str, authorization: str | None
) -> httpx.Response:
    method, path, more = filled.asked(service, operation)
    headers = {"authorization": authorization} if authorization else {}
    if operation == "POST /claims":
        headers["content-type"] = "application/cloudevents+json"
    return await door.ask(method, path, headers=headers, **more)


def gives_away(answer: httpx.Response, text: str) -> bool:
    return text in answer.text + str(answer.headers)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


class TestTable:
    def test_every_role_that_an_account_has_is_in_the_table(self) -> None:
        given = {role for roles in accounts.OFFICERS.values() for role in roles}
        assert given | {accounts.MINISTRY, accounts.CENTRE_ROLE} == set(ROLES)
        named = {
            role for table in MATRIX.values() for cell in table.values() for role in cell.named
        }
        assert named - {"*"} == set(ROLES)

    @pytest.mark.parametrize("service", MATRIX)
    def test_every_operation_has_a_row_and_every_row_an_operation(
        self, doors: dict[str, Door], service: str
    ) -> None:
        assert operations(doors[service].app) == set(MATRIX[service])

    @pytest.mark.parametrize("service", MATRIX)
    def test_the_description_says_what_needs_a_token(
        self, doors: dict[str, Door], service: str
    ) -> None:
        described = doors[service].app.openapi()["paths"]
        needs = {
            f"{method.upper()} {path}": bool(operation.get("security"))
            for path, methods in described.items()
            for method, operation in methods.items()
        }
        assert needs
        assert needs == {name: not MATRIX[service][name].open for name in needs}


@pytest.mark.parametrize(("service", "operation"), GUARDED)
class TestGuarded:
    async def test_without_a_proper_token_nobody_is_answered(
        self, doors: dict[str, Door], filled: Filled, service: str, operation: str
    ) -> None:
        for authorization, code in BAD_TOKENS.items():
            answer = await ask(doors[service], filled, service, operation, authorization)
            assert code_of(answer) == (401, code)

    async def test_other_roles_are_refused_even_all_together(
        self, doors: dict[str, Door], filled: Filled, service: str, operation: str
    ) -> None:
        others = sorted(set(ROLES) - MATRIX[service][operation].named)
        for roles in ([], others, *([role] for role in others)):
            for regions in (*OWN, *FOREIGN):
                bearer = f"Bearer {claims(roles=roles, regions=[*regions])}"
                answer = await ask(doors[service], filled, service, operation, bearer)
                assert code_of(answer) == (403, "role.missing"), roles

    async def test_the_role_is_served_for_its_regions(
        self, doors: dict[str, Door], filled: Filled, service: str, operation: str
    ) -> None:
        cell = MATRIX[service][operation]
        for role in cell.named:
            for regions in OWN:
                bearer = f"Bearer {claims(roles=[role, 'guest'], regions=[*regions])}"
                answer = await ask(doors[service], filled, service, operation, bearer)
                assert answer.status_code == cell.own, answer.text
                if cell.shows:
                    assert gives_away(answer, filled.shown(cell)), (role, answer.text)

    async def test_and_learns_nothing_about_another(
        self, doors: dict[str, Door], filled: Filled, service: str, operation: str
    ) -> None:
        cell = MATRIX[service][operation]
        for role in cell.named:
            for regions in FOREIGN:
                bearer = f"Bearer {claims(roles=[role], regions=[*regions])}"
                answer = await ask(doors[service], filled, service, operation, bearer)
                assert answer.status_code == cell.other, (regions, answer.text)
                if cell.shows:
                    assert gives_away(answer, filled.shown(cell)) is cell.everywhere, answer.text


@pytest.mark.parametrize(("service", "operation"), sorted({*OPERATIONS} - {*GUARDED}))
async def test_what_is_open_is_open_and_names_nobody(
    doors: dict[str, Door],
    filled: Filled,
    service: str,
    operation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(insights, "LIVE_FOR_S", 0)
    monkeypatch.setattr(web, "READY_TIMEOUT_S", 60.0)
    answer = await ask(doors[service], filled, service, operation, None)
    assert answer.status_code == MATRIX[service][operation].own
    for kind in ("thing", "another", "third"):
        assert not gives_away(answer, str(uid(kind)))
