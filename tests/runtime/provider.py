"""An identity provider without a network: its keys, its tokens, and how often it was asked."""

import base64
import json
import warnings
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from services.runtime.auth import ProviderKeys, Verifier

ISSUER = "https://id.example"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig", "alg": "ES256"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
OKP = OKPKey.generate_key("Ed25519", {"kid": "okp", "use": "sig"})
with warnings.catch_warnings(action="ignore"):  # it is weak on purpose
    WEAK = RSAKey.generate_key(1024, {"kid": "weak", "use": "sig", "alg": "RS256"})
STRANGER = ECKey.generate_key("P-256", {"kid": "ec"})
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "officer-7",
    "aud": "hamroh",
    "iat": NOW_S - 10,
    "exp": NOW_S + 300,
    "jti": "1",
    "client_id": "desk",
    "roles": ["officer"],
    "regions": ["VN-07"],
}
HEAD = {"alg": "ES256", "typ": "at+jwt", "kid": "ec"}


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(claims: Any = None, *, key: Any = EC, **head: Any) -> str:
    """A token whose header and payload are exactly what is given, correctly signed."""
    header = {**HEAD, **head}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims or CLAIMS).encode()
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(header, payload, key, registry=registry)


def claims(**changed: Any) -> str:
    return token({**CLAIMS, **changed})


class Provider:
    """What the identity provider publishes, and how often it was asked."""

    def __init__(self) -> None:
        self.keys = [
            *(key.as_dict(private=False) for key in (EC, RSA, OKP, WEAK)),
            {**OctKey.generate_key(256).as_dict(), "kid": "oct"},
            {**STRANGER.as_dict(private=True), "kid": "private"},
        ]
        self.issuer = ISSUER
        self.away = False
        self.asked = 0
        self.now_s = 0.0

    async def fetch(self, url: str) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("away")
        if url.endswith("/.well-known/openid-configuration"):
            return json.dumps({"issuer": self.issuer, "jwks_uri": f"{ISSUER}/jwks"}).encode()
        return json.dumps({"keys": self.keys}).encode()

    def verifier(self) -> Verifier:
        keys = ProviderKeys(ISSUER, fetch=self.fetch, clock=lambda: self.now_s)
        return Verifier(keys, "hamroh", now=lambda: NOW)
