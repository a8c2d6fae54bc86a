"""An option that prints a text instead of running the command, as `--help` does."""

import argparse
from collections.abc import Callable
from typing import Any


class ShowText(argparse.Action):
    """Print what a function makes and leave; the command's other arguments are not needed.

    Args:
        make: gets the option's value, empty for none, and returns the text.

    >>> import argparse
    >>> from slr_keras.utils.show_text import ShowText
    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--list", action=ShowText, make=lambda text: "a\\nb", nargs=0)
    >>> parser.parse_args(["--list"])
    Traceback (most recent call last):
    SystemExit: 0
    """

    def __init__(self, *args: Any, make: Callable[[str], str], **keywords: Any):
        super().__init__(*args, **{"default": argparse.SUPPRESS, **keywords})
        self.make = make

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        # Written at once, so that a reader that has ended (head, less) is noticed here.
        print(self.make(values or ""), flush=True)
        parser.exit()
