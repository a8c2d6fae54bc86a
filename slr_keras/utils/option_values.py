"""Values of command options: numbers within ranges, sizes; each is a `type` of argparse."""

import argparse
import re
from collections.abc import Callable


def count(text: str) -> int:
    """Parse a whole number, 0 or greater; an argparse `type`."""
    return _whole(text, 0, "a whole number of 0 or more")


def positive(text: str) -> int:
    """Parse a whole number above 0; an argparse `type`."""
    return _whole(text, 1, "a whole number above 0")


def number(accepts: Callable[[float], bool], expected: str) -> Callable[[str], float]:
    """Make an argparse `type` for numbers that `accepts` allows.

    Args:
        accepts: whether a number is allowed.
        expected: the allowed numbers in words, for the error message.

    >>> from slr_keras.utils.option_values import number
    >>> number(lambda value: 0 < value < 1, "a number between 0 and 1")("0.5")
    0.5
    """

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        return value

    return parse


def between(least: float, most: float, unit: str = "") -> Callable[[str], float]:
    """Make an argparse `type` for numbers from `least` to `most`, both included.

    >>> from slr_keras.utils.option_values import between
    >>> between(1, 1000)("25")
    25.0
    """
    expected = f"a number from {least:g} to {most:g}"
    return number(lambda value: least <= value <= most, f"{expected} {unit}".rstrip())


def seconds(text: str) -> float:
    """Parse a duration above 0 and up to one hour, in seconds; an argparse `type`."""
    expected = "a number of seconds above 0 and up to 3600"
    return number(lambda value: 0 < value <= 3600, expected)(text)


def fraction(text: str) -> float:
    """Parse a number above 0 and below 1; an argparse `type`."""
    return number(lambda value: 0 < value < 1, "a number between 0 and 1")(text)


def frame_rate(text: str) -> float:
    """Parse a frame rate of 1 to 1000 frames per second; an argparse `type`."""
    return between(1, 1000, "frames per second")(text)


def learning_rate(text: str) -> float:
    """Parse a learning rate from 1e-8 to 1; an argparse `type`."""
    return between(1e-8, 1)(text)


def image_size(text: str) -> tuple[float, float]:
    """Parse a width and a height such as 1280x720; an argparse `type`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", text)
    if not match or not all(float(side) > 0 for side in match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x720")
    return float(match[1]), float(match[2])


def seed(text: str) -> int:
    """Parse a seed of random numbers, from 0 to 2147483647; an argparse `type`."""
    return _whole(text, 0, "a whole number from 0 to 2147483647", 2**31 - 1)


def _whole(text: str, least: int, expected: str, most: int = 10**10) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not {expected}")
    return int(text)
