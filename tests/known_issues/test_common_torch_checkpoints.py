"""Torch checkpoints of common training scripts could not be converted.

A tensor beside the weights (`best_acc1`) was taken for the weights; a counter, a path or a numpy
scalar anywhere refused the whole file; bfloat16, averages of the weights and checkpoints in several
files were not read, and `conv2d.module.` within names was not understood.
"""

import argparse
import collections
import datetime
import json
import pathlib
import pickle

import numpy as np
import pytest
from torch_checkpoints import resnet_state, torch_save

from slr_keras.models.backbones import make_backbone
from slr_keras.utils.errors import UserError
from slr_keras.weights import load_backbone_weights, read_checkpoint
from slr_keras.weights.conversion import table
from slr_keras.weights.safetensors import write_safetensors
from slr_keras.weights.state_dictionaries import without_wrappers


class Anything:
    """An object of a training script."""

    def __init__(self):
        self.value = [1, 2]


BESIDE = {
    "counter": collections.Counter("abca"),
    "default": collections.defaultdict(list, {1: [2]}),
    "set": {1, 2},
    "frozen": frozenset("ab"),
    "path": pathlib.PurePosixPath("/data/phoenix"),
    "options": argparse.Namespace(lr=0.1, nested=argparse.Namespace(decay=1)),
    "scalar": np.float64(0.5),
    "array": np.arange(3),
    "texts": np.array(["a", "b"], object),
    "object": Anything(),
    "class": Anything,
    "function": json.dumps,
    "time": datetime.timedelta(seconds=3),
    "complex": 1j,
    "tuple keys": {(1, 2): 3},
    "ordered": collections.OrderedDict(a=1),
}


def _saved(path, around, state=None):
    path.write_bytes(torch_save(resnet_state() if state is None else state, around=around))
    return path


def _loaded(path):
    backbone = make_backbone("resnet_micro")
    record = load_backbone_weights(backbone, path)
    kernel = next(w for n, w in backbone.named_weights().items() if n.startswith("stem/"))
    assert np.isfinite(np.asarray(kernel)).all()
    return record


@pytest.mark.parametrize("name", BESIDE)
def test_a_value_beside_the_weights_does_not_matter(name, tmp_path):
    path = _saved(tmp_path / "a.pth", lambda s: {"before": BESIDE[name], "state_dict": s})
    record = _loaded(path)
    assert record.taken == "state_dict"
    assert "taken from the file: state_dict" in table(record)


def test_everything_together_does_not_matter(tmp_path):
    def around(state):
        first = next(iter(state.values()))
        optimiser = {"state": {0: {"exp_avg": first}}, "param_groups": [{"params": [0]}]}
        return {**BESIDE, "best_acc1": first, "optimizer": optimiser, "net": {"model": state}}

    assert _loaded(_saved(tmp_path / "a.pth", around)).taken == "net.model"


def test_a_tensor_beside_the_weights_is_not_the_weights(tmp_path):
    def around(state):
        return {"best_acc1": next(iter(state.values())), "model": state}

    checkpoint = read_checkpoint(_saved(tmp_path / "a.pth", around))
    assert checkpoint.key == "model"
    assert checkpoint.tensors.keys() == resnet_state().keys()


@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema", "ema"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_moving_average_is_taken_and_named(key, alone, tmp_path):
    def around(state):
        return {key: state} if alone else {"model": dict(state), key: state}

    assert _loaded(_saved(tmp_path / "a.pth", around)).taken == key


def test_the_largest_dictionary_that_fits_is_taken(tmp_path):
    """The text model is larger, and no backbone of pictures."""

    def around(state):
        first = next(iter(state.values()))
        return {"text": {f"layer.{n}.bias": first for n in range(999)}, "picture": state}

    assert _loaded(_saved(tmp_path / "a.pth", around)).taken == "picture"


def test_only_a_chosen_dictionary_that_holds_an_object_is_refused(tmp_path):
    path = _saved(tmp_path / "a.pth", lambda s: {**s, "options": BESIDE["options"]})
    with pytest.raises(UserError, match=r"'options' beside the weights.*argparse\.Namespace"):
        load_backbone_weights(make_backbone("resnet_micro"), path)
    path = _saved(tmp_path / "b.pth", lambda s: {"state_dict": s, "more": {"t": Anything()}})
    assert _loaded(path).taken == "state_dict"


def test_the_bits_of_bfloat16_are_read_as_their_numbers(tmp_path):
    values = np.array([1.0, -2.5, 0.0078125, 3e38], np.float32)
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    path = _saved(tmp_path / "a.pth", None, {"a": bits})
    expected = (bits.astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(read_checkpoint(path).tensors["a"], expected)


@pytest.mark.parametrize("kind", ["safetensors", "torch"])
def test_a_checkpoint_in_several_files_is_read_by_its_index(kind, tmp_path):
    state = resnet_state()
    names = [f"model-0000{n}-of-00002.{kind}" for n in (1, 2)]
    places = {name: names[row % 2] for row, name in enumerate(state)}
    for file in names:
        part = {name: state[name] for name in state if places[name] == file}
        data = write_safetensors(part) if kind == "safetensors" else torch_save(part)
        (tmp_path / file).write_bytes(data)
    index = tmp_path / f"model.{kind}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert _loaded(index).weights == 60
    with pytest.raises(UserError, match=r"one of several files.*\.index\.json"):
        read_checkpoint(tmp_path / names[0])
    index.write_text(json.dumps({"weight_map": {"a": "../a.pth"}}))
    with pytest.raises(UserError, match="not a file beside it"):
        read_checkpoint(index)
    index.write_text(json.dumps({"weight_map": {"absent": names[0]}}))
    with pytest.raises(UserError, match="lack 'absent'"):
        read_checkpoint(index)
    index.write_text("[]")
    with pytest.raises(UserError, match="no index"):
        read_checkpoint(index)


def test_components_of_wrappers_are_no_part_of_a_name():
    names = ["module.conv2d.module.features.0.weight", "_orig_mod.fc.bias", "fc.module.weight"]
    plain = ["conv2d.features.0.weight", "fc.bias", "fc.weight"]
    assert list(without_wrappers(dict.fromkeys(names))) == plain
    both = dict.fromkeys(["module.a", "a"])
    assert without_wrappers(both) is both


def test_cycles_and_deep_nesting_of_dictionaries_end(tmp_path):
    around = {}
    around["self"] = around
    deep = around
    for _ in range(200):
        deep["in"] = {}
        deep = deep["in"]
    (tmp_path / "a.pth").write_bytes(pickle.dumps(around))
    with pytest.raises(UserError, match="no dictionary of tensors"):
        read_checkpoint(tmp_path / "a.pth")
