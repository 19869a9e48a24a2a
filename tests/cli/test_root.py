import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services import cli

MODULES = """
import sys
from services.cli import main
try:
    main()
except SystemExit:
    print(*sys.modules)
"""


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    run = subprocess.run(
        [sys.executable, "-c", MODULES, "--help"], capture_output=True, text=True, check=True
    )
    assert all(name in run.stdout for name in cli.COMMANDS)
    loaded = set(run.stdout.split())
    assert "typer" in loaded
    assert not loaded & {module for module, _ in cli.COMMANDS.values()}
    assert not loaded & {"asyncpg", "aiokafka", "fastapi", "numpy"}


def test_a_command_is_imported_when_it_is_called() -> None:
    answer = CliRunner().invoke(cli.app, ["import", "--help"])
    assert answer.exit_code == 0
    assert "--region" in answer.output


def test_a_command_that_is_not_installed_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "match", ("services.cli.absent", "Absent."))
    result = CliRunner().invoke(cli.app, ["match", "list.csv"])
    assert result.exit_code == 2
    assert (
        "hamroh match is not part of this installation" in result.output + capsys.readouterr().err
    )


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(cli.app, ["imprt"]).exit_code == 2
