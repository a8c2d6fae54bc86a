"""What the type of a recipe's key asks for, in words."""

import reprlib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

_ONE = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_MANY = {int: "whole numbers", float: "numbers"}

_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 3, 80, 80


def shown(value: Any) -> str:
    """A value in an error message, shortened.

    >>> from slr_keras.config.kinds import shown
    >>> shown("many"), shown(list(range(100)))
    ("'many'", '[0, 1, 2, 3, 4, 5, ...]')
    """
    try:
        return _REPR.repr(value)
    except ValueError:
        # Python refuses to print whole numbers of more than 4,300 digits.
        return "a number of thousands of digits"


def describe(kind: Any) -> str:
    """A type in words, for errors and for the reference of a recipe's keys.

    >>> from slr_keras.config.kinds import describe
    >>> describe(tuple[int, ...] | None), describe(tuple[float, float])
    ('a list of whole numbers or null', 'a list of 2 numbers')
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in _ONE:
        return _ONE[kind]
    if kind is type(None):
        return "null"
    if kind is Any:
        return "any value"
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(item) for item in inner)
    if origin in (dict, Mapping) or kind in (dict, Mapping):
        return "keys and values"
    if origin in (tuple, list, Sequence):
        items = list(dict.fromkeys(item for item in inner if item is not Ellipsis))
        number = f"{len(inner)} " if origin is tuple and Ellipsis not in inner else ""
        return f"a list of {number}{' and '.join(_MANY.get(i, describe(i)) for i in items)}"
    return str(kind)
