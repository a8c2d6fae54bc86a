"""Definition of a recipe's fields: default, help text and limits."""

import dataclasses
from typing import Any


def option(
    default: Any = dataclasses.MISSING,
    help: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """Define a field with a help text and inclusive limits; the loader checks the limits."""
    metadata = {"help": help, "minimum": minimum, "maximum": maximum}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)
