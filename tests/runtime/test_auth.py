"""Hostile tokens: each is refused with a code, and opens nothing."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from services.runtime.auth import (
    FRESH_S,
    MAX_KEYS,
    STALE_S,
    Principal,
    ProviderAwayError,
    Refused,
)
from tests.runtime.provider import (
    CLAIMS,
    EC,
    HEAD,
    ISSUER,
    NOW_S,
    OKP,
    RSA,
    STRANGER,
    WEAK,
    Provider,
    claims,
    part,
    token,
)

TWICE = b'{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"ec"}'


def without(name: str) -> str:
    return token({key: value for key, value in CLAIMS.items() if key != name})


def hmac_with_public_key() -> str:
    signed = f"{part({**HEAD, 'alg': 'HS256', 'kid': 'rsa'})}.{part(CLAIMS)}"
    mac = hmac.digest(RSA.as_pem(private=False), signed.encode(), hashlib.sha256)
    return f"{signed}.{part(mac)}"


def unsigned(**head: Any) -> str:
    return f"{part({**HEAD, **head})}.{part(CLAIMS)}."


def forged() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{part({**CLAIMS, 'roles': ['admin']})}.{signature}"


HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "empty": (str, "token.malformed"),
    "words": (lambda: "let me in", "token.malformed"),
    "two parts": (lambda: "a.b", "token.malformed"),
    "five parts": (lambda: f"{token()}.x.y", "token.malformed"),
    "huge": (lambda: token({**CLAIMS, "x": "y" * 9000}), "token.too_large"),
    "not ascii": (lambda: "ắ.ь.ў", "token.malformed"),
    "nested header": (lambda: f"{part(b'[' * 300)}.e30.AA", "token.malformed"),
    "header of a list": (lambda: f"{part([1])}.{part(CLAIMS)}.AA", "token.malformed"),
    "alg none": (lambda: unsigned(alg="none"), "token.bad_algorithm"),
    "alg None": (lambda: unsigned(alg="None"), "token.bad_algorithm"),
    "alg null": (lambda: unsigned(alg=None), "token.bad_header"),
    "alg list": (lambda: unsigned(alg=["ES256"]), "token.bad_header"),
    "no signature": (unsigned, "token.bad_signature"),
    "public key as secret": (hmac_with_public_key, "token.bad_algorithm"),
    "HS256": (
        lambda: token(key=OctKey.generate_key(256), alg="HS256", kid="oct"),
        "token.bad_algorithm",
    ),
    "PS256": (lambda: unsigned(alg="PS256", kid="rsa"), "token.bad_algorithm"),
    "ES256 under an RSA key": (lambda: token(kid="rsa"), "token.bad_signature"),
    "RS256 under an EC key": (lambda: token(key=RSA, alg="RS256"), "token.bad_signature"),
    "stranger's key": (lambda: token(key=STRANGER), "token.bad_signature"),
    "short key": (lambda: token(key=WEAK, alg="RS256", kid="weak"), "token.unknown_key"),
    "secret among the keys": (
        lambda: token(key=RSA, alg="RS256", kid="oct"),
        "token.unknown_key",
    ),
    "withdrawn key": (lambda: token(kid="gone"), "token.unknown_key"),
    "kid traversal": (lambda: token(kid="../../dev/null"), "token.unknown_key"),
    "kid SQL": (lambda: token(kid="' or 1=1 --"), "token.unknown_key"),
    "kid number": (lambda: unsigned(kid=7), "token.bad_header"),
    "kid missing": (
        lambda: f"{part({'alg': 'ES256', 'typ': 'at+jwt'})}.{part(CLAIMS)}.AA",
        "token.bad_header",
    ),
    "embedded jwk": (
        lambda: token(key=STRANGER, jwk=STRANGER.as_dict(private=False)),
        "token.bad_header",
    ),
    "jku": (lambda: token(jku="https://evil.example/keys"), "token.bad_header"),
    "x5u": (lambda: token(x5u="https://evil.example/cert"), "token.bad_header"),
    "x5c": (lambda: token(x5c=["MIIB"]), "token.bad_header"),
    "crit": (lambda: unsigned(crit=["exp"]), "token.bad_header"),
    "b64": (lambda: unsigned(b64=False), "token.malformed"),
    "header name twice": (
        lambda: f"{part(TWICE)}.{part(CLAIMS)}.AA",
        "token.malformed",
    ),
    "ID token": (lambda: token(typ="JWT"), "token.wrong_type"),
    "no type": (lambda: unsigned(typ=""), "token.wrong_type"),
    "forged role": (forged, "token.bad_signature"),
    "wrong issuer": (lambda: claims(iss="https://evil.example"), "token.wrong_issuer"),
    "issuer with a slash": (lambda: claims(iss=f"{ISSUER}/"), "token.wrong_issuer"),
    "wrong audience": (lambda: claims(aud="bank"), "token.wrong_audience"),
    "no audience": (lambda: without("aud"), "token.bad_claims"),
    "empty audience": (lambda: claims(aud=[]), "token.wrong_audience"),
    "expired": (lambda: claims(exp=NOW_S - 61), "token.expired"),
    "no expiry": (lambda: without("exp"), "token.bad_claims"),
    "expiry as text": (lambda: claims(exp="4000000000"), "token.bad_claims"),
    "expiry true": (lambda: claims(exp=True), "token.bad_claims"),
    "expiry NaN": (
        lambda: token(json.dumps({**CLAIMS, "exp": float("nan")}).encode()),
        "token.bad_claims",
    ),
    "of the future": (lambda: claims(iat=NOW_S + 61), "token.not_yet_valid"),
    "not before": (lambda: claims(nbf=NOW_S + 61), "token.not_yet_valid"),
    "claim twice": (
        lambda: token(json.dumps(CLAIMS).encode()[:-1] + b',"sub":"admin"}'),
        "token.bad_claims",
    ),
    "no subject": (lambda: without("sub"), "token.bad_claims"),
    "subject with a line break": (lambda: claims(sub="a\nb"), "token.bad_claims"),
    "roles as text": (lambda: claims(roles="officer"), "token.bad_claims"),
    "region wildcard": (lambda: claims(regions=["%"]), "token.bad_claims"),
    "region list in a text": (lambda: claims(regions=["VN-07,VN-08"]), "token.bad_claims"),
    "payload is a list": (lambda: token(b"[]"), "token.bad_claims"),
    "payload is too deep": (lambda: token(b"[" * 5000), "token.bad_claims"),
}


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.mark.parametrize(("make", "code"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_token_is_refused(
    provider: Provider, make: Callable[[], str], code: str
) -> None:
    assert await provider.verifier().verify(make()) == Refused(code)


@pytest.mark.parametrize(
    ("key", "alg"), [(EC, "ES256"), (RSA, "RS256"), (OKP, "EdDSA"), (OKP, "Ed25519")]
)
async def test_a_proper_token_names_its_principal(provider: Provider, key: Any, alg: str) -> None:
    found = await provider.verifier().verify(token(key=key, alg=alg, kid=key.kid))
    assert found == Principal("officer-7", frozenset({"officer"}), ("VN-07",))


@pytest.mark.parametrize(
    "changed", [{"exp": NOW_S - 59}, {"iat": NOW_S + 59}, {"aud": ["x", "hamroh"]}]
)
async def test_clocks_may_differ_by_a_minute(provider: Provider, changed: dict[str, Any]) -> None:
    assert isinstance(await provider.verifier().verify(claims(**changed)), Principal)


def test_a_principal_sees_its_region_and_below() -> None:
    officer = Principal("o", frozenset(), ("VN-07",))
    assert [officer.sees(region) for region in ("VN-07", "VN-07-00694", "VN-070", "VN")] == [
        True,
        True,
        False,
        False,
    ]


class TestKeys:
    async def test_keys_are_read_once_a_minute(self, provider: Provider) -> None:
        verifier = provider.verifier()
        for _ in range(5):
            await verifier.verify(token())
        assert provider.asked == 2
        provider.now_s = FRESH_S + 1
        await verifier.verify(token())
        assert provider.asked == 4

    async def test_a_new_key_is_found_at_once_and_a_made_up_one_asks_seldom(
        self, provider: Provider
    ) -> None:
        verifier, fresh = provider.verifier(), ECKey.generate_key("P-256", {"kid": "fresh"})
        await verifier.verify(token())
        provider.keys.append(fresh.as_dict(private=False))
        provider.now_s = 11
        assert isinstance(await verifier.verify(token(key=fresh, kid="fresh")), Principal)
        asked = provider.asked
        for number in range(100):
            await verifier.verify(token(kid=f"made-up-{number}"))
        assert provider.asked == asked
        provider.now_s = 22
        await verifier.verify(token(kid="made-up"))
        assert provider.asked == asked + 2

    async def test_a_withdrawn_key_opens_nothing_after_a_minute(self, provider: Provider) -> None:
        verifier = provider.verifier()
        assert isinstance(await verifier.verify(token()), Principal)
        provider.keys = [RSA.as_dict(private=False)]
        provider.now_s = FRESH_S + 1
        assert await verifier.verify(token()) == Refused("token.unknown_key")

    async def test_an_absent_provider_is_bridged_and_then_said(self, provider: Provider) -> None:
        verifier = provider.verifier()
        await verifier.verify(token())
        provider.away = True
        provider.now_s = STALE_S - 1
        assert isinstance(await verifier.verify(token()), Principal)
        provider.now_s = STALE_S + 1
        with pytest.raises(ProviderAwayError):
            await verifier.verify(token())
        provider.away = False
        provider.now_s += 11
        assert isinstance(await verifier.verify(token()), Principal)

    async def test_another_issuers_documents_are_not_taken(self, provider: Provider) -> None:
        provider.issuer = "https://evil.example"
        with pytest.raises(ProviderAwayError):
            await provider.verifier().verify(token())

    async def test_a_flood_of_keys_is_cut(self, provider: Provider) -> None:
        provider.keys = [{**EC.as_dict(private=False), "kid": str(n)} for n in range(1000)]
        verifier = provider.verifier()
        assert isinstance(await verifier.verify(token(kid="0")), Principal)
        assert await verifier.verify(token(kid=str(MAX_KEYS))) == Refused("token.unknown_key")
