"""Checks of the options of a recipe's section, shared by its frozen dataclasses."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from slr_keras.utils.errors import UserError

#: Frames of a clip, or to which an augmentation brings a clip.
MOST_FRAMES = 1_000_000


class CheckedOptions:
    """Mix-in of frozen dataclasses whose values come from YAML; used in `__post_init__`."""

    def _make_tuples(self) -> None:
        """YAML gives lists where Python has tuples."""
        for field in fields(self):  # type: ignore[arg-type]
            if isinstance(getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))

    def _choice(self, name: str, choices: Sequence[Any]) -> None:
        if getattr(self, name) not in choices:
            raise UserError(
                f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}"
            )

    def _within(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{name} is {value!r}; it must be a number")
        if not low <= value <= high:
            bounds = f"at least {low}" if high == np.inf else f"between {low} and {high}"
            raise UserError(f"{name} is {value}; it must be {bounds}")
