"""Whatever a published schema allows, today's codec reads."""

import json
from typing import Annotated

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, TypeAdapter, ValidationError

from contracts.codec import Undecodable, decode, decode_claim
from contracts.values import C2, AmountMinor
from deploy.contracts.published import Contract, published
from deploy.contracts.schemas import inlined
from tests.contracts.altered import with_fields
from tests.contracts.instances import instances

TYPES = [contract for contract in published() if contract.kind != "envelope"]


@pytest.mark.parametrize("contract", TYPES, ids=lambda contract: contract.stem)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.data())
def test_what_a_published_schema_allows_is_read_today(
    contract: Contract, drawn: st.DataObject
) -> None:
    # Given any payload that the schema allowed when it was published
    data = drawn.draw(instances(inlined(contract.schema)))
    jsonschema_rs.validate(contract.schema, data, validate_formats=True)
    # When it comes in the published envelope
    raw = json.dumps({**contract.example, "data": data}).encode()
    event = decode_claim(raw) if contract.kind == "claim" else decode(raw)
    # Then today's codec reads it
    assert not isinstance(event, Undecodable), event


def test_a_check_hidden_in_the_code_is_found_by_instances() -> None:
    # Given a model that refuses odd amounts, which neither its schema nor its example shows
    def even(amount: int) -> int:
        if amount % 2:
            raise ValueError("odd")
        return amount

    narrowed = Annotated[AmountMinor, AfterValidator(even), C2]
    event = with_fields("benefits.payment.settled", amount_minor=narrowed)
    contract = next(one for one in TYPES if one.name == event.name)
    adapter = TypeAdapter(event.payload)

    # When payloads are drawn from the published schema, then one is refused
    @settings(max_examples=200, deadline=None, database=None, phases=[Phase.generate])
    @given(data=instances(inlined(contract.schema)))
    def read(data: object) -> None:
        adapter.validate_json(json.dumps(data))

    with pytest.raises(ValidationError):
        read()
