"""Save a model to a preset folder and read it again: `config.json` and `model.weights.h5`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slr_keras.hub.preset import CONFIG, WEIGHTS, Preset, is_preset
from slr_keras.hub.sources import preset_folder
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded, read_json, write_text
from slr_keras.utils.published_folder import published_folder

if TYPE_CHECKING:
    import keras


class FromPreset:
    """Mix-in of models that can be saved to a preset and read from one.

    The two methods are those of keras-hub. A folder of `save_to_preset` holds the model alone;
    `slr preset` adds the vocabulary, the keypoint contract, a TFLite bundle and a card.
    """

    @classmethod
    def from_preset(cls, preset: str | Path, load_weights: bool = True) -> "keras.Model":
        """Read a model with its weights.

        Args:
            preset: name, folder or address of a preset, see
                `slr_keras.hub.sources.preset_folder`; or a folder of `save_to_preset`.
            load_weights: whether the weights are loaded; otherwise the model is new.

        Raises:
            UserError: there is no such preset, its files are damaged, or it holds a model of
                another class.

        >>> from slr_keras.models.sign_conv import SignConvIsolated
        >>> model = SignConvIsolated.from_preset("asl-words")
        >>> model.options["width"]
        64
        """
        return load_preset_model(preset, cls, load_weights)

    def save_to_preset(self, folder: str | Path) -> None:
        """Write `config.json` and `model.weights.h5` into a folder.

        Example::

            model.save_to_preset("presets/mine")
            SignConvIsolated.from_preset("presets/mine")
        """
        save_preset_model(self, Path(folder))


def save_preset_model(model: "keras.Model", folder: Path) -> None:
    """Write `config.json` and `model.weights.h5` of a model into a folder; see `FromPreset`."""
    import keras

    serialised = keras.saving.serialize_keras_object(model)
    # Which losses and metrics a model was compiled with is not part of a preset.
    serialised.pop("compile_config", None)
    with published_folder(folder, lambda name: True) as fresh:
        fresh.mkdir()
        write_text(fresh / CONFIG, json.dumps(serialised, indent=1, sort_keys=True) + "\n")
        model.save_weights(fresh / WEIGHTS)


def load_preset_model(
    preset: str | Path, expected: type = object, load_weights: bool = True
) -> "keras.Model":
    """Read the model of a preset; see `FromPreset.from_preset`.

    Args:
        preset: name, folder or address.
        expected: class that the model must have; `object` and `FromPreset` for any model.
        load_weights: whether the weights are loaded.

    Raises:
        UserError: there is no such preset, its files are damaged, or it holds another model.
    """
    import keras

    from slr_keras.models.registry import families

    # Classes are registered when their modules are imported.
    families()
    path = Path(preset)
    has_model = (path / CONFIG).is_file() and not is_preset(path)
    folder = path if has_model else Preset.load(preset_folder(preset)).path
    with guarded(folder / CONFIG, "holds no model"):
        model = keras.saving.deserialize_keras_object(read_json(folder / CONFIG), safe_mode=True)
    if not isinstance(model, expected):
        raise UserError(
            f"{folder}: holds a {type(model).__name__}; read it with "
            f"{type(model).__name__}.from_preset"
        )
    if load_weights:
        _load_weights(model, folder / WEIGHTS)
    return model


def _load_weights(model: Any, file: Path) -> None:
    if not file.is_file():
        raise UserError(f"{file}: the weights are missing; get the preset again")
    with guarded(file, "the weights do not fit the model", "get the preset again"):
        model.load_weights(file)
