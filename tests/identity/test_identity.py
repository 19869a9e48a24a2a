"""Officers and machines ask the local identity provider for tokens, and a platform checks them."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

from tests.local_bank.processes import ANSWER_TIMEOUT_S, Party, running

USERS: list[dict[str, Any]] = [
    {
        "username": "lan.preparer",
        "password": "mulberry river",
        "roles": ["payments_preparer"],
        "regions": ["VN-07"],
        "grant": "password",
    },
    {
        "username": "centre-vn-07",
        "password": "lantern boat",
        "roles": ["centre"],
        "regions": ["VN-07"],
        "grant": "client_credentials",
    },
    {"username": "ministry", "password": "copper gate", "roles": ["ministry"], "regions": []},
]


def write_users(directory: Path) -> Path:
    path = directory / "users.json"
    path.write_text(json.dumps(USERS))
    return path


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    directory = tmp_path_factory.mktemp("provider")
    users = write_users(directory)
    with running("deploy.local.identity", directory / "idp", "--users", str(users)) as party:
        yield party


@pytest.fixture
def own_provider(tmp_path: Path) -> Iterator[Party]:
    """A provider of this test alone, which may change its keys and its accounts."""
    users = write_users(tmp_path)
    with running("deploy.local.identity", tmp_path / "idp", "--users", str(users)) as party:
        yield party


def ask(provider: Party, **form: str) -> httpx.Response:
    return provider.post("/token", data=form)


def sign_in(provider: Party, name: str = "lan.preparer", password: str = "mulberry river") -> Any:
    form = {"grant_type": "password", "username": name, "password": password, "scope": "openid"}
    return ask(provider, **form).json()


def published(provider: Party) -> KeySet:
    metadata = provider.get("/.well-known/openid-configuration").json()
    assert metadata["issuer"] == provider.url
    return KeySet.import_key_set(httpx.get(metadata["jwks_uri"], timeout=ANSWER_TIMEOUT_S).json())


def test_an_officer_gets_an_access_token_that_says_who_which_roles_and_where(
    provider: Party,
) -> None:
    answer = sign_in(provider)
    token = jwt.decode(answer["access_token"], published(provider), algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    claims = token.claims
    assert (claims["iss"], claims["aud"]) == (provider.url, "hamroh")
    assert (claims["sub"], claims["client_id"]) == ("lan.preparer", "hamroh-local")
    assert (claims["roles"], claims["regions"]) == (["payments_preparer"], ["VN-07"])
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 600
    assert claims["jti"]


def test_the_id_token_is_for_the_client_and_carries_no_rights(provider: Party) -> None:
    answer = sign_in(provider)
    token = jwt.decode(answer["id_token"], published(provider), algorithms=["ES256"])
    assert token.header["typ"] == "JWT"
    assert token.claims["aud"] == "hamroh-local"
    assert token.claims.keys().isdisjoint({"roles", "regions", "jti"})


@pytest.mark.parametrize("in_header", [True, False])
def test_a_regions_system_gets_a_token_with_its_own_credentials(
    provider: Party, in_header: bool
) -> None:
    form = {"grant_type": "client_credentials"}
    auth = httpx.BasicAuth("centre-vn-07", "lantern boat") if in_header else None
    if not in_header:
        form |= {"client_id": "centre-vn-07", "client_secret": "lantern boat"}
    answer = provider.post("/token", data=form, auth=auth)
    assert answer.headers["cache-control"] == "no-store"
    token = jwt.decode(answer.json()["access_token"], published(provider), algorithms=["ES256"])
    assert token.claims["sub"] == token.claims["client_id"] == "centre-vn-07"
    assert "id_token" not in answer.json()


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password", "username": "lan.preparer", "password": "wrong"}, 400, "grant"),
        ({"grant_type": "password", "username": "nobody", "password": ""}, 400, "grant"),
        (
            {"grant_type": "password", "username": "centre-vn-07", "password": "lantern boat"},
            400,
            "grant",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "lan.preparer",
                "client_secret": "mulberry river",
            },
            401,
            "client",
        ),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"username": "lan.preparer"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "x" * 20_000}, 413, "invalid_request"),
        ({f"field{n}": "x" for n in range(50)}, 400, "invalid_request"),
    ],
)
def test_whoever_cannot_prove_who_they_are_gets_no_token(
    provider: Party, form: dict[str, str], status: int, error: str
) -> None:
    answer = ask(provider, **form)
    assert answer.status_code == status
    assert error in answer.json()["error"]
    assert "access_token" not in answer.json()


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"grant_type=password&grant_type=password"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=1"),
        ("application/json", b"{}"),
    ],
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(
    provider: Party, media_type: str, body: bytes
) -> None:
    headers = {"content-type": media_type}
    answer = provider.post("/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_after_a_rotation_earlier_tokens_still_verify_and_new_ones_have_a_new_key(
    own_provider: Party,
) -> None:
    before = sign_in(own_provider)["access_token"]
    kid = own_provider.post("/rotate").json()["kid"]
    after = sign_in(own_provider)["access_token"]
    keys = published(own_provider)
    assert jwt.decode(before, keys, algorithms=["ES256"]).header["kid"] != kid
    assert jwt.decode(after, keys, algorithms=["ES256"]).header["kid"] == kid


def test_a_withdrawn_key_is_published_no_longer(own_provider: Party) -> None:
    before = sign_in(own_provider)["access_token"]
    own_provider.post("/rotate", params={"withdraw": "true"})
    with pytest.raises(InvalidKeyIdError):
        jwt.decode(before, published(own_provider), algorithms=["ES256"])


def test_keys_are_private_to_the_owner_and_outlive_a_power_cut(
    own_provider: Party, tmp_path: Path
) -> None:
    token = sign_in(own_provider)["access_token"]
    file = tmp_path / "idp" / "keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    own_provider.kill()
    own_provider.start_again()
    assert jwt.decode(token, published(own_provider), algorithms=["ES256"]).claims["sub"]
    assert all("d" not in key for key in published(own_provider).as_dict()["keys"])


def test_an_officer_who_is_removed_gets_no_further_token(
    own_provider: Party, tmp_path: Path
) -> None:
    assert "access_token" in sign_in(own_provider)
    (tmp_path / "users.json").write_text(json.dumps(USERS[1:]))
    assert sign_in(own_provider) == {"error": "invalid_grant"}


def test_an_account_without_a_stated_grant_may_use_either(provider: Party) -> None:
    assert "access_token" in sign_in(provider, "ministry", "copper gate")
    form = {"client_id": "ministry", "client_secret": "copper gate"}
    assert "access_token" in ask(provider, grant_type="client_credentials", **form).json()


def test_without_a_users_file_nobody_can_sign_in_until_one_is_written(tmp_path: Path) -> None:
    with running("deploy.local.identity", tmp_path / "idp") as provider:
        assert sign_in(provider) == {"error": "invalid_grant"}
        (tmp_path / "idp" / "users.json").write_text(json.dumps(USERS))
        assert "access_token" in sign_in(provider)
