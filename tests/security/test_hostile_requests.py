"""Requests made from each door's own description, right and wrong, with a proper token: nothing
falls over, every refusal is a problem with a code, and none repeats what was sent."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from deploy.instance import Instance
from tests.runtime.provider import claims
from tests.security.doors import TARGET, Door, fill, opened, uid
from tests.security.houses import House, built
from tests.security.matrix import MATRIX, ROLES

pytestmark = [pytest.mark.stack, pytest.mark.slow]
EXAMPLES = 40
EVERYBODY = f"Bearer {claims(roles=[*ROLES], regions=[TARGET])}"
OURS = re.compile(r"[a-z_]+(\.[a-z_]+)+")
SHORT = 5
"""What is shorter than this stands in an answer by chance."""
NEVER_SENT = {"authorization", "host", "content-length", "transfer-encoding", "connection"}
REAL = {
    "person_id": str(uid("thing")),
    "recipient_id": str(uid("another")),
    "pair_id": str(uid("third")),
    "case_id": str(uid("thing")),
    "event_id": str(uid("thing")),
    "source": f"urn:hamroh:region:{TARGET.lower()}",
    "programme": "VN-SA",
    "region": TARGET,
}
"""What exists: every second request names it, and so gets further."""


@dataclass(frozen=True)
class Filled:
    house: House
    real: dict[str, str]


@pytest.fixture(scope="module")
async def filled(instance: Instance) -> AsyncIterator[Filled]:
    async with built(instance) as house:
        cycle = (await fill(house))[TARGET]
        real = {"cycle_id": cycle["id"], "cycle": cycle["id"], "digest": cycle["digest"]}
        yield Filled(house, REAL | real)


def cases(app: FastAPI) -> Iterator[Any]:
    """Requests to every operation that an application describes, the same every time."""
    described = schemathesis.openapi.from_dict(app.openapi())
    for found in described.get_all_operations():
        for mode in GenerationMode:
            operation: Any = found.ok()  # type: ignore[union-attr] # no description is wrong
            yield from drawn(operation.as_strategy(generation_mode=mode))


def drawn(strategy: Any) -> list[Any]:
    """What a strategy makes, without anything being tested yet."""
    made: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(case=strategy)
    def collect(case: Any) -> None:
        made.append(case)

    collect()
    return made


def steered(case: Any, real: dict[str, str]) -> None:
    """Lets a case name what exists wherever it names such a thing."""
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: real[name] for name in part.keys() & real.keys()})


def prepared(case: Any) -> requests.PreparedRequest | None:
    """A case as bytes, or None where HTTP itself could not carry it."""
    given_names = case.as_transport_kwargs(base_url="http://door")
    known = {"method", "url", "headers", "params", "data", "json", "cookies", "files"}
    try:
        asked = requests.Request(**{k: v for k, v in given_names.items() if k in known}).prepare()
        str(dict(asked.headers)).encode("ascii")
    except (ValueError, UnicodeError):
        return None
    return asked


def sent_texts(case: Any) -> set[str]:
    """Every text and name that a case holds."""
    found: set[str] = set()
    waiting: list[Any] = [case.path_parameters, case.query, case.headers, case.cookies, case.body]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, dict):
            waiting += [*thing, *thing.values()]
        elif isinstance(thing, list | tuple):
            waiting += thing
        elif isinstance(thing, bytes):
            found.add(thing.decode("utf-8", "replace"))
        elif isinstance(thing, str | int | float):
            found.add(str(thing))
    return {text for text in found if len(text) > SHORT}


def objections(case: Any, answer: httpx.Response, described: str) -> list[str]:
    """What is wrong with an answer; names that the description uses are no secret."""
    if answer.status_code < 400:
        return []
    if answer.headers["content-type"] != "application/problem+json":
        return ["no problem document"]
    document = answer.json()
    wrong = ["a fault"] if answer.status_code >= 500 else []
    if not OURS.fullmatch(document["code"]):
        wrong.append("no code")
    told = answer.text.lower()
    repeated = {text for text in sent_texts(case) if text.lower() in told and text not in described}
    return wrong + [f"repeats {text!r}" for text in repeated]


async def send(door: Door, case: Any) -> httpx.Response | None:
    asked = prepared(case)
    if asked is None:
        return None
    kept = {k: v for k, v in asked.headers.items() if k.lower() not in NEVER_SENT}
    headers = {**kept, "authorization": EVERYBODY}
    body = asked.body.encode() if isinstance(asked.body, str) else asked.body
    return await door.ask(str(asked.method), str(asked.url), headers=headers, content=body)


@pytest.mark.parametrize("service", MATRIX)
async def test_nothing_falls_over_and_nothing_is_repeated(filled: Filled, service: str) -> None:
    wrong: list[str] = []
    statuses: set[int] = set()
    async with opened(filled.house, service) as door:
        described = json.dumps(door.app.openapi())
        for turn, case in enumerate(cases(door.app)):
            if turn % 2:
                steered(case, filled.real)
            answer = await send(door, case)
            if answer is not None:
                statuses.add(answer.status_code)
                wrong += [
                    f"{case.method} {case.formatted_path}: {answer.status_code} {why}"
                    for why in objections(case, answer, described)
                ]
    assert wrong == []
    assert {200, 422} <= statuses
