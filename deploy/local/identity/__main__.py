"""Starts the provider and runs it until it is told to stop."""

import argparse
from pathlib import Path

from deploy.local.identity.accounts import Accounts
from deploy.local.identity.app import create_app
from deploy.local.identity.keys import KeyRing
from deploy.local.identity.tokens import Issuer
from deploy.local.serving import add_address, serve


def main() -> None:
    """Reads the command line, opens the keys and the accounts, serves."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.identity", description=__doc__)
    add_address(parser)
    parser.add_argument("--directory", type=Path, required=True, help="where the keys live")
    parser.add_argument(
        "--users", type=Path, help="JSON list of accounts; default: users.json in the directory"
    )
    parser.add_argument("--issuer", help="default: the address it listens on")
    parser.add_argument("--audience", default="hamroh")
    parser.add_argument("--lifetime-s", type=int, default=600, help="of a token")
    arguments = parser.parse_args()
    keys = KeyRing(arguments.directory)
    accounts = Accounts(arguments.users or _own_users(arguments.directory))
    issuer = Issuer(
        url=arguments.issuer or f"http://{arguments.host}:{arguments.port}",
        audience=arguments.audience,
        lifetime_s=arguments.lifetime_s,
        keys=keys,
    )
    serve(create_app(issuer, accounts), arguments.host, arguments.port)


def _own_users(directory: Path) -> Path:
    """The file of the directory: nobody can sign in until somebody is written into it."""
    users = directory / "users.json"
    if not users.exists():
        users.touch(mode=0o600)
        users.write_text("[]\n")
    return users


if __name__ == "__main__":
    main()
