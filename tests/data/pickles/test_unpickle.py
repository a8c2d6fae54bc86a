"""The pickle reader: real torch's numbers come out equal, damage is reported."""

import collections
import gzip
import io
import pickle
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from slr_keras.data.pickles.unpickle import read_pickle
from slr_keras.utils.errors import UserError

FIXTURES = Path(__file__).parent / "fixtures"
BASE = np.arange(24, dtype=np.float32)
TENSORS = {
    "float": BASE.reshape(2, 3, 4),
    "double": BASE.astype(np.float64),
    "half": BASE.astype(np.float16),
    "long": np.arange(24) - 5,
    "byte": BASE.astype(np.uint8),
    "bool": BASE > 3,
    "transposed": BASE.reshape(4, 6).T,
    "sliced": BASE[6:18:2],
    "scalar": np.float32(2.5),
    "empty": np.zeros((0, 3), np.float32),
    "grad": np.ones(2, np.float32),
}


def keypoints(frames: int, start: float) -> np.ndarray:
    """The numbers of fixtures/make_fixtures.py."""
    return np.arange(frames * 133 * 3, dtype=np.float32).reshape(frames, 133, 3) / 8 + start


@pytest.fixture
def save(tmp_path):
    """Write bytes to a file, give its path."""

    def save(data: bytes) -> Path:
        path = tmp_path / "file.pkl"
        path.write_bytes(data)
        return path

    return save


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_clips_pickled_by_torch_come_out_equal(save, compress):
    clips = read_pickle(save(compress((FIXTURES / "clips.pkl").read_bytes())))
    assert list(clips) == ["train/first-1", "train/zweites-ü"]
    first, second = clips.values()
    assert first["gloss"] == "regen morgen"
    assert (first["num_frames"], second["num_frames"]) == (2, 1)
    assert first["keypoint"].dtype == np.float32
    np.testing.assert_array_equal(first["keypoint"], keypoints(2, 0))
    np.testing.assert_array_equal(second["keypoint"], keypoints(1, 100))


@pytest.mark.parametrize(
    "name",
    ["tensors_0.pkl", "tensors_2.pkl", "tensors_4.pkl", "tensors_zip.pt", "tensors_legacy.pt"],
)
def test_every_type_stride_and_offset_is_honoured(name):
    tensors = read_pickle(FIXTURES / name)
    assert list(tensors) == list(TENSORS)
    for key, expected in TENSORS.items():
        assert tensors[key].dtype == expected.dtype, key
        assert tensors[key].shape == expected.shape, key
        np.testing.assert_array_equal(tensors[key], expected, err_msg=key)


def test_storage_nested_in_the_zip_format_comes_out_equal():
    np.testing.assert_array_equal(
        read_pickle(FIXTURES / "tensor_nested_zip.pkl")["float"], BASE.reshape(4, 6)
    )


def test_big_endian_archive_is_read_by_its_byte_order(save):
    file = io.BytesIO()
    with (
        zipfile.ZipFile(FIXTURES / "tensors_zip.pt") as old,
        zipfile.ZipFile(file, "w") as new,
    ):
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith("byteorder"):
                data = b"big"
            elif entry.filename.endswith("data/0"):
                data = np.frombuffer(data, "<f4").astype(">f4").tobytes()
            new.writestr(entry.filename, data)
    np.testing.assert_array_equal(read_pickle(save(file.getvalue()))["float"], TENSORS["float"])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("module", [b"numpy.core", b"numpy._core"], ids=["numpy1", "numpy2"])
def test_numpy_arrays_of_every_protocol_come_out_equal(save, protocol, module):
    shared = np.arange(6, dtype=">i2").reshape(2, 3)
    value = {
        "keypoints": keypoints(2, 1),
        "fortran": np.asfortranarray(shared),
        "again": [shared, shared],
        "number": np.float64(0.5),
        "empty": np.zeros((0, 133, 3), np.float32),
    }
    data = pickle.dumps(value, protocol=protocol)
    if protocol < 4:  # names are lines there, so that another length does no harm
        data = data.replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", module)
    result = read_pickle(save(data))
    np.testing.assert_array_equal(result["keypoints"], value["keypoints"])
    np.testing.assert_array_equal(result["fortran"], shared)
    np.testing.assert_array_equal(result["again"][1], shared)
    assert result["number"] == 0.5
    assert isinstance(result["number"], float)
    assert result["empty"].shape == (0, 133, 3)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_of_every_protocol_comes_out_equal(save, protocol):
    value = {
        "texts": ["ÜBER", "", "a\nb", "x" * 300, "他"],
        "numbers": [0, 1, -1, 255, 65536, 2**40, -(2**80), 0.5, True, False, None],
        "bytes": [b"", b"\x00\xff", b"b" * 300],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "nested": collections.OrderedDict(a={1: [{}]}, b=[]),
        7: [bytearray(b"x")] if protocol == 5 else [],
    }
    assert read_pickle(save(pickle.dumps(value, protocol=protocol))) == value


def test_text_written_by_python_2_is_read(save):
    assert read_pickle(save(b"(dp0\nS'gloss'\np1\nS'RAIN'\np2\ns.")) == {"gloss": "RAIN"}
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    dtype = b"cnumpy\ndtype\n(S'i2'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    data = array + b"(I1\n(I2\nt" + dtype + b"I0\nU\x04\x01\x00\xff\xfftb."
    np.testing.assert_array_equal(read_pickle(save(data)), [1, -1])


@pytest.mark.parametrize("name", ["clips.pkl", "tensors_legacy.pt", "tensors_zip.pt"])
def test_every_truncation_is_reported(save, name):
    data = (FIXTURES / name).read_bytes()
    for length in [*range(0, len(data), 61), len(data) - 1]:
        with pytest.raises(UserError, match=r"file\.pkl"):
            read_pickle(save(data[:length]))


@pytest.mark.parametrize("name", ["tensors_0.pkl", "tensors_4.pkl", "tensors_zip.pt"])
def test_flipped_bytes_give_a_value_or_a_clear_error(save, name):
    random_ = random.Random(0)
    data = (FIXTURES / name).read_bytes()
    for _ in range(150):
        damaged = bytearray(data)
        damaged[random_.randrange(len(data))] = random_.randrange(256)
        message = ""
        try:
            read_pickle(save(bytes(damaged)))
        except UserError as error:
            message = str(error)
        assert "\n" not in message
        assert len(message) < 600


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello world\n",
        b'{"a": 1}',
        b"\x89HDF\r\n\x1a\n",
        b"\x93NUMPY",
        bytes(100),
        b"\x1f\x8b",
    ],
    ids=["empty", "text", "json", "hdf5", "npy", "zeros", "half a gzip"],
)
def test_foreign_files_are_reported(save, data):
    with pytest.raises(UserError, match=r"file\.pkl: not a whole pickle"):
        read_pickle(save(data))


def test_an_absent_file_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"none\.pkl: cannot be read"):
        read_pickle(tmp_path / "none.pkl")
