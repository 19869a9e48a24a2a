"""Starts the bank and runs it until it is told to stop."""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.bank.app import create_app
from deploy.local.bank.books import Books
from deploy.local.bank.desk import Desk, Pace
from deploy.local.bank.fate import Fortune, Shares
from deploy.local.bank.orders import DECIMALS, schema
from deploy.local.serving import add_address, serve

AGENCY_ACCOUNT = "HAMROH-AGENCY"
OPENING_MINOR = 10**14


def main() -> None:
    """Reads the command line, opens the books and the agency's accounts, serves."""
    arguments = _arguments()
    schema()  # Without it no file can be taken: fail now, not at the first payment.
    books = Books(arguments.directory)
    opened_on = datetime.now(UTC).date().isoformat()
    for currency in DECIMALS:
        books.open_account(arguments.account, currency, arguments.opening_minor, opened_on)
    shares = Shares(
        reject=arguments.reject_share,
        returned=arguments.return_share,
        late=arguments.late_share,
        twice=arguments.twice_share,
        lost=arguments.lost_share,
    )
    pace = Pace(delay_s=arguments.delay_s, late_s=arguments.late_s)
    desk = Desk(books, Fortune(arguments.seed, shares), pace, time.time)
    serve(create_app(books, desk), arguments.host, arguments.port)


def _arguments() -> argparse.Namespace:
    usual, pace = Shares(), Pace()
    parser = argparse.ArgumentParser(prog="python -m deploy.local.bank", description=__doc__)
    add_address(parser)
    parser.add_argument("--directory", type=Path, required=True, help="where the books live")
    parser.add_argument("--seed", type=int, required=True, help="decides what happens to payments")
    parser.add_argument("--reject-share", type=float, default=usual.reject)
    parser.add_argument("--return-share", type=float, default=usual.returned)
    parser.add_argument("--late-share", type=float, default=usual.late)
    parser.add_argument("--twice-share", type=float, default=usual.twice)
    parser.add_argument("--lost-share", type=float, default=usual.lost)
    parser.add_argument("--delay-s", type=float, default=pace.delay_s)
    parser.add_argument("--late-s", type=float, default=pace.late_s)
    parser.add_argument("--account", default=AGENCY_ACCOUNT, help="the agency's account number")
    parser.add_argument(
        "--opening-minor", type=int, default=OPENING_MINOR, help="money in each currency's account"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
