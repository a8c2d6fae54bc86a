"""A file with any bytes changed is read, or refused by name: no other exception leaves a reader."""

import gzip
import io
import json
import pickle
import random
import zipfile

import numpy as np
import pytest
from PIL import Image
from pose_file import write_pose

from slr_keras.data.arrays import read_array, read_npy, read_npz
from slr_keras.data.datasets.base import read_npz as read_packed
from slr_keras.data.pickles.unpickle import read_pickle
from slr_keras.data.video import flow_files
from slr_keras.data.video.reading import read_picture
from slr_keras.extraction.clip_files import is_made, read_clip_file, write_clip
from slr_keras.recognition.modality.keypoints import READERS
from slr_keras.utils.arrays import load_arrays, read_record, save_arrays
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json

MUTANTS = 300
POINTS = np.arange(5 * 20 * 4, dtype=np.float32).reshape(5, 20, 4)


def npy_bytes(array=POINTS):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz_bytes(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


CLIP = {"keypoints": POINTS, "fps": 25.0, "image_size": [64.0, 48.0], "layout": "kinect_20"}


def mutated(data, draw):
    """Some bytes changed, cut off, cut out, doubled or put in."""
    data = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        # The beginning holds what readers believe: names, types, shapes.
        place = draw.randrange(min(len(data), draw.choice((64, 160, len(data)))))
        length = draw.randint(1, 9)
        what = draw.randrange(6)
        if what < 2:
            data[place] = draw.randrange(256)
        elif what == 2:
            data[place : place + 1] = draw.choice((b"9" * length, b"(", b"'", b"\\", b"0", b"\0"))
        elif what == 3:
            del data[place : place + length]
        elif what == 4:
            data[place:place] = data[place : place + length]
        else:
            del data[max(place, 1) :]
        if not data:
            return b""
    return bytes(data)


def rezipped(data, draw):
    """An archive one entry of which is changed behind the back of its check sum."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        chosen = draw.choice(old.namelist())
        for name in old.namelist():
            entry = old.read(name)
            new.writestr(name, mutated(entry, draw) if name == chosen else entry)
    return file.getvalue()


def relabelled(data, draw):
    """An archive whose directory says of an entry that it is encrypted or packed otherwise."""
    data = bytearray(data)
    place = data.rindex(b"PK\x01\x02") + draw.choice((8, 10))
    data[place] = draw.randrange(1, 256)
    return bytes(data)


def refused(path, read):
    """Whether a reader refused the file; anything but a UserError that names it is an error."""
    try:
        read(path)
    except UserError as error:
        message = str(error)
    else:
        return False
    assert path.name in message
    return True


ARCHIVE = (mutated, rezipped, rezipped, relabelled)


def check(path, data, readers, mutations=(mutated,), count=MUTANTS):
    path.write_bytes(data)
    for read in readers:
        assert not refused(path, read)
    draw = random.Random(path.name)
    times = 0
    for number in range(count):
        path.write_bytes(mutations[number % len(mutations)](data, draw))
        # Not any(...) of them: every reader has to see every mutant.
        times += sum(refused(path, read) for read in readers) > 0
    # Else the mutants would be too tame to show anything.
    assert times > count // 4


def test_arrays(tmp_path):
    readers = (read_npy, read_array, lambda path: np.array(READERS[".npy"](path).values))
    check(tmp_path / "a.npy", npy_bytes(), readers)


def test_archives_of_keypoints(tmp_path):
    readers = (
        read_npz,
        read_array,
        READERS[".npz"],
        lambda path: read_packed(path, {"keypoints": (None, 20, 4)}),
    )
    check(tmp_path / "a.npz", npz_bytes(**CLIP), readers, ARCHIVE)


def test_files_of_extracted_clips(tmp_path):
    record = {"version": 1}
    write_clip(tmp_path / "a.npz", np.ones((2, 543, 4), "f4"), 25.0, lambda: (64, 48), record)
    data = (tmp_path / "a.npz").read_bytes()
    readers = (read_clip_file, lambda path: is_made(path, record))
    check(tmp_path / "a.npz", data, readers, ARCHIVE, MUTANTS // 2)


class Weight:
    """What `save_arrays` and `load_arrays` need of a variable."""

    name, path = "weight", "layer/weight"
    shape = (2,)

    def numpy(self):
        return np.ones(2, np.float32)

    def assign(self, value):
        assert value.shape == self.shape


def test_checkpoints(tmp_path):
    save_arrays(tmp_path / "last.npz", {"a": [Weight()]}, {"epoch": 7})
    data = (tmp_path / "last.npz").read_bytes()
    readers = (read_record, lambda path: load_arrays(path, {"a": [Weight()]}))
    check(tmp_path / "last.npz", data, readers, ARCHIVE)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_pickles(tmp_path, packed):
    data = pickle.dumps({"a": {"gloss": "RAIN", "keypoint": np.ones((2, 3), "f4")}})
    check(tmp_path / "a.pkl", gzip.compress(data) if packed else data, (read_pickle,))


def test_pose_files(tmp_path):
    pytest.importorskip("pose_format")
    hand = [f"{number}" for number in range(21)]
    components = {"POSE_LANDMARKS": ["NOSE", "LEFT_WRIST"]}
    components |= dict.fromkeys(("LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS"), hand)
    data = write_pose(tmp_path / "a.pose", components, frames=2).read_bytes()
    check(tmp_path / "a.pose", data, (READERS[".pose"],), count=MUTANTS // 3)


def test_pictures(tmp_path):
    file = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(file, "png")
    check(tmp_path / "a.png", file.getvalue(), (read_picture,))


def test_flow(tmp_path):
    recipe = flow_files.Recipe("dis", (8, 6))
    path = tmp_path / "flow" / "train" / "a.zip"
    path.parent.mkdir(parents=True)
    fields = [np.full((6, 8, 2), 9, np.uint8)] * 2
    flow_files.write_flow(path, fields, flow_files.record_of(recipe, 3, "source"))

    def read(path):
        flow_files.FlowFile(path).fields(range(2))

    # A few: a picture that claims to be huge is decoded into as much memory.
    check(path, path.read_bytes(), (read,), ARCHIVE, MUTANTS // 5)


def test_json(tmp_path):
    check(tmp_path / "a.json", json.dumps({"a": [1, 2.5, "x"] * 9}).encode(), (read_json,))
    for text in ("[" * 100_000, "9" * 10_000):
        (tmp_path / "deep.json").write_text(text)
        with pytest.raises(UserError, match=r"deep\.json: not valid JSON"):
            read_json(tmp_path / "deep.json")
