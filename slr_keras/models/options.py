"""Checks of options by the signature of what they are for, before a constructor fails on them."""

import inspect
import numbers
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

# What an annotated argument takes, and what a message calls that.
_KINDS: Mapping[Any, tuple[type, str]] = {
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    bool: (bool, "true or false"),
    str: (str, "text"),
}
_LISTS = (Sequence, tuple, list)


def check_options(owner: str, build: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse unknown options, and values of another type than the annotation says.

    Args:
        owner: what the options are for, for messages.
        build: class or function that takes the options. What a function passes on to the class that
            it returns counts as its own.
        options: to check. Annotations other than int, float, bool, str and sequences are not
            checked.

    Raises:
        UserError: names the option, and the nearest known one or the type that it must have.

    >>> from slr_keras.models.options import check_options
    >>> def build(width: int = 8, dropout: float = 0.0): ...
    >>> check_options("model 'toy'", build, {"dropout": 0.1})
    >>> check_options("model 'toy'", build, {"width": "8"})
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: model 'toy': option 'width' must be a whole number; got '8'
    """
    known, open_ended = _arguments(build)
    for option, value in options.items():
        if option not in known and not open_ended:
            hint = nearest(option, known)
            raise UserError(f"{owner}: there is no option {option!r}{hint}")
        expected = _mismatch(value, known.get(option))
        if expected:
            raise UserError(f"{owner}: option {option!r} must be {expected}; got {value!r}")


def accepts(build: Callable[..., Any], option: str) -> bool:
    """Whether a class or function names an argument, or passes it on to what it returns.

    >>> from slr_keras.models.options import accepts
    >>> def build(width: int = 8): ...
    >>> accepts(build, "width"), accepts(build, "depth")
    (True, False)
    """
    return option in _arguments(build)[0]


def _mismatch(value: Any, annotation: Any) -> str:
    """What the annotation asks for, if the value is something else; empty if it fits."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        mismatches = [_mismatch(value, one) for one in typing.get_args(annotation)]
        return "" if not all(mismatches) else " or ".join(dict.fromkeys(mismatches))
    if annotation is type(None):
        return "" if value is None else "null"
    if annotation in _KINDS:
        kind, description = _KINDS[annotation]
        if annotation is bool:
            return "" if isinstance(value, bool | int) and value in (0, 1) else description
        return "" if isinstance(value, kind) and not isinstance(value, bool) else description
    if typing.get_origin(annotation) in _LISTS or annotation in _LISTS:
        listed = isinstance(value, Sequence) and not isinstance(value, str)
        return "" if listed else "a list"
    return ""


def _arguments(build: Callable[..., Any]) -> tuple[dict[str, Any], bool]:
    """Arguments of a class or function with their annotations, and whether it takes any others."""
    arguments: dict[str, Any] = {}
    signature = inspect.signature(build, eval_str=True)
    for name, parameter in signature.parameters.items():
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            arguments[name] = parameter.annotation
        elif inspect.isclass(build):
            arguments |= dict.fromkeys(("name", "dtype", "trainable"))
        elif signature.return_annotation is inspect.Signature.empty:
            return arguments, True
        else:
            passed_on, open_ended = _arguments(signature.return_annotation)
            return arguments | passed_on, open_ended
    return arguments, False
