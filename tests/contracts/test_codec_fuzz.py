"""200,000 damaged claims and 50,000 damaged facts: none crashes, each refusal says where."""

import json
import re
from collections import Counter
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from contracts.catalogue import EVENTS
from contracts.codec import Undecodable, decode, decode_claim, encode
from deploy.contracts.published import example_of
from deploy.contracts.schemas import data_schema, envelope_schema
from tests.contracts.mutations import MARK, mutated

CLAIMS = [example_of(event) for event in EVENTS if event.is_claim]
FACTS = [example_of(event) for event in EVENTS if not event.is_claim]
ENVELOPE = jsonschema_rs.Draft202012Validator(envelope_schema(), validate_formats=True)
DATA = {
    event.name: jsonschema_rs.Draft202012Validator(data_schema(event), validate_formats=True)
    for event in EVENTS
}
CODE = re.compile(r"[a-z]+\.[a-z_]+")
PATH = re.compile(r"|(?:[a-z][a-z0-9_]*|[0-9]+|\?)(?:\.(?:[a-z][a-z0-9_]*|[0-9]+|\?))*")
WRITTEN = [*MARK.split("-"), "Hoàng", "Lan", "008322004173", "8605205001234", "Nà Trà", "SW-0007"]


def refusal(answer: Undecodable) -> str:
    """The code of a refusal that says what and where, and shows nothing."""
    assert CODE.fullmatch(answer.code), answer
    assert PATH.fullmatch(answer.path), answer
    assert not any(value in answer.path for value in WRITTEN), answer
    return answer.code


@pytest.mark.slow
def test_damaged_claims_are_read_or_refused_and_never_crash_the_codec() -> None:
    # Given 200,000 claims, each damaged in its own way
    random = Random(20260924)
    codes: Counter[str] = Counter()
    for _ in range(200_000):
        raw = mutated(random.choice(CLAIMS), random)
        # When the codec reads them
        answer = decode_claim(raw)
        # Then a refusal says what and where, and never shows what stood there
        if isinstance(answer, Undecodable):
            codes[refusal(answer)] += 1
            continue
        # And what is accepted satisfies the published schemas and survives being written again
        document: dict[str, Any] = json.loads(raw)
        ENVELOPE.validate(document)
        DATA[answer.type].validate(document["data"])
        assert decode_claim(encode(answer)) == answer
        codes["read"] += 1
    # And the damage reached every part: thousands are read, and most kinds of refusal occur
    assert codes["read"] > 10_000
    assert len(codes) >= 20, codes


@pytest.mark.slow
def test_damaged_facts_never_crash_the_codec() -> None:
    random = Random(20260925)
    read = 0
    for _ in range(50_000):
        answer = decode(mutated(random.choice(FACTS), random))
        if isinstance(answer, Undecodable):
            refusal(answer)
        else:
            read += 1
    assert read > 2_500
