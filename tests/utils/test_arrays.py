"""Checkpoints: whole or absent, and only for the model they belong to."""

import contextlib
import errno
import gc

import numpy as np
import pytest
import tensorflow as tf

from slr_keras.utils import arrays as checkpoint
from slr_keras.utils.arrays import load_arrays, read_record, save_arrays
from slr_keras.utils.errors import UserError


def variables(*values):
    return [tf.Variable(value) for value in values]


def test_variables_and_record_come_back(tmp_path):
    path = tmp_path / "last.npz"
    save_arrays(path, {"a": variables([1.0, 2.0], 3), "b": variables(True)}, {"epoch": 7})
    a, b = variables([0.0, 0.0], 0), variables(False)
    assert load_arrays(path, {"a": a, "b": b}) == {"epoch": 7}
    assert a[0].numpy().tolist() == [1.0, 2.0]
    assert int(a[1]) == 3
    assert bool(b[0])
    assert read_record(path) == {"epoch": 7}


@contextlib.contextmanager
def nearly_full_disk(path, mode):
    """As `open`, on a disk with room for the record but not for the arrays."""
    with open(path, mode) as file:
        write, room = file.write, 1000

        class Full:
            def write(self, data):
                if file.tell() + len(data) > room:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return write(data)

            flush = file.flush

        yield Full()


@pytest.mark.filterwarnings("error")
def test_a_full_disk_leaves_the_checkpoint_before_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "last.npz"
    save_arrays(path, {"a": variables([1.0] * 1000)}, {"epoch": 1})
    before = path.read_bytes()
    monkeypatch.setattr(checkpoint, "open", nearly_full_disk, raising=False)
    with pytest.raises(UserError, match=r"last\.npz: cannot save.*disk is full.*before it is int"):
        save_arrays(path, {"a": variables([2.0] * 1000)}, {"epoch": 2})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.npz"]
    with pytest.raises(UserError, match="there is none yet"):
        save_arrays(tmp_path / "new.npz", {"a": variables([2.0] * 1000)}, {})
    # Whatever was left unfinished would complain when it is destroyed.
    gc.collect()
    assert [p.name for p in tmp_path.iterdir()] == ["last.npz"]


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (variables([1.0, 2.0]), "shape"),
        (variables([1.0], [2.0], [3.0]), "nothing for the variable"),
        (variables(), "more variables"),
    ],
)
def test_variables_of_another_model_are_refused_and_none_is_changed(tmp_path, there, message):
    path = tmp_path / "best.npz"
    save_arrays(path, {"model": variables([5.0], [6.0])}, {})
    before = [v.numpy() for v in there]
    with pytest.raises(UserError, match=message) as caught:
        load_arrays(path, {"model": there})
    assert str(path) in str(caught.value)
    for variable, value in zip(there, before):
        np.testing.assert_array_equal(variable.numpy(), value)


@pytest.mark.parametrize("keep", [0, 10, 200, -20])
def test_a_truncated_file_is_a_user_error(tmp_path, keep):
    path = tmp_path / "last.npz"
    save_arrays(path, {"a": variables([1.0] * 100)}, {"epoch": 1})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"last\.npz: not a checkpoint"):
        read_record(path)


def test_a_pickle_is_refused_without_being_opened(tmp_path):
    path = tmp_path / "last.npz"
    np.save(path.with_suffix(".npy"), np.array([{"a": 1}], object), allow_pickle=True)
    path.with_suffix(".npy").rename(path)
    with pytest.raises(UserError, match="not a checkpoint"):
        read_record(path)


def test_an_absent_file_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="there is no such checkpoint"):
        read_record(tmp_path / "best.npz")
