"""Command-line basics: one-line errors, exit codes, quiet start-up and types of options."""

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from slr_keras.utils.errors import UserError

USER_MISTAKE = 2
INTERRUPTED = 130


def run(
    main: Callable[[list[str] | None], int | None], arguments: list[str] | None = None
) -> NoReturn:
    """Run a command's `main` and leave the process with its exit code.

    A `UserError`, or an operating-system error that the user can correct (no such file, disk full),
    becomes one line on standard error and exit code 2; Ctrl-C gives exit code 130.
    """
    # TensorFlow logs CPU features at import unless this is set before.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        code = main(arguments) or 0
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = USER_MISTAKE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of the output (head, less) has ended: not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if error.errno is None:
            raise
        hint = "; free some space and run the same command again" * (error.errno == errno.ENOSPC)
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror}{hint}", file=sys.stderr)
        code = USER_MISTAKE
    sys.exit(code)


def count(text: str) -> int:
    """Parse a whole number of 0 or more, for argparse's `type`."""
    return _whole(text, 0)


def positive(text: str) -> int:
    """Parse a whole number of 1 or more, for argparse's `type`."""
    return _whole(text, 1)


def number(accepts: Callable[[float], bool], what: str) -> Callable[[str], float]:
    """Make a `type` for argparse: numbers that `accepts`, described by `what` in errors.

    >>> from slr_keras.utils.command import number
    >>> number(lambda value: 0 < value < 1, "a number between 0 and 1")("0.5")
    0.5
    """

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return value

    return parse


def fraction(text: str) -> float:
    """Parse a number between 0 and 1, both excluded, for argparse's `type`."""
    return number(lambda value: 0 < value < 1, "a number between 0 and 1")(text)


def _whole(text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
    return int(text)


def image_size(text: str) -> tuple[float, float]:
    """Parse a width and a height such as 1280x720, for argparse's `type`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", text)
    if not match or not all(float(side) > 0 for side in match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x720")
    return float(match[1]), float(match[2])
