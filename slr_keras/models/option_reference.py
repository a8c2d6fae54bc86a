"""The options of every family of models, with their defaults and what they mean."""

import dataclasses
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slr_keras.utils.docstrings import described

#: Arguments that follow from the data, and those of every Keras model.
FOUND = (
    *("vocabulary_size", "streams", "points", "channels", "skeleton", "image_size", "stream"),
    *("name", "dtype", "trainable"),
)


@dataclass(frozen=True)
class ModelOption:
    """An option of a model: who takes it, name, type, default and meaning, which may be empty."""

    owner: str
    name: str
    kind: Any
    default: Any
    text: str


def model_options() -> dict[str, tuple[ModelOption, ...]]:
    """The options of each family by its name; imports every model, which takes seconds.

    >>> from slr_keras.models.option_reference import model_options
    >>> [option.default for option in model_options()["stark"] if option.name == "stem_width"]
    [64]
    """
    from slr_keras.models.registry import families

    known = {family.name: list(_options(family.build)) for family in families().values()}
    texts = {option.owner: {} for options in known.values() for option in options}
    for option in itertools.chain(*known.values()):
        texts[option.owner][option.name] = option.text
    return {
        family: tuple(
            dataclasses.replace(option, text=_followed(option, texts))
            for option in options
            if option.name not in FOUND
        )
        for family, options in known.items()
    }


def _followed(option: ModelOption, texts: Mapping[str, Mapping[str, str]]) -> str:
    """The text of an option, or of the model that it refers to, as in "see `Stark`"."""
    other = re.match(r"see `(\w+)`", option.text)
    return texts.get(other[1], {}).get(option.name, option.text) if other else option.text


def _options(build: Callable[..., Any]) -> Iterator[ModelOption]:
    """Arguments of a class or function, and those that it passes on to the class it returns."""
    texts = described(build.__doc__, "Args")
    signature = inspect.signature(build, eval_str=True)
    for parameter in signature.parameters.values():
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            text = texts.get(parameter.name, "")
            yield ModelOption(
                build.__name__, parameter.name, parameter.annotation, parameter.default, text
            )
        elif not inspect.isclass(build) and signature.return_annotation is not signature.empty:
            yield from _options(signature.return_annotation)
