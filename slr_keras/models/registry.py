"""Registered models by name, and the families that they belong to."""

import fnmatch
import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.models.checks import OptionError
from slr_keras.models.family import ModelFamily
from slr_keras.models.options import check_options
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

if TYPE_CHECKING:
    import keras

# Indices into the 79 points in the body order of docs/papers/stark.md §1.3.
STARK_79_STREAMS: Mapping[str, tuple[int, ...]] = {
    "body": tuple(range(79)),
    "left": tuple(range(27)),
    "right": (0, *range(27, 53)),
    "face": tuple(range(53, 79)),
}
#: Group of the entry points by which installed packages add families.
ENTRY_POINTS = "slr_keras.models"
# Registered by `register`.
_registered: dict[str, ModelFamily] = {}


def register(family: ModelFamily) -> ModelFamily:
    """Add a family; its presets become models like any other.

    For notebooks and tests. An installed package names its families as entry points in the group
    `slr_keras.models`, so that every command knows them. Registering the same family again replaces
    it.

    Raises:
        UserError: one of its presets has the name of another family's.

    Example::

        register(ModelFamily("mean", "keypoints", "sign", build, {"mean": {}}))
    """
    others = {
        name for other in families().values() if other.name != family.name for name in other.presets
    }
    taken = sorted(others & set(family.presets))
    if taken:
        raise UserError(f"model family {family.name!r}: the name {taken[0]!r} is taken")
    _registered[family.name] = family
    return family


def families() -> dict[str, ModelFamily]:
    """Every family by its name.

    >>> from slr_keras.models.registry import families
    >>> families()["stepnet"].output
    'sign'
    """
    return {**_built_in(), **_installed(), **_registered}


def list_models(pattern: str = "*") -> tuple[str, ...]:
    """Names of the registered models that match a shell pattern.

    >>> from slr_keras.models.registry import list_models
    >>> list_models("stark*")
    ('stark', 'stark_isolated', 'stark_isolated_tiny', 'stark_mobile', 'stark_small', 'stark_tiny')
    """
    return tuple(sorted(fnmatch.filter(_models(), pattern)))


def family_of(name: str) -> ModelFamily:
    """The family of a registered model.

    Raises:
        UserError: no such model; names the nearest.

    >>> from slr_keras.models.registry import family_of
    >>> family_of("stark_tiny").name, family_of("c2st_r18").modality
    ('stark', 'video')
    """
    known = _models()
    if name not in known:
        raise UserError(f"there is no model {name!r}{nearest(name, known)}")
    return known[name]


def preset_options(name: str) -> Mapping[str, Any]:
    """Options of a registered model that differ from its class's defaults.

    Raises:
        UserError: no such model; names the nearest.

    >>> from slr_keras.models.registry import preset_options
    >>> preset_options("stepnet")["clip_frames"]
    16
    """
    return family_of(name).presets[name]


def create_model(
    name: str,
    vocabulary_size: int,
    streams: Mapping[str, Sequence[int]] | None = None,
    points: int | None = None,
    channels: int | None = None,
    **overrides: Any,
) -> "keras.Model":
    """Make a model by name.

    Args:
        name: one of `list_models()`.
        vocabulary_size: classes with the blank.
        streams: for models of keypoints: point indices by stream; by default the four streams of
            the 79 points.
        points: for models of keypoints: points in the input; 79 by default.
        channels: for models of keypoints: channels of a point; 3 by default.
        overrides: any argument of the model's class.

    Raises:
        UserError: no such model, no such option, or a value that the model refuses; an unknown
            name comes with the nearest known one.

    >>> from slr_keras.models.registry import create_model
    >>> create_model("stark_tiny", vocabulary_size=22).output["fuse"].shape
    (None, None, 22)
    """
    family = family_of(name)
    options = {**family.presets[name], **overrides}
    if family.modality == "keypoints":
        options |= {"streams": STARK_79_STREAMS, "points": 79, "channels": 3}
    given = {"streams": streams, "points": points, "channels": channels}
    options |= {argument: value for argument, value in given.items() if value is not None}
    check_options(f"model {name!r}", family.build, options)
    try:
        return family.build(vocabulary_size=vocabulary_size, **options)
    except OptionError as error:
        raise UserError(f"model {name!r}: {error}") from error


def _models() -> dict[str, ModelFamily]:
    return {name: family for family in families().values() for name in family.presets}


@cache
def _installed() -> dict[str, ModelFamily]:
    """Families of installed packages, each an entry point in the group `slr_keras.models`.

    Raises:
        UserError: an entry point cannot be loaded, or is no family; names it.
    """
    installed: dict[str, ModelFamily] = {}
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        try:
            family = entry.load()
        except Exception as error:
            raise UserError(
                f"the model family {entry.value} of the installed package "
                f"{entry.dist.name if entry.dist else '?'} cannot be loaded "
                f"({type(error).__name__}: {error}); correct or uninstall the package"
            ) from error
        if not isinstance(family, ModelFamily):
            raise UserError(
                f"{entry.value}: the entry point is no ModelFamily; correct the package"
            )
        installed[family.name] = family
    return installed


@cache
def _built_in() -> dict[str, ModelFamily]:
    """Families of this package's folders: `FAMILIES` of each module `family`."""
    built_in: dict[str, ModelFamily] = {}
    for folder in pkgutil.iter_modules([str(Path(__file__).parent)]):
        module = f"{__package__}.{folder.name}.family"
        if folder.ispkg and importlib.util.find_spec(module) is not None:
            built_in |= {family.name: family for family in importlib.import_module(module).FAMILIES}
    return built_in
