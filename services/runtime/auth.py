"""Who asks: access tokens (RFC 9068) checked against the provider's published keys.

Only a signed `at+jwt` of our issuer for our audience opens anything: no ID token, no key or address
named by the token itself, no algorithm but three. Whatever is wrong is answered 401 with a code.
Keys are read again every minute, at an unknown key id at once but not more than every ten seconds,
and served for a quarter of an hour while the provider is away.
"""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, NoReturn

import httpx
from fastapi import HTTPException, Request, Security
from fastapi.security import HTTPBearer
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.values import RegionCode, descends
from services.runtime.clock import machine_now

ALGORITHMS: Final = ("ES256", "RS256", "EdDSA", "Ed25519")
KEY_TYPES: Final = ("EC", "RSA", "OKP")
TOKEN_TYPES: Final = ("at+jwt", "application/at+jwt")
HEADER_FIELDS: Final = frozenset({"alg", "typ", "kid"})
MAX_TOKEN_BYTES: Final = 8192
MAX_JWKS_BYTES: Final = 65_536
MAX_KEYS: Final = 20
LEEWAY_S: Final = 60
"""How far two clocks may differ."""
FRESH_S: Final = 60.0
STALE_S: Final = 900.0
RETRY_S: Final = 10.0
FIRST_RETRY_S: Final = 1.0
FETCH_TIMEOUT_S: Final = 5.0

PublicKey = ECKey | RSAKey | OKPKey
Fetch = Callable[[str], Awaitable[bytes]]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class ProviderAwayError(Exception):
    """The identity provider does not answer and no key of it is known."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a token opens nothing; the code never holds any of it."""

    code: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as which roles, for which regions."""

    subject: str
    roles: frozenset[str]
    regions: tuple[str, ...]

    def sees(self, region: str) -> bool:
        """Whether a region, or the region it lies in, is theirs."""
        return any(descends(region, own) for own in self.regions)


class _Claims(BaseModel):
    """What an access token must say, and nothing lenient about it."""

    model_config = ConfigDict(strict=True, extra="ignore")

    iss: str
    aud: str | list[str]
    sub: Name
    exp: int
    iat: int
    nbf: int | None = None
    roles: Annotated[list[Name], Field(max_length=50)] = []
    regions: Annotated[list[RegionCode], Field(max_length=200)] = []


async def fetch(url: str) -> bytes:
    """A small document of the provider; redirects are not followed."""
    async with (
        httpx.AsyncClient(timeout=FETCH_TIMEOUT_S) as client,
        client.stream("GET", url) as response,
    ):
        response.raise_for_status()
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_JWKS_BYTES:
                raise ValueError("the provider's document is too large")
        return bytes(body)


@dataclass(slots=True)
class ProviderKeys:
    """The provider's public keys by id."""

    issuer: str
    fetch: Fetch = fetch
    clock: Callable[[], float] = time.monotonic
    _keys: dict[str, PublicKey] = field(default_factory=dict)
    _read_at: float = float("-inf")
    _tried_at: float = float("-inf")
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, kid: str) -> PublicKey | None:
        """A key by its id; a `ProviderAwayError` if none could be read for too long."""
        now = self.clock()
        if now - self._read_at > FRESH_S or kid not in self._keys:
            await self._refresh(now)
        if self.clock() - self._read_at > STALE_S:
            raise ProviderAwayError
        return self._keys.get(kid)

    async def _refresh(self, asked_at: float) -> None:
        async with self._reading:
            pause_s = RETRY_S if self._keys else FIRST_RETRY_S
            if self._tried_at >= asked_at or self.clock() - self._tried_at < pause_s:
                return
            self._tried_at = self.clock()
            try:
                self._keys = await self._read()
            except (httpx.HTTPError, OSError, ValueError, LookupError, TypeError):
                return
            self._read_at = self._tried_at

    async def _read(self) -> dict[str, PublicKey]:
        about = json.loads(await self.fetch(f"{self.issuer}/.well-known/openid-configuration"))
        if about["issuer"] != self.issuer:
            raise ValueError("the discovery document is another issuer's")
        published = json.loads(await self.fetch(about["jwks_uri"]))["keys"]
        usable = (_usable(key) for key in published[:MAX_KEYS])
        return {key.kid: key for key in usable if key is not None and key.kid}


def _usable(key: dict[str, Any]) -> PublicKey | None:
    """A public signing key, or None: no shared secret, no private part, nothing short."""
    short = key.get("kty") == "RSA" and len(key.get("n", "")) < 342  # noqa: PLR2004 - 2048 bits
    fits = key.get("kty") in KEY_TYPES and key.get("use", "sig") == "sig" and "d" not in key
    if short or not fits or key.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return None
    try:
        found: Any = import_key(key)
    except (JoseError, ValueError):
        return None
    return found if isinstance(found, ECKey | RSAKey | OKPKey) else None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Turns a token into a principal."""

    keys: ProviderKeys
    audience: str
    now: Callable[[], datetime] = machine_now

    async def verify(self, token: str) -> Principal | Refused:
        """Who the token names, or why it opens nothing."""
        head = _head(token)
        if isinstance(head, Refused):
            return head
        key = await self.keys.find(head["kid"])
        if key is None:
            return Refused("token.unknown_key")
        try:
            signed = jws.deserialize_compact(token, key, algorithms=[head["alg"]])
        except (JoseError, ValueError, TypeError):
            return Refused("token.bad_signature")
        try:
            claims = _Claims.model_validate(strict_json(signed.payload))
        except (ValidationError, ValueError, RecursionError):
            return Refused("token.bad_claims")
        return self._principal(claims)

    def _principal(self, claims: _Claims) -> Principal | Refused:
        now_s = self.now().timestamp()
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        objections = (
            (claims.iss != self.keys.issuer, "token.wrong_issuer"),
            (self.audience not in audiences, "token.wrong_audience"),
            (claims.exp <= now_s - LEEWAY_S, "token.expired"),
            (max(claims.iat, claims.nbf or 0) > now_s + LEEWAY_S, "token.not_yet_valid"),
        )
        for wrong, code in objections:
            if wrong:
                return Refused(code)
        return Principal(claims.sub, frozenset(claims.roles), tuple(claims.regions))


def _head(token: str) -> dict[str, str] | Refused:
    """The header's three fields, if there are no others."""
    if len(token) > MAX_TOKEN_BYTES:
        return Refused("token.too_large")
    try:
        text = jws.extract_compact(token.encode("ascii")).segments["header"]
        head = strict_json(base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True))
    except (JoseError, ValueError, TypeError, RecursionError):
        return Refused("token.malformed")
    objections = (
        (head.keys() != HEADER_FIELDS, "token.bad_header"),
        (not all(isinstance(value, str) for value in head.values()), "token.bad_header"),
        (head.get("alg") not in ALGORITHMS, "token.bad_algorithm"),
        (str(head.get("typ")).lower() not in TOKEN_TYPES, "token.wrong_type"),
    )
    return next((Refused(code) for wrong, code in objections if wrong), head)


def strict_json(raw: bytes) -> Any:
    """JSON as everybody reads it: no name twice, no NaN."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name stands twice")
        return dict(pairs)

    def no_constant(_: str) -> NoReturn:
        raise ValueError("not a number")

    return json.loads(raw, object_pairs_hook=once, parse_constant=no_constant)


_SCHEME: Final = HTTPBearer(auto_error=False, bearerFormat="at+jwt")
"""For the API's description; the header is read below."""


def requires(*roles: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the principal, if their token holds one of the roles; 401 or 403 otherwise."""

    async def principal(request: Request, _: Annotated[Any, Security(_SCHEME)]) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("token.missing")
        verifier: Verifier = request.app.state.verifier
        try:
            found = await verifier.verify(token.strip())
        except ProviderAwayError:
            raise HTTPException(503, "provider.away", {"Retry-After": "10"}) from None
        if isinstance(found, Refused):
            request.app.state.telemetry.log.warning("token refused", code=found.code)
            request.app.state.limits.check(f"address {request.client and request.client.host}")
            raise _unauthorized(found.code)
        request.state.subject_id = found.subject
        request.app.state.limits.check(f"subject {found.subject}")
        if not found.roles.intersection(roles):
            raise HTTPException(403, "role.missing")
        return found

    return principal


def _unauthorized(code: str) -> HTTPException:
    error = "" if code == "token.missing" else ' error="invalid_token"'
    return HTTPException(401, code, {"WWW-Authenticate": f'Bearer realm="hamroh"{error}'})
