"""What a process runs: `<service> api|worker`, `migrate` or `topics apply|drift`."""

import argparse
import sys
from collections.abc import Iterable
from importlib import import_module

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.catalogue import SERVICES


def main(arguments: list[str] | None = None) -> int:
    """Runs one part of the platform; the exit code is 1 where it found a fault."""
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for service in SERVICES:
        commands.add_parser(service).add_argument("process", choices=("api", "worker"))
    commands.add_parser("migrate").add_argument("--dry-run", action="store_true")
    commands.add_parser("topics").add_argument("action", choices=("apply", "drift"))
    chosen = parser.parse_args(arguments)
    if chosen.command == "migrate":
        return _migrate(dry_run=chosen.dry_run)
    if chosen.command == "topics":
        return _topics(chosen.action)
    return _serve(chosen.command, chosen.process)


def _serve(service: str, process: str) -> int:
    module = import_module(f"services.{service}.{process}")
    try:
        if process == "worker":
            module.worker.run()
        else:
            from services.runtime.web import serve

            app = module.create()
            serve(app, app.state.settings)
    except ValidationError as wrong:
        if not wrong.title.endswith("Settings"):
            raise
        return _say((_setting(error) for error in wrong.errors()), code=1)
    return 0


def _setting(error: ErrorDetails) -> str:
    """What is wrong with a setting, under its name in the environment; never its value."""
    name = "".join(f"HAMROH_{part}: ".upper() for part in error["loc"][:1])
    return name + error["msg"].removeprefix("Value error, ")


def _migrate(*, dry_run: bool) -> int:
    from services.runtime.migrate import MigrationError, migrate_all
    from services.runtime.settings import Settings

    try:
        applied = migrate_all(Settings(), dry_run=dry_run)
    except (MigrationError, ValueError) as refused:
        return _say([str(refused)], code=1)
    verb = "would apply" if dry_run else "applied"
    return _say(f"{service}: {verb} {name}" for service, names in applied.items() for name in names)


def _topics(action: str) -> int:
    from services.runtime import topics
    from services.runtime.settings import Settings

    settings = Settings()
    if action == "drift":
        found = topics.drift(settings, settings.regions)
        return _say(found, code=1 if found else 0)
    users = {user: word.get_secret_value() for user, word in settings.kafka_users.items()}
    return _say(topics.apply(settings, settings.regions, users))


def _say(lines: Iterable[str], code: int = 0) -> int:
    """One line each; a fault goes to the standard error."""
    stream = sys.stderr if code else sys.stdout
    stream.writelines(f"{line}\n" for line in lines)
    return code


if __name__ == "__main__":
    sys.exit(main())
