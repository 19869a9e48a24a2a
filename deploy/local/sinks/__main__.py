"""Starts one sink and runs it until it is told to stop."""

import argparse
from pathlib import Path

from deploy.local.serving import add_address, serve
from deploy.local.sinks.box import Box
from deploy.local.sinks.mail import create_mail_app
from deploy.local.sinks.sms import create_sms_app


def main() -> None:
    """Reads the command line, opens the box, serves."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.sinks", description=__doc__)
    parser.add_argument("kind", choices=["sms", "smtp"])
    add_address(parser)
    parser.add_argument("--directory", type=Path, required=True, help="where the box lives")
    parser.add_argument(
        "--http-port", type=int, default=0, help="smtp: where its box can be read; 0 is any"
    )
    arguments = parser.parse_args()
    box = Box(arguments.directory)
    if arguments.kind == "sms":
        serve(create_sms_app(box), arguments.host, arguments.port)
    else:
        app = create_mail_app(box, arguments.host, arguments.port)
        serve(app, arguments.host, arguments.http_port)


if __name__ == "__main__":
    main()
