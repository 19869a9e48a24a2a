"""`hamroh`: the command line. A command's module is imported when it is called, not before."""

import sys
from importlib import import_module
from typing import Any, Final

try:
    import typer
    from typer.core import TyperCommand, TyperGroup
except ModuleNotFoundError as lacking:
    raise SystemExit("hamroh needs more than the contracts: install hamroh[platform].") from lacking

COMMANDS: Final = {
    "import": ("services.cli.importing", "Publish a centre's list as claims, report the answers."),
    "match": ("services.cli.matching", "Find people who stand in a list twice."),
    "pack": ("services.cli.packs", "Check and explain rule packs."),
    "entitle": ("services.cli.entitlement", "Say what a person is entitled to, and why."),
    "dead-letters": ("services.cli.dead_letters", "Look at, replay or discard dead letters."),
    "tick": ("services.cli.rehearsal", "Move business time forward, in rehearsals only."),
}
"""Command → module with a typer `app`, and what `--help` says of it."""


class LazyGroup(TyperGroup):
    """Lists commands from the table and imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, in the table's order."""
        _ = ctx
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What help and suggestions need to know of a command."""
        _ = ctx
        entry = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=entry[1]) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run."""
        if args and args[0] in COMMANDS:
            return args[0], _load(args[0]), args[1:]
        return super().resolve_command(ctx, args)


def _load(name: str) -> Any:
    """A command, or one sentence about what its installation lacks."""
    try:
        module = import_module(COMMANDS[name][0])
    except ModuleNotFoundError as error:
        print(
            f"hamroh {name} is not part of this installation: {error.name} is missing. "
            "The extra `hamroh[platform]` brings every command.",
            file=sys.stderr,
        )
        raise typer.Exit(2) from error
    return typer.main.get_command(module.app)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Hamroh: event-driven social protection.",
)


@app.callback()
def root() -> None:
    """Hamroh: event-driven social protection."""


def main() -> None:
    """The `hamroh` command."""
    app(prog_name="hamroh")
