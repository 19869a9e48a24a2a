"""`python -m deploy.local up | status | logs | env | down | reset`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said here, before an import fails over it
    raise SystemExit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
try:
    from deploy.local.cli import app
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"The package {missing.name} is missing: install the locked packages of requirements.txt."
    ) from missing

if __name__ == "__main__":
    app(prog_name="python -m deploy.local")
