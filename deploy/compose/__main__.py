"""`python -m deploy.compose env | credentials | example | realm`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy import credentials
from deploy.compose import ENVIRONMENT_FILE, EXAMPLE_FILE, ComposeError
from deploy.compose.environment import example, fresh
from deploy.compose.project import Project
from deploy.compose.realm import FILE, document
from deploy.local.state import write_private

app = typer.Typer(
    help="The environment of deploy/compose.yaml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
File = Annotated[Path, typer.Option("--file", help="The environment file.")]


@app.command()
def env(
    file: File = ENVIRONMENT_FILE,
    regions: Annotated[str, typer.Option(help="Region codes, comma-separated.")] = "vn-07",
) -> None:
    """Write an environment file with fresh passwords and keys; one that is there is kept."""
    if file.exists():
        raise ComposeError(f"{file} is there already; remove it to make other passwords.")
    write_private(file, fresh(_listed(regions), {}), durable=True)
    typer.echo(f"{file} was written.")


def _listed(regions: str) -> list[str]:
    return [code for code in regions.lower().replace(" ", "").split(",") if code]


@app.command("example")
def write_example() -> None:
    """Write deploy/.env.example from the settings."""
    EXAMPLE_FILE.write_text(example(), encoding="utf-8")


@app.command()
def realm(
    regions: Annotated[str, typer.Option(help="Region codes, comma-separated.")] = "vn-07",
) -> None:
    """Write Keycloak's realm from the accounts and these regions."""
    FILE.write_text(document(_listed(regions)), encoding="utf-8")


@app.command("credentials")
def print_credentials(
    file: File = ENVIRONMENT_FILE,
    region: Annotated[str, typer.Option(help="For the centre system of this region.")] = "",
    ministry: Annotated[bool, typer.Option(help="For a ministry's dashboard.")] = False,
    operator: Annotated[bool, typer.Option(help="For `hamroh tick`.")] = False,
) -> None:
    """Print a principal's addresses and credentials as lines for a shell: eval "$(...)"."""
    if sum((bool(region), ministry, operator)) != 1:
        raise ComposeError("Say --region CODE, --ministry or --operator.")
    instance = Project(file).instance()
    if region:
        found = credentials.of_region(instance, region)
    else:
        of = credentials.of_ministry if ministry else credentials.of_operator
        found = of(instance)
    typer.echo(credentials.exports(found))


if __name__ == "__main__":
    try:
        app(prog_name="python -m deploy.compose")
    except ComposeError as fault:
        sys.exit(f"compose: {fault}")
