"""The provider's HTTP face: discovery, keys, tokens, rotation, readiness."""

import base64
import binascii
import time
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote_plus

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse

from deploy.local.identity.accounts import Account, Accounts, Grant
from deploy.local.identity.keys import ALGORITHM
from deploy.local.identity.tokens import Issuer
from deploy.local.serving import read_body

MAX_BODY_BYTES = 16 * 1024
MAX_FIELDS = 16
DEFAULT_CLIENT = "hamroh-local"
_GRANTS: dict[str, Grant] = {
    "password": "password",
    "client_credentials": "client_credentials",
}


class _RefusedError(Exception):
    """A token request the provider answers with an error code of RFC 6749, section 5.2."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


def create_app(issuer: Issuer, accounts: Accounts) -> FastAPI:
    """The provider as an ASGI application."""
    app = FastAPI(title="Local identity provider", docs_url=None, redoc_url=None)

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return _metadata(issuer)

    @app.get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        return issuer.jwks(_now())

    @app.post("/rotate")
    async def rotate(withdraw: Annotated[bool, Query()] = False) -> dict[str, str]:
        """Signs with a new key; `withdraw=true` stops publishing the earlier ones at once."""
        retained_s = 0 if withdraw else issuer.retained_s
        return {"kid": issuer.keys.rotate(_now(), retained_s=retained_s)}

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        try:
            answer = _grant(issuer, accounts, _with_basic(request, await _form(request)))
        except _RefusedError as refused:
            return JSONResponse({"error": refused.code}, refused.status, _headers(refused))
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return app


def _now() -> int:
    return int(time.time())


def _headers(refused: _RefusedError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if refused.status == 401:  # noqa: PLR2004 - RFC 6749 names this status
        headers["WWW-Authenticate"] = 'Basic realm="token"'
    return headers


def _metadata(issuer: Issuer) -> dict[str, Any]:
    return {
        "issuer": issuer.url,
        "token_endpoint": f"{issuer.url}/token",
        "jwks_uri": f"{issuer.url}/.well-known/jwks.json",
        "grant_types_supported": list(_GRANTS),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid"],
    }


async def _form(request: Request) -> dict[str, str]:
    """The form's fields; a field sent twice is refused, as RFC 6749 section 3.2 demands."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise _RefusedError("invalid_request")
    body = await read_body(request, MAX_BODY_BYTES)
    if body is None:
        raise _RefusedError("invalid_request", 413)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise _RefusedError("invalid_request") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _RefusedError("invalid_request")
    return fields


def _with_basic(request: Request, fields: dict[str, str]) -> dict[str, str]:
    """The fields with the client's name and secret from an `Authorization: Basic` header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not value:
        return fields
    if scheme.lower() != "basic" or "client_secret" in fields:
        raise _RefusedError("invalid_request")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _RefusedError("invalid_client", 401) from None
    return fields | {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _grant(issuer: Issuer, accounts: Accounts, fields: dict[str, str]) -> dict[str, Any]:
    grant = _GRANTS.get(fields.get("grant_type", ""))
    if grant is None:
        raise _RefusedError(
            "unsupported_grant_type" if "grant_type" in fields else "invalid_request"
        )
    if grant == "password":
        account = _signed_in(accounts, fields)
        client_id = fields.get("client_id", DEFAULT_CLIENT)
    else:
        account = _machine(accounts, fields)
        client_id = account.username
    now = _now()
    answer: dict[str, Any] = {
        "access_token": issuer.access_token(account, client_id, now),
        "token_type": "Bearer",
        "expires_in": issuer.lifetime_s,
    }
    if grant == "password" and "openid" in fields.get("scope", "").split():
        answer |= {"id_token": issuer.id_token(account, client_id, now), "scope": "openid"}
    return answer


def _signed_in(accounts: Accounts, fields: dict[str, str]) -> Account:
    account = accounts.verify(fields.get("username", ""), fields.get("password", ""), "password")
    if account is None:
        raise _RefusedError("invalid_grant")
    return account


def _machine(accounts: Accounts, fields: dict[str, str]) -> Account:
    name, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    account = accounts.verify(name, secret, "client_credentials")
    if account is None:
        raise _RefusedError("invalid_client", 401)
    return account
