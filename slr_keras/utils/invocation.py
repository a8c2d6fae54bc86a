"""How the program was started, so that the commands it shows can be typed as they stand."""

import re
import sys
from pathlib import Path

SCRIPT = "slr"
MODULE = "python -m slr_keras"

# A command at the start of an indented line or after a backtick, a prompt or a pipe. Elsewhere the
# word may be part of a path.
_SHOWN = re.compile(rf"(^ +|`|\$ |\| ){SCRIPT} (?=[a-z])", re.MULTILINE)


def program() -> str:
    """`slr` in a process of the console script, `python -m slr_keras` in any other.

    The script is there only where the package is installed; the module always runs.

    >>> from slr_keras.utils.invocation import program
    >>> program()
    'python -m slr_keras'
    """
    return SCRIPT if Path(sys.argv[0]).stem == SCRIPT else MODULE


def as_started(text: str) -> str:
    """A text whose commands, such as `slr fit`, begin as this program was started.

    Only a command in backticks, after a prompt or a pipe, or on an indented line is changed.

    >>> from slr_keras.utils.invocation import as_started
    >>> as_started("no run here; `slr fit RECIPE` makes one")
    'no run here; `python -m slr_keras fit RECIPE` makes one'
    """
    return _SHOWN.sub(lambda match: f"{match[1]}{program()} ", text)
