"""Models by name: runs, bundles and presets, and the default of commands that are given none."""

import sys
from collections.abc import Sequence
from pathlib import Path

from slr_keras.bundle.bundle import is_bundle
from slr_keras.hub.preset import Preset, is_preset
from slr_keras.hub.shipped import DEFAULT, folders
from slr_keras.hub.sources import is_named_preset, preset_folder
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

_RUN = "config.yaml"
#: Suffix of enrolment files, which `slr_keras.enrolment` reads.
_ENROLMENT = ".slr"


def model_path(text: str) -> str:
    """The path of a run, a bundle or an enrolment file; that of the bundle of a preset.

    Args:
        text: path of a run, of a bundle, of an enrolment file (`.slr`) or of a preset, or name or
            address of a preset. A path that exists comes before the name of a preset.

    Raises:
        UserError: the preset does not exist, is damaged, or cannot be downloaded.

    >>> from slr_keras.bundle.named import model_path
    >>> model_path("runs/demo")
    'runs/demo'
    >>> model_path("asl-words").endswith("asl-words/tflite")
    True
    """
    if is_preset(text) or (is_named_preset(text) and not Path(text).exists()):
        return str(Preset.load(preset_folder(text)).bundle)
    return text


def model_and_inputs(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Divide the arguments of a command into the path of a model and the inputs.

    The first argument is the model if it is one; otherwise the default preset reads all arguments,
    and one line on standard error says so.

    Args:
        arguments: `[MODEL] INPUT...`, at least one.

    Raises:
        UserError: there is a model and no input, or the first argument does not exist.
    """
    first, *rest = arguments
    if is_model(first):
        if not rest:
            raise UserError(f"{first}: is a model; name what it should recognise, too")
        return model_path(first), rest
    # Standard input, patterns and devices are inputs; what does not exist may be a misspelled name.
    if not Path(first).exists() and rest:
        raise UserError(
            f"{first}: there is no such run, bundle, preset or input{nearest(first, folders())}"
        )
    print(f"no model was named; reading with the preset {DEFAULT}", file=sys.stderr)
    return model_path(DEFAULT), [first, *rest]


def is_model(text: str) -> bool:
    """Whether a text is the path of a model, or the name or address of a preset.

    Models are runs, bundles, presets and enrolment files.

    >>> from slr_keras.bundle.named import is_model
    >>> is_model("asl-words"), is_model("my_signs.slr"), is_model("clip.mp4")
    (True, True, False)
    """
    path = Path(text)
    if path.suffix == _ENROLMENT:
        return True
    if path.exists():
        return (path / _RUN).is_file() or is_bundle(path) or is_preset(path)
    return is_named_preset(text)
