"""Keys of persons: personal data is sealed with a key of its own per person.

The key travels and rests only wrapped by the key-encryption key. Whoever destroys the wrapped key
makes every copy of the data unreadable, in topics and backups too (crypto-shredding). AES-256-GCM;
the person and the key's version are bound into every seal, so that none fits another person.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from services.runtime.settings import Key, Settings, key_bytes

NONCE_BYTES: Final = 12
KEY_VERSION: Final = 1


class UnsealError(Exception):
    """The bytes were sealed with another key, for another person, or were changed."""


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise UnsealError("not base64url") from error


def _seal(key: bytes, raw: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, raw, bound)


def _open(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise UnsealError("sealed with another key, or changed") from error


@dataclass(frozen=True, slots=True, repr=False)
class SealedKey:
    """A person's key in use. `wrapped` is its only form outside this process's memory."""

    person_id: UUID
    version: int
    wrapped: str
    plain: bytes

    @property
    def _bound(self) -> bytes:
        return f"{self.person_id}:{self.version}".encode()

    def seal(self, document: bytes) -> str:
        """Seals a document of this person; base64url."""
        return _text(_seal(self.plain, document, self._bound))

    def open(self, sealed: str) -> bytes:
        """Opens what was sealed for this person; an `UnsealError` for anything else."""
        return _open(self.plain, _raw(sealed), self._bound)


@dataclass(frozen=True, slots=True, repr=False)
class PersonKeys:
    """Issues and unwraps the keys of persons with the key-encryption key."""

    wrapping: bytes
    blinding: bytes

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The keys of a service that may open personal data."""
        return cls.of(_required(settings.key_encryption_key, "KEY_ENCRYPTION_KEY"))

    @classmethod
    def of(cls, master: bytes) -> Self:
        """Derives the wrapping and the blinding key, so that neither tells of the other."""
        return cls(_derived(master, b"wrap"), _derived(master, b"blind"))

    def issue(self, person_id: UUID) -> SealedKey:
        """A new key for a person."""
        plain = AESGCM.generate_key(256)
        wrapped = _text(aes_key_wrap(self.wrapping, plain))
        return SealedKey(person_id, KEY_VERSION, wrapped, plain)

    def unwrap(self, person_id: UUID, version: int, wrapped: str) -> SealedKey:
        """A person's key, ready to use; an `UnsealError` if it was wrapped by another."""
        try:
            plain = aes_key_unwrap(self.wrapping, _raw(wrapped))
        except (InvalidUnwrap, ValueError) as error:
            raise UnsealError("the key was wrapped by another key, or changed") from error
        return SealedKey(person_id, version, wrapped, plain)

    def blind(self, value: str) -> int:
        """A keyed digest for equality look-ups: plain hashes of identifiers can be guessed.

        A signed number of eight bytes, as PostgreSQL keeps it: who trusts that it is the same looks
        again, for one in 2⁶⁴ others has it too.
        """
        digest = hmac.digest(self.blinding, value.encode(), hashlib.sha256)
        return int.from_bytes(digest[:8], signed=True)


@dataclass(frozen=True, slots=True, repr=False)
class DeadLetterBox:
    """Seals the bytes of records that could not be handled."""

    key: bytes

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The box of a worker or an operator."""
        return cls(_required(settings.dead_letter_key, "DEAD_LETTER_KEY"))

    def seal(self, raw: bytes) -> bytes:
        """Seals a record's bytes."""
        return _seal(self.key, raw, b"dead-letter")

    def open(self, sealed: bytes) -> bytes:
        """Opens a record's bytes."""
        return _open(self.key, sealed, b"dead-letter")


def _derived(master: bytes, purpose: bytes) -> bytes:
    return hmac.digest(master, b"hamroh." + purpose, hashlib.sha256)


def _required(key: Key | None, name: str) -> bytes:
    if key is None:
        raise ValueError(f"HAMROH_{name} is not set")
    return key_bytes(key)
