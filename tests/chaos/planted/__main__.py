"""A worker with a bug: `python -m tests.chaos.planted BUG SERVICE worker`; `none` plants none."""

import sys

from services.__main__ import main
from tests.chaos.planted.bugs import BUGS

if __name__ == "__main__":
    bug, *arguments = sys.argv[1:]
    if bug != "none":
        BUGS[bug]()
    sys.exit(main(arguments))
