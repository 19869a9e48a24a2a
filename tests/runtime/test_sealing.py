from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.runtime.sealing import DeadLetterBox, PersonKeys, UnsealError
from services.runtime.settings import Settings

KEYS = PersonKeys.of(bytes(range(32)))
OTHERS = PersonKeys.of(bytes(32))
ANH = UUID("5d1f9c1e-6f3a-5d0e-9d3c-6f0c7f1b2a10")
BINH = UUID("7a2b1c3d-0f3a-5d0e-9d3c-6f0c7f1b2a11")
DOCUMENT = '{"name":"Nguyễn Thị Ánh"}'.encode()


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_with_the_unwrapped_key(document: bytes) -> None:
    issued = KEYS.issue(ANH)
    sealed = issued.seal(document)
    assert KEYS.unwrap(ANH, issued.version, issued.wrapped).open(sealed) == document


def test_a_seal_of_one_person_opens_for_no_other() -> None:
    key = KEYS.issue(ANH)
    sealed = key.seal(DOCUMENT)
    for person, version in ((BINH, key.version), (ANH, key.version + 1)):
        with pytest.raises(UnsealError):
            KEYS.unwrap(person, version, key.wrapped).open(sealed)


def test_two_seals_of_one_document_differ() -> None:
    key = KEYS.issue(ANH)
    assert key.seal(DOCUMENT) != key.seal(DOCUMENT)


def test_without_the_wrapping_key_no_key_is_unwrapped() -> None:
    wrapped = KEYS.issue(ANH).wrapped
    with pytest.raises(UnsealError):
        OTHERS.unwrap(ANH, 1, wrapped)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_seal_is_refused(place: int, change: int) -> None:
    box = DeadLetterBox(bytes(32))
    sealed = bytearray(box.seal(DOCUMENT))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(UnsealError):
        box.open(bytes(sealed))


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_way(text: str) -> None:
    key = KEYS.issue(ANH)
    with pytest.raises(UnsealError):
        key.open(text)
    with pytest.raises(UnsealError):
        KEYS.unwrap(ANH, 1, text)


def test_a_blind_value_is_the_same_for_one_key_and_differs_between_keys() -> None:
    assert KEYS.blind("031195001234") == KEYS.blind("031195001234")
    assert KEYS.blind("031195001234") != OTHERS.blind("031195001234")
    assert KEYS.blinding != KEYS.wrapping


def test_no_key_is_shown() -> None:
    key = KEYS.issue(ANH)
    shown = f"{KEYS!r} {key!r} {DeadLetterBox(bytes(range(32)))!r}"
    assert key.wrapped not in shown
    assert "\\x" not in shown


def test_a_process_without_the_key_says_which_is_missing() -> None:
    with pytest.raises(ValueError, match="HAMROH_KEY_ENCRYPTION_KEY"):
        PersonKeys.from_settings(Settings(key_encryption_key=None))
    with pytest.raises(ValueError, match="HAMROH_DEAD_LETTER_KEY"):
        DeadLetterBox.from_settings(Settings(dead_letter_key=None))
    key = SecretStr("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    box = DeadLetterBox.from_settings(Settings(dead_letter_key=key))
    assert box.open(box.seal(DOCUMENT)) == DOCUMENT
