"""List the commands, or run one: `slr fit ...` is `python -m slr_keras fit ...`."""

from typing import NoReturn

from slr_keras.utils.command import run
from slr_keras.utils.command_index import CommandIndex

INDEX = CommandIndex({"slr_keras": "commands", "export": "export and serving"})


def script() -> NoReturn:
    """Run the console script `slr`."""
    run(INDEX.main)


if __name__ == "__main__":
    script()
