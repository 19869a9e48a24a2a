"""`python -m deploy.local up | status | logs | down | reset`."""

from deploy.local.cli import app

if __name__ == "__main__":
    app(prog_name="python -m deploy.local")
