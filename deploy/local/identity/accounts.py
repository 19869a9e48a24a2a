"""Who can sign in: invented officers and machines, read from a JSON file."""

import hmac
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

Grant = Literal["password", "client_credentials"]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$")]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,63}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{0,31}$")]


class Account(BaseModel):
    """One officer or machine.

    `grant` says how it may ask for a token: `password` for a person, `client_credentials` for a
    system, whose username is then its client id. Where it is left out, both are allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(repr=False)
    roles: tuple[Role, ...] = ()
    regions: tuple[Region, ...] = ()
    grant: Grant | None = None


_ACCOUNTS = TypeAdapter(list[Account])


class Accounts:
    """The accounts of a file. The file is read again when it changes: who is removed is out."""

    def __init__(self, path: Path) -> None:
        """Reads the file; a `ValueError` if it is not a list of accounts, an `OSError` if gone."""
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._accounts: dict[str, Account] = {}
        self._refresh()

    def verify(self, username: str, password: str, grant: Grant) -> Account | None:
        """The account if name, password and grant fit together, else `None`, whatever was wrong."""
        self._refresh()
        account = self._accounts.get(username)
        expected = account.password if account else ""
        matches = hmac.compare_digest(expected.encode(), password.encode())
        if account is None or not matches or account.grant not in {None, grant}:
            return None
        return account

    def _refresh(self) -> None:
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp == self._stamp:
            return
        accounts = _ACCOUNTS.validate_json(self._path.read_bytes())
        self._accounts = {account.username: account for account in accounts}
        if len(self._accounts) != len(accounts):
            raise ValueError("two accounts have the same username")
        self._stamp = stamp
