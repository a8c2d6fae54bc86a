"""Readers of checkpoint files: right numbers, and no harm from damaged or malicious ones."""

import json
import os
import pickle
import struct

import numpy as np
import pytest

from slr_keras.utils.errors import UserError
from slr_keras.weights import read_checkpoint
from slr_keras.weights.safetensors import read_safetensors, write_safetensors


def packed(header, numbers=b"", length=None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def entry(dtype="F32", shape=(2,), place=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(place)}


def test_every_type_and_shape_comes_back():
    generator = np.random.default_rng(0)
    tensors = {
        code: generator.integers(0, 2, shape).astype(code)
        for code, shape in zip(
            ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"],
            [(2, 3), (), (0, 4), (1,), *[(2, 2)] * 8],
        )
    }
    tensors["turned"] = np.arange(6, dtype="f4").reshape(2, 3).T
    found, metadata = read_safetensors(write_safetensors(tensors, {"a": "ü"}))
    assert metadata == {"a": "ü"}
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        np.testing.assert_array_equal(found[name], tensor)


def test_the_layout_is_the_published_one():
    data = packed({"a": entry(), "b": entry("I8", (), (8, 9))}, struct.pack("<ffb", 1, 2, -3))
    found, _ = read_safetensors(data)
    assert found["a"].tolist() == [1, 2]
    assert found["b"] == -3


def test_bfloat16_is_widened():
    values = np.array([1.0, -2.5, 3.140625], "float32")
    half = (values.view("u4") >> 16).astype("u2").tobytes()
    found, _ = read_safetensors(packed({"a": entry("BF16", (3,), (0, 6))}, half))
    np.testing.assert_array_equal(found["a"], values)


EIGHT = bytes(8)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed(b"{}", length=2**63), "longer than the file"),
        (packed(b"{}", length=3), "longer than the file"),
        (packed(b"{" * 100_000), "not JSON"),
        (packed(b'{"a": \xff}'), "not JSON"),
        (packed(b'{"a": 1, "a": 2}'), "twice"),
        (packed({"a": 1}), "no valid place"),
        (packed({"a": entry(place=(0, 8, 8))}, EIGHT), "no valid place"),
        (packed({"a": entry(place=(-8, 0))}, EIGHT), "no valid place"),
        (packed({"a": entry(place=(True, 8))}, EIGHT), "no valid place"),
        (packed({"a": entry(place=(4, 12))}, bytes(12)), "does not begin"),
        (packed({"a": entry(), "b": entry()}, EIGHT), "does not begin"),
        (packed({"a": entry()}, bytes(7)), "beyond the end"),
        (packed({"a": entry()}, bytes(9)), "9 bytes of numbers where 8"),
        (packed({"a": entry(shape=(3,))}, EIGHT), "does not fit its shape"),
        (packed({"a": entry(shape=(0, 2**70), place=(0, 0))}), "no valid shape"),
        (packed({"a": entry(shape=(1,) * 40, place=(0, 4))}, bytes(4)), "no valid shape"),
        (packed({"a": entry("O", (1,))}, EIGHT), "unknown type"),
        (packed({"__metadata__": {"a": 1}}), "metadata"),
    ],
)
def test_damaged_safetensors_are_refused(data, message, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(UserError, match=message) as caught:
        read_checkpoint(path)
    assert "a.safetensors" in str(caught.value)


def test_every_truncation_is_noticed(checkpoints, tmp_path):
    state = {"a": np.arange(3.0, dtype="f4"), "b": np.ones((2, 2), "f4")}
    for data in (write_safetensors(state), checkpoints.torch_save(state, metadata=False)):
        path = tmp_path / "cut"
        for size in range(len(data)):
            path.write_bytes(data[:size])
            with pytest.raises(UserError):
                read_checkpoint(path)


class Malice:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_nothing_in_a_checkpoint_is_executed(checkpoints, tmp_path):
    target = tmp_path / "made"
    plain = pickle.dumps({"model": Malice(target)})
    state = {"a": np.ones(1, "f4")}
    zipped = checkpoints.torch_save(state, False, around=lambda s: [s, Malice(target)])
    for data in (plain, zipped):
        (tmp_path / "a.pth").write_bytes(data)
        with pytest.raises(UserError, match="mkdir"):
            read_checkpoint(tmp_path / "a.pth")
    assert not target.exists()


@pytest.mark.parametrize("value", [[1, 2], {"epoch": 3}, {"model": {"state_dict": {}}}])
def test_a_torch_file_without_tensors_is_refused(value, tmp_path):
    (tmp_path / "a.pth").write_bytes(pickle.dumps(value))
    with pytest.raises(UserError, match="no dictionary of tensors"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["tensors_zip.pt", "tensors_legacy.pt"])
def test_files_of_real_torch_are_read(root, name):
    found = read_checkpoint(root / "tests/data/pickles/fixtures" / name).tensors
    base = np.arange(24, dtype="f4")
    np.testing.assert_array_equal(found["float"], base.reshape(2, 3, 4))
    np.testing.assert_array_equal(found["transposed"], base.reshape(4, 6).T)


def test_the_attribute_of_a_modules_state_is_passed_over(checkpoints, tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(checkpoints.torch_save({"a": np.arange(3.0)}, metadata=True))
    np.testing.assert_array_equal(read_checkpoint(path).tensors["a"], [0, 1, 2])


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.pth: cannot be read"):
        read_checkpoint(tmp_path / "none.pth")
