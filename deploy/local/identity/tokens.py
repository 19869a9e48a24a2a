"""What the provider signs: access tokens as RFC 9068 has them, and ID tokens for sign-in."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from joserfc import jwt

from deploy.local.identity.accounts import Account
from deploy.local.identity.keys import ALGORITHM, KeyRing

# A verifier may allow a minute of difference between clocks; a key outlives its tokens by that.
CLOCK_LEEWAY_S = 60


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens in the name of `url` for `audience`, each valid for `lifetime_s` seconds."""

    url: str
    audience: str
    lifetime_s: int
    keys: KeyRing

    def access_token(self, account: Account, client_id: str, now: int) -> str:
        """A signed `at+jwt`: who (`sub`), through which client, with which roles and regions."""
        claims = self._claims(account, self.audience, now) | {
            "jti": str(uuid4()),
            "client_id": client_id,
            "roles": list(account.roles),
            "regions": list(account.regions),
        }
        return self._sign("at+jwt", claims)

    def id_token(self, account: Account, client_id: str, now: int) -> str:
        """A signed ID token: tells the client who signed in, and must open nothing."""
        return self._sign("JWT", self._claims(account, client_id, now))

    def jwks(self, now: int) -> dict[str, list[dict[str, Any]]]:
        """The public keys that can have signed a token still valid at `now`."""
        return self.keys.published(now, self.retained_s)

    @property
    def retained_s(self) -> int:
        """How long a retired key stays published: as long as its last token can be valid."""
        return self.lifetime_s + CLOCK_LEEWAY_S

    def _claims(self, account: Account, audience: str, now: int) -> dict[str, Any]:
        return {
            "iss": self.url,
            "sub": account.username,
            "aud": audience,
            "iat": now,
            "exp": now + self.lifetime_s,
        }

    def _sign(self, token_type: str, claims: dict[str, Any]) -> str:
        key = self.keys.signing
        header = {"alg": ALGORITHM, "typ": token_type, "kid": key.kid}
        return jwt.encode(header, claims, key, algorithms=[ALGORITHM])
