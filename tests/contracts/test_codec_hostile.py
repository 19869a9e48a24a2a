"""Bytes that no honest centre sends: each is answered with a code and a path, in bounded time."""

import json
from typing import Any

import pytest

from contracts import codec
from contracts.catalogue import BY_NAME
from contracts.codec import MAX_BYTES, Undecodable, decode, decode_claim
from deploy.contracts.published import example_of

REGISTERED = "regional.beneficiary.person.registered"
CLAIM = example_of(BY_NAME[REGISTERED])
RAW = json.dumps(CLAIM, ensure_ascii=False).encode()
FACT = example_of(BY_NAME["benefits.payment.settled"])


def claim(**changes: Any) -> bytes:
    return json.dumps({**CLAIM, **changes}).encode()


def data(**changes: Any) -> bytes:
    return claim(data={**CLAIM["data"], **changes})


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in CLAIM.items() if key != name}).encode()


def raw_field(name: str, value: str) -> bytes:
    """The claim with one attribute's value written as given, JSON or not."""
    return b'{"%b":%b,%b' % (name.encode(), value.encode(), RAW[1:])


DEEP = b"[" * 100_000 + b"]" * 100_000
SCHEMA = "urn:hamroh:schema:"

NASTY: dict[str, tuple[bytes | None, str, str]] = {
    "nothing at all": (None, "event.empty", ""),
    "no bytes": (b"", "event.empty", ""),
    "white space": (b" \n\t ", "json.malformed", ""),
    "an array": (b"[1]", "event.not_an_object", ""),
    "a string": (b'"claim"', "event.not_an_object", ""),
    "null": (b"null", "event.not_an_object", ""),
    "an empty object": (b"{}", "field.missing", "dataschema"),
    "half a document": (RAW[: len(RAW) // 2], "json.malformed", ""),
    "trailing garbage": (RAW + b"x", "json.malformed", ""),
    "two documents": (RAW + RAW, "json.malformed", ""),
    "a byte order mark": (b"\xef\xbb\xbf" + RAW, "json.malformed", ""),
    "UTF-16": (RAW.decode().encode("utf-16"), "json.malformed", ""),
    "UTF-16 without a mark": (RAW.decode().encode("utf-16-le"), "json.malformed", ""),
    "UTF-32": (RAW.decode().encode("utf-32"), "json.malformed", ""),
    "Latin-1": (RAW.decode().encode("latin-1", "replace") + b"\xe9", "json.malformed", ""),
    "an overlong byte sequence": (b'{"id":"\xc0\x80"}', "json.malformed", ""),
    "a lone surrogate": (data(address="\ud800"), "json.malformed", ""),
    "a lone low surrogate in a key": (claim(**{"\udfff": 1}), "json.malformed", ""),
    "a duplicate key": (raw_field("id", '"other"'), "json.duplicate_key", ""),
    "a duplicate key far inside": (
        RAW.replace(b'"given"', b'"family": "x", "given"'),
        "json.duplicate_key",
        "",
    ),
    "NaN": (raw_field("extra", "NaN"), "json.not_a_number", ""),
    "Infinity": (raw_field("extra", "Infinity"), "json.not_a_number", ""),
    "minus Infinity": (raw_field("extra", "-Infinity"), "json.not_a_number", ""),
    "1e400": (raw_field("extra", "1e400"), "json.not_a_number", ""),
    "minus 1e400": (raw_field("extra", "-1e400"), "json.not_a_number", ""),
    "200,000 digits": (raw_field("extra", "9" * 200_000), "json.number_too_long", ""),
    "200,000 decimals": (raw_field("extra", "0." + "9" * 200_000), "json.number_too_long", ""),
    "a million digits": (raw_field("extra", "9" * 1_000_000), "event.too_large", ""),
    "U+0000 in a value": (data(address="a\x00b"), "text.nul_character", ""),
    "U+0000 in a key": (claim(**{"a\x00": 1}), "text.nul_character", ""),
    "a raw U+0000": (RAW.replace(b"VN-07", b"VN\x0007"), "json.malformed", ""),
    "a bell": (data(address="a\x07b"), "field.bad_form", "data.address"),
    "a bell in the phone": (data(phone="\x07"), "field.bad_form", "data.phone"),
    "a name beside an address": (data(email="An <an@x.vn>"), "field.bad_form", "data.email"),
    "two addresses": (data(email="an@x.vn,ba@x.vn"), "field.bad_form", "data.email"),
    "an address of nowhere": (data(email="an@x"), "field.bad_form", "data.email"),
    "a line break in the subject": (claim(subject="a\nb"), "field.bad_form", "subject"),
    "a line break after the id": (claim(id="a1\n"), "field.bad_form", "id"),
    "100,000 arrays": (DEEP, "json.too_deep", ""),
    "33 arrays in a field": (raw_field("extra", "[" * 33 + "]" * 33), "json.too_deep", ""),
    "200,000 open objects": (b'{"a":' * 40_000, "json.too_deep", ""),
    "brackets before an endless string": (b"[" * 33 + b'"' + b'\\"' * 100_000, "json.too_deep", ""),
    "an endless string of brackets": (b'{"a":"' + b"[" * 200_000, "json.malformed", ""),
    "a huge string": (data(address="ạ" * 30_000), "field.too_long", "data.address"),
    "more than is taken": (data(address="a" * MAX_BYTES), "event.too_large", ""),
    "20,000 unknown fields": (
        data(**{f"k{number}": 1 for number in range(20_000)}),
        "field.unknown",
        "data.k0",
    ),
    "20,000 statuses": (data(statuses=[0] * 20_000), "field.wrong_type", "data.statuses.0"),
    "an unknown type": (
        claim(type="regional.benefits.payment.settled", dataschema=f"{SCHEMA}x:1"),
        "event.unknown_type",
        "type",
    ),
    "a future version": (
        claim(dataschema=f"{SCHEMA}{REGISTERED}:2"),
        "event.unknown_version",
        "dataschema",
    ),
    "a fact on a claims topic": (json.dumps(FACT).encode(), "event.unknown_version", "dataschema"),
    "a type that its schema belies": (
        claim(type="regional.workforce.worker.deployed"),
        "field.not_in_list",
        "type",
    ),
    "a list as type": (claim(type=[], dataschema="x"), "event.unknown_type", "type"),
    "a list as schema": (claim(dataschema=[]), "field.wrong_type", "dataschema"),
    "an object as schema": (claim(dataschema={"a": 1}), "field.wrong_type", "dataschema"),
    "another CloudEvents": (claim(specversion="0.3"), "field.not_in_list", "specversion"),
    "no CloudEvents version": (without("specversion"), "field.missing", "specversion"),
    "no id": (without("id"), "field.missing", "id"),
    "no data": (without("data"), "field.missing", "data"),
    "data as a string": (claim(data="x"), "field.wrong_type", "data"),
    "a time without a zone": (
        claim(time="2026-09-03T02:15:00"),
        "field.no_time_zone",
        "time",
    ),
    "a time in seconds": (claim(time="1700000000"), "field.bad_time", "time"),
    "a time with a space": (claim(time="2026-09-03 02:15:00Z"), "field.bad_time", "time"),
    "a time before UTC began": (claim(time="0001-01-01T00:00:00+14:00"), "field.bad_time", "time"),
    "a time after its end": (claim(time="9999-12-31T23:59:59-12:00"), "field.bad_time", "time"),
    "a date in seconds": (data(birth_date="0"), "field.bad_date", "data.birth_date"),
    "a date as a number": (data(birth_date=0), "field.wrong_type", "data.birth_date"),
    "a thirtieth of February": (data(birth_date="2022-02-30"), "field.bad_date", "data.birth_date"),
    "a sequence beyond any counter": (claim(sequence=10**30), "field.invalid", "sequence"),
    "true for one": (data(sex=True), "field.wrong_type", "data.sex"),
    "one point nought for one": (data(sex=1.0), "field.wrong_type", "data.sex"),
    "another sex than the list has": (data(sex=3), "field.not_in_list", "data.sex"),
    "a name that no field has": (
        data(**{"079-083 Nguyễn": 1}),
        "field.unknown",
        "data.?",
    ),
}


@pytest.mark.parametrize("what", NASTY)
def test_hostile_bytes_are_answered_with_a_code_and_a_path(what: str) -> None:
    raw, code, path = NASTY[what]
    answer = decode_claim(raw)
    assert isinstance(answer, Undecodable), what
    assert (answer.code, answer.path) == (code, path)


@pytest.mark.parametrize("what", NASTY)
def test_the_reader_of_facts_survives_them_too(what: str) -> None:
    raw, _, _ = NASTY[what]
    answer = decode(raw)
    assert isinstance(answer, Undecodable) or answer == decode(json.dumps(FACT).encode())


@pytest.mark.parametrize("name", [*CLAIM, *(f"data.{field}" for field in CLAIM["data"])])
@pytest.mark.parametrize("value", [None, [], {}, 0, -1, 1.5, True, "", "\u202e", [[]], {"a": {}}])
def test_anything_in_place_of_anything_is_read_or_refused(name: str, value: Any) -> None:
    # Given a claim with one attribute or field replaced by something strange
    part, _, field = name.partition(".")
    raw = data(**{field: value}) if field else claim(**{part: value})
    # When it is read, then it is a claim still or refused at a place
    answer = decode_claim(raw)
    if isinstance(answer, Undecodable):
        assert answer.code
        assert answer.path.startswith(name) or answer.path in ("dataschema", "type")


def test_a_refusal_names_the_event_where_id_and_source_are_readable() -> None:
    answer = decode_claim(data(sex="f"))
    assert answer == Undecodable("field.wrong_type", "data.sex", CLAIM["id"], CLAIM["source"])
    forged = decode_claim(claim(id="<script>", source="\u202eurn"))
    assert isinstance(forged, Undecodable)
    assert (forged.event_id, forged.source) == (None, None)


def test_an_older_claim_is_lifted_and_a_hostile_one_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given that a version 0 of the registration called the place `ward`
    old = f"{SCHEMA}{REGISTERED}:0"

    def lift(body: dict[str, Any]) -> dict[str, Any]:
        return {**{key: body[key] for key in body if key != "ward"}, "place": body["ward"]}

    monkeypatch.setitem(codec.UPCASTERS, old, (f"{SCHEMA}{REGISTERED}:1", lift))
    body = {key: value for key, value in CLAIM["data"].items() if key != "place"}
    # When such a claim comes, then it is read as today's
    event = decode_claim(claim(dataschema=old, data={**body, "ward": "00694"}))
    assert event == decode_claim(RAW)
    # When it lacks what the lift needs, is no object, or is wrong elsewhere, then it is refused
    for bad, code, path in (
        (claim(dataschema=old, data=body), "field.invalid", "data"),
        (claim(dataschema=old, data=[1]), "field.invalid", "data"),
        (claim(dataschema=old, data={**body, "ward": "?"}), "field.bad_form", "data.place"),
        (claim(dataschema=old, data={**body, "ward": "01"}, time="1"), "field.bad_time", "time"),
    ):
        answer = decode_claim(bad)
        assert isinstance(answer, Undecodable)
        assert (answer.code, answer.path) == (code, path)
