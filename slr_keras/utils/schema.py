"""Checks of metadata that comes from outside: the type and range of every field that is read.

A check is a function of a value and the name of its field; it raises a `UserError` that says what
the field must be. Checks are combined to a schema. Keys that no schema names are allowed: a later
version may write more.
"""

import itertools
import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from slr_keras.utils.errors import UserError

Check = Callable[[Any, str], None]

#: Numbers above this limit are no counts of frames, bytes or glosses.
MOST = 2**53
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist = 2, 3, 4
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def shown(value: Any) -> str:
    """A value in at most a line, for messages; safe for values of any size and depth.

    >>> from slr_keras.utils.schema import shown
    >>> shown(list(range(9))), shown("a" * 1000)[:9]
    ('[0, 1, 2, 3, ...]', "'aaaaaaaa")
    """
    # Python refuses to print a whole number of many digits.
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of about {int(value.bit_length() * math.log10(2)) + 1} digits"
    try:
        return _SHORT.repr(value)
    except ValueError:
        return f"a {type(value).__name__}"


def whole(least: int = 0, most: int = MOST) -> Check:
    """A whole number from `least` to `most`."""
    bound = f"from {least} to {most}" if most < MOST else f"of {least} or more"

    def check(value: Any, field: str) -> None:
        if type(value) is not int or not least <= value <= most:
            _refuse(value, field, f"a whole number {bound}")

    return check


def number(least: float = -math.inf, most: float = math.inf) -> Check:
    """A finite number from `least` to `most`."""
    limits = [f"of {least:g} or more"] * (least > -math.inf) + [f"up to {most:g}"] * (
        most < math.inf
    )
    expected = " ".join(["a number", " and ".join(limits)]).rstrip()

    def check(value: Any, field: str) -> None:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        # A comparison works for whole numbers that no float can hold.
        if not good or not (-1e300 < value < 1e300 and least <= value <= most):
            _refuse(value, field, expected)

    return check


def real(value: Any, field: str) -> None:
    """Any number, infinity and NaN included, which are results of some computations."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        _refuse(value, field, "a number")


def text(value: Any, field: str) -> None:
    """Text that is not empty and can be written as UTF-8."""
    if not isinstance(value, str) or not value or not _encodes(value):
        _refuse(value, field, "text")


def any_text(value: Any, field: str) -> None:
    """Text, which may be empty."""
    if not isinstance(value, str) or not _encodes(value):
        _refuse(value, field, "text")


def file_name(value: Any, field: str) -> None:
    """The name of a file in the folder of the metadata."""
    good = isinstance(value, str) and value not in ("", ".", "..") and _encodes(value)
    if not good or "/" in value or "\\" in value or len(value.encode()) > 255:
        _refuse(value, field, "the name of a file in the same folder")


def digest(value: Any, field: str) -> None:
    """A digest in hexadecimal digits."""
    if not isinstance(value, str) or not value or set(value) - set("0123456789abcdef"):
        _refuse(value, field, "a digest in hexadecimal digits")


def flag(value: Any, field: str) -> None:
    """true or false."""
    if not isinstance(value, bool):
        _refuse(value, field, "true or false")


def anything(value: Any, field: str) -> None:
    """Any value: the field is only shown."""


def one_of(*choices: Any) -> Check:
    """One of some values."""

    def check(value: Any, field: str) -> None:
        # true equals 1 in Python, and not in a file.
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            _refuse(value, field, f"one of {', '.join(map(str, choices))}")

    return check


def nullable(check: Check) -> Check:
    """null, or what another check allows."""
    return lambda value, field: None if value is None else check(value, field)


def both(*checks: Check) -> Check:
    """What several checks allow."""

    def check(value: Any, field: str) -> None:
        for one in checks:
            one(value, field)

    return check


def sequence(item: Check, least: int = 0, most: int = MOST) -> Check:
    """A list of `least` to `most` items, each of which another check allows."""
    plural = f"at least {least} item{'s' * (least > 1)}" if least else "items"
    expected = f"a list of {plural}" if most == MOST else f"a list of {least} to {most} items"

    def check(value: Any, field: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            _refuse(value, field, expected)
        for place, part in enumerate(value):
            item(part, f"{field}[{place}]")

    return check


def ascending(item: Check, least: int = 1) -> Check:
    """A list of at least `least` numbers, each greater than the one before."""
    numbers = sequence(item, least)

    def check(value: Any, field: str) -> None:
        numbers(value, field)
        if any(after <= before for before, after in itertools.pairwise(value)):
            _refuse(value, field, "in ascending order")

    return check


def mapping(item: Check, least: int = 0) -> Check:
    """An object of any keys, with at least `least` of them, whose values another check allows."""
    expected = f"an object with at least {least} key{'s' * (least > 1)}" if least else "an object"

    def check(value: Any, field: str) -> None:
        if not isinstance(value, dict) or len(value) < least:
            _refuse(value, field, expected)
        for key, part in value.items():
            item(part, f"{field}.{key}" if field else key)

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with all keys of `required`, perhaps those of `optional`, and any others.

    >>> from slr_keras.utils.schema import record, text, whole
    >>> check = record({"name": text, "size": record({"frames": whole(1)})})
    >>> check({"name": "a", "size": {"frames": 0}}, "")
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: 'size.frames' is 0; it must be a whole number of 1 or more
    """

    def check(value: Any, field: str) -> None:
        if not isinstance(value, dict):
            _refuse(value, field, "an object")
        for key, part in required.items():
            name = f"{field}.{key}" if field else key
            if key not in value:
                raise UserError(f"the key {name!r} is missing")
            part(value[key], name)
        for key, part in (optional or {}).items():
            if key in value:
                part(value[key], f"{field}.{key}" if field else key)

    return check


def checked(value: Any, check: Check, where: Any, remedy: str = "") -> Any:
    """The value, if a check allows it.

    Args:
        value: content of a file.
        check: the schema.
        where: name of the file.
        remedy: what the user can do.

    Raises:
        UserError: a field is missing or wrong; names file and field.
    """
    try:
        check(value, "")
    except UserError as error:
        remedy = f"; {remedy}" if remedy else ""
        raise UserError(f"{where}: {error}{remedy}") from None
    return value


def _refuse(value: Any, field: str, expected: str) -> None:
    name = f"{shown(field)} is" if field else "the content is"
    raise UserError(f"{name} {shown(value)}; it must be {expected}")


def _encodes(value: str) -> bool:
    # A lone surrogate is valid JSON, but cannot be printed or be part of a file's name.
    return not any("\ud800" <= character <= "\udfff" for character in value) and "\0" not in value
