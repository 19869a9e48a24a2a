"""`python -m services.cli.matching` does what `hamroh match` does."""

from services.cli.matching import app

app(prog_name="hamroh match")
