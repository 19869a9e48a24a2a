"""The provider's signing keys: one signs, earlier ones stay published until their tokens end."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

ALGORITHM = "ES256"
_PUBLISHED = {"use": "sig", "alg": ALGORITHM}


@dataclass(frozen=True, slots=True)
class _Key:
    jwk: ECKey
    retired_at: int | None
    """Second since 1970 at which another key took over; `None` while this one signs."""


class KeyRing:
    """Keys of one provider, kept in `keys.json` (mode 0600) of its directory.

    The file is replaced whole, so a crash leaves the old keys or the new ones, never half.
    """

    def __init__(self, directory: Path) -> None:
        """Opens the keys of the directory, or makes the first one."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = directory / "keys.json"
        if self._path.exists():
            self._keys = _read(self._path)
        else:
            self._keys = [_new_key()]
            self._save()

    @property
    def signing(self) -> ECKey:
        """The key that signs now; its `kid` names it."""
        return self._keys[0].jwk

    def published(self, now: int, retained_s: int) -> dict[str, list[dict[str, Any]]]:
        """The JWK set: the signing key and those retired at most `retained_s` seconds ago."""
        return {
            "keys": [
                {**key.jwk.as_dict(private=False), **_PUBLISHED}
                for key in self._keys
                if key.retired_at is None or now - key.retired_at <= retained_s
            ]
        }

    def rotate(self, now: int, *, retained_s: int) -> str:
        """Signs with a new key from now on and returns its `kid`.

        Keys retired longer than `retained_s` seconds are destroyed; with zero, all earlier ones
        are withdrawn at once, as after a theft.
        """
        earlier = [
            key if key.retired_at is not None else _Key(key.jwk, retired_at=now)
            for key in self._keys
        ]
        kept = [key for key in earlier if now - (key.retired_at or now) < retained_s]
        self._keys = [_new_key(), *kept]
        self._save()
        return str(self.signing.kid)

    def _save(self) -> None:
        document = [
            {"jwk": key.jwk.as_dict(private=True), "retired_at": key.retired_at}
            for key in self._keys
        ]
        draft = self._path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _new_key() -> _Key:
    return _Key(ECKey.generate_key("P-256", auto_kid=True), retired_at=None)


def _read(path: Path) -> list[_Key]:
    return [
        _Key(ECKey.import_key(entry["jwk"]), entry["retired_at"])
        for entry in json.loads(path.read_bytes())
    ]
