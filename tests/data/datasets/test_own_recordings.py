"""One's own keypoints: a table of glosses beside arrays."""

import json

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.datasets import npz
from slr_keras.data.layout import layout
from slr_keras.data.manifest import read_folder
from slr_keras.utils.errors import UserError

TABLE = (
    'id,glosses,split,signer,fps,text\none,RAIN SOON,train,s1,30,"rain, soon"\ntwo,SUN,dev,s2,,\n'
)


def array(frames: int = 5) -> np.ndarray:
    return np.arange(frames * 60, dtype=np.float64).reshape(frames, 20, 3)


def save(folder, table: str = TABLE) -> None:
    (folder / "glosses.csv").write_text(table)
    np.save(folder / "one.npy", array())
    np.savez(folder / "two.npz", keypoints=array(3), other=np.zeros(2))


def three_channels(folder) -> str:
    """A user's own layout: the Kinect's points without a score."""
    value = layout("kinect_20").to_json() | {"name": "mine", "channels": ["x", "y", "z"]}
    path = folder / "mine.json"
    path.write_text(json.dumps(value))
    return str(path)


def test_a_table_and_arrays_become_a_data_folder(tmp_path):
    save(tmp_path)
    npz.prepare(
        tmp_path, tmp_path / "out", layout=three_channels(tmp_path), image_size="64x48",
        normalisation="body", fps=15,
    )  # fmt: skip
    splits = read_folder(tmp_path / "out")
    one, two = splits["train"][0], splits["dev"][0]
    assert (one.glosses, one.signer, one.fps, one.text) == (
        ("RAIN", "SOON"),
        "s1",
        30,
        "rain, soon",
    )
    assert (two.frames, two.fps) == (3, 15)
    np.testing.assert_array_equal(splits["train"].load(0), array())
    made = splits["train"].contract
    assert (made.source.name, made.image_size, made.normalisation) == ("mine", (64, 48), "body")


def test_a_contract_file_is_used_as_it_is(tmp_path):
    save(tmp_path)
    chosen = contract(three_channels(tmp_path), max_gap=3, fps=50)
    chosen.write(tmp_path / "keypoints.json")
    npz.prepare(tmp_path, tmp_path / "out", contract_file=str(tmp_path / "keypoints.json"))
    assert read_folder(tmp_path / "out")["train"].contract == chosen
    with pytest.raises(UserError, match="contract file says"):
        npz.prepare(tmp_path, tmp_path / "o", contract_file=str(tmp_path / "keypoints.json"), fps=9)


def test_without_a_split_signers_or_a_seeded_share_are_kept_for_dev(tmp_path):
    rows = [f"c{i},A,s{i % 3}" for i in range(30)]
    (tmp_path / "glosses.csv").write_text("\n".join(["id,glosses,signer", *rows]))
    for i in range(30):
        np.save(tmp_path / f"c{i}.npy", array())
    mine = three_channels(tmp_path)
    npz.prepare(tmp_path, tmp_path / "a", layout=mine, dev_signers=("s1",))
    splits = read_folder(tmp_path / "a")
    assert {s.signer for s in splits["dev"]} == {"s1"}
    assert {s.signer for s in splits["train"]} == {"s0", "s2"}
    for name in ("b", "c"):
        npz.prepare(tmp_path, tmp_path / name, layout=mine, dev_fraction=0.2)
    assert len(read_folder(tmp_path / "b")["dev"]) == 6
    assert (tmp_path / "b" / "dev.jsonl").read_text() == (tmp_path / "c" / "dev.jsonl").read_text()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id,gloss\none,A\n", r"glosses\.csv:1: no column glosses"),
        ("id,glosses\n", r"glosses\.csv: has no rows"),
        ("id,glosses\none,A\nthree,B\n", r"no file of the clips three \(line 3\)"),
        ("id,glosses,split\none,A,training\n", r"glosses\.csv:2: split 'training'"),
        ("id,glosses,fps\none,A,fast\n", r"glosses\.csv:2: fps: 'fast'"),
        ("id,glosses,split\none,A,train\none,B,train\n", "already has this id"),
        ('id,glosses\n"one,A\n', r"glosses\.csv"),
    ],
)
def test_malformed_tables_are_named(tmp_path, table, message):
    save(tmp_path, table)
    with pytest.raises(UserError, match=message):
        npz.prepare(tmp_path, tmp_path / "out", layout=three_channels(tmp_path))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_bytes(b"\x93NUMPY"), "truncated, or not"),
        (lambda path: path.write_text("x"), "truncated, or not"),
        (lambda path: np.save(path, np.array([{}], dtype=object)), "truncated, or not"),
        (lambda path: np.save(path, np.array(["a"])), "instead of numbers"),
        (lambda path: np.save(path, np.zeros((5, 7, 3))), r"sample 'one': .*\(5, 7, 3\)"),
    ],
)
def test_damaged_arrays_are_named(tmp_path, write, message):
    save(tmp_path)
    write(tmp_path / "one.npy")
    with pytest.raises(UserError, match=message):
        npz.prepare(tmp_path, tmp_path / "out", layout=three_channels(tmp_path))
    assert not (tmp_path / "out").exists()
