"""The platform in containers: its environment file, and the running project as an instance."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent.parent
COMPOSE_FILE: Final = FOLDER / "compose.yaml"
ENVIRONMENT_FILE: Final = FOLDER / ".env"
EXAMPLE_FILE: Final = FOLDER / ".env.example"


class ComposeError(Exception):
    """The project cannot do what is asked; the message is one sentence."""
