"""Models in preset folders: the same outputs after `save_to_preset` and `from_preset`."""

import json
import shutil

import keras
import numpy as np
import pytest

from slr_keras.hub.shipped import DEFAULT, folders
from slr_keras.models import create_model
from slr_keras.models.presets import FromPreset, load_preset_model
from slr_keras.models.sign_conv import SignConv, SignConvIsolated
from slr_keras.models.stark import StarkIsolated
from slr_keras.utils.errors import UserError

SMALL = {
    "sign_conv_small": {"points": 55},
    "sign_conv_isolated_small": {"points": 55},
    "stark_isolated_tiny": {},
    "c2st_tiny": {},
}


def moved(model):
    """A model whose weights differ from those of a new one, moving averages too."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            weight.assign(np.abs(rng.normal(0.1, 0.1, weight.shape)))
    return model


@pytest.mark.parametrize("name", SMALL)
def test_a_model_read_from_its_preset_has_the_same_class_config_and_weights(name, tmp_path):
    model = moved(create_model(name, 7, **SMALL[name]))
    model.save_to_preset(tmp_path / "mine")
    loaded = type(model).from_preset(tmp_path / "mine")
    assert type(loaded) is type(model)
    assert json.dumps(loaded.get_config(), default=str) == json.dumps(
        model.get_config(), default=str
    )
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "config.json",
        "model.weights.h5",
    ]


def test_without_weights_the_model_is_new(tmp_path):
    model = moved(create_model("sign_conv_isolated_small", 7, points=55))
    model.save_to_preset(tmp_path)
    new = SignConvIsolated.from_preset(tmp_path, load_weights=False)
    assert not np.allclose(model.weights[-1], new.weights[-1])


def test_the_model_classes_of_every_family_can_be_a_preset():
    from slr_keras.models.registry import families

    classes = [f.build for f in families().values() if isinstance(f.build, type)]
    assert len(classes) >= 4
    assert all(issubclass(one, FromPreset) for one in classes)


def test_the_class_must_be_that_of_the_preset():
    with pytest.raises(UserError, match=r"holds a SignConvIsolated; read it with SignConvIsolated"):
        StarkIsolated.from_preset(DEFAULT)
    with pytest.raises(UserError, match=r"holds a SignConvIsolated"):
        SignConv.from_preset(DEFAULT)


@pytest.fixture
def copy(tmp_path):
    """The model of the default preset alone."""
    for name in ("config.json", "model.weights.h5"):
        shutil.copyfile(folders()[DEFAULT] / name, tmp_path / name)
    return tmp_path


def test_damaged_weights_are_one_error(copy):
    (copy / "model.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n nothing")
    with pytest.raises(UserError, match=r"model\.weights\.h5: "):
        load_preset_model(copy)
    (copy / "model.weights.h5").unlink()
    with pytest.raises(UserError, match="the weights are missing"):
        load_preset_model(copy)


def test_a_config_that_would_run_code_is_refused(copy):
    hostile = keras.layers.Lambda(lambda x: x)
    value = keras.saving.serialize_keras_object(hostile)
    (copy / "config.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match=r"config\.json: holds no model"):
        load_preset_model(copy)


def test_a_config_of_an_unknown_class_is_refused(copy):
    value = {"module": "os", "class_name": "system", "config": {}, "registered_name": "os>system"}
    (copy / "config.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match=r"config\.json: holds no model"):
        load_preset_model(copy)
