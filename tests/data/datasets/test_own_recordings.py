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


# --- spans of the signs -----------------------------------------------------------------------

SPANS = {"one": [[0, 2], [2, 5]], "two": [[1, 3]]}
WITH_SPANS = (
    "id,glosses,split,spans\none,RAIN SOON,train,0:2 2:5\ntwo,SUN,dev,1:3\nthree,SUN,dev,\n"
)


def spans_of(folder) -> dict[str, list]:
    return {s.id: s.extra.get("spans") for split in read_folder(folder).values() for s in split}


def test_spans_come_from_the_table_the_clip_s_file_or_one_file_of_all_clips(tmp_path):
    mine = three_channels(tmp_path)
    save(tmp_path, WITH_SPANS)
    np.save(tmp_path / "three.npy", array(3))
    npz.prepare(tmp_path, tmp_path / "table", layout=mine)
    assert spans_of(tmp_path / "table") == {**SPANS, "three": None}
    save(tmp_path)
    np.savez(tmp_path / "two.npz", keypoints=array(3), spans=np.array(SPANS["two"]))
    npz.prepare(tmp_path, tmp_path / "clip", layout=mine)
    assert spans_of(tmp_path / "clip") == {"one": None, "two": SPANS["two"]}
    ragged = np.concatenate(list(SPANS.values()))
    padded = np.array([SPANS["one"], [*SPANS["two"], [-1, -1]]])
    for name, arrays in (
        ("ragged", {"spans": ragged, "lengths": np.array([2, 1])}),
        ("padded", {"spans": padded}),
    ):
        np.savez(tmp_path / "spans.npz", **arrays)
        npz.prepare(tmp_path, tmp_path / name, layout=mine, spans_file="spans.npz")
        assert spans_of(tmp_path / name) == SPANS


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"spans": np.zeros((3, 2))}, "'spans' is float64"),
        ({"spans": np.zeros((2, 2), int)}, "2 'spans' for 3 signs"),
        ({"spans": np.ones((3, 2), int), "lengths": np.array([1, 2])}, "row 0 has 1 spans for 2"),
        ({"spans": np.array([[[0, 2]]] * 3)}, "'spans' of 3 clips, but there are 2"),
        ({"spans": np.array([[0, 2], [2, 6], [1, 3]])}, r"one\.npy: .*\[2, 6\).* the 5 frames"),
        ({"other": np.zeros(3)}, "no array 'spans'"),
    ],
)
def test_spans_that_do_not_fit_are_named_and_nothing_is_written(tmp_path, arrays, message):
    save(tmp_path)
    np.savez(tmp_path / "spans.npz", **arrays)
    with pytest.raises(UserError, match=message):
        npz.prepare(
            tmp_path, tmp_path / "out", layout=three_channels(tmp_path), spans_file="spans.npz"
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("0:2", r"one\.npy: sample 'one': 1 spans for 2 glosses"),
        ("0-2 2-5", r"glosses\.csv:2: span '0-2'"),
        ("0:2 2:2", r"span \[2, 2\) is empty"),
    ],
)
def test_spans_of_the_table_that_do_not_fit_are_named(tmp_path, cell, message):
    save(tmp_path, WITH_SPANS.replace("0:2 2:5", cell))
    np.save(tmp_path / "three.npy", array(3))
    with pytest.raises(UserError, match=message):
        npz.prepare(tmp_path, tmp_path / "out", layout=three_channels(tmp_path))


def test_spans_in_the_table_and_in_a_file_are_refused(tmp_path):
    save(tmp_path, WITH_SPANS)
    np.save(tmp_path / "three.npy", array(3))
    with pytest.raises(UserError, match="the table has a column spans"):
        npz.prepare(
            tmp_path, tmp_path / "out", layout=three_channels(tmp_path), spans_file="spans.npz"
        )


# --- hands relative to their wrists -----------------------------------------------------------

WRISTS = ("left_hand_wrist", "right_hand_wrist")


def hands(tmp_path, channels=("x", "y", "z")) -> str:
    """A layout of two hands, and a clip whose left hand is lost in frame 2."""
    both = layout("mediapipe_75").to_json()
    points = both["points"][33:]
    value = {
        "name": "hands",
        "points": points,
        "channels": list(channels),
        "mirror": {p: both["mirror"][p] for p in points},
        "edges": [edge for edge in both["edges"] if set(edge) <= set(points)],
    }
    (tmp_path / "hands.json").write_text(json.dumps(value))
    (tmp_path / "glosses.csv").write_text("id,glosses,split\na,RAIN,train\n")
    clip = np.random.default_rng(0).uniform(0.1, 1, (30, 42, 3))
    clip[:, [0, 21]] = 0
    clip[2, :21] = 0
    if "score" in channels:
        clip = np.concatenate([clip, np.ones((30, 42, 1))], axis=-1)
        clip[2, :21, -1] = 0
    np.save(tmp_path / "a.npy", clip)
    return str(tmp_path / "hands.json")


@pytest.mark.parametrize("channels", [("x", "y", "z"), ("x", "y", "z", "score")])
def test_the_wrist_of_hand_centred_points_is_there_and_a_lost_hand_is_not(tmp_path, channels):
    mine = hands(tmp_path, channels)
    npz.prepare(tmp_path, tmp_path / "out", layout=mine, hand_centred=WRISTS)
    npz.prepare(tmp_path, tmp_path / "plain", layout=mine)
    train = read_folder(tmp_path / "out")["train"]
    lost = train.contract.missing(train.contract.select(train.load(0)))
    assert lost[2, :21].all()
    assert lost.sum() == 21
    # Without it, both wrists would be missing in all frames.
    plain = read_folder(tmp_path / "plain")["train"]
    assert plain.contract.missing(plain.contract.select(plain.load(0)))[:, [0, 21]].all()


def test_hand_centred_points_keep_their_origin_so_that_mirroring_keeps_the_hand_in_place(tmp_path):
    npz.prepare(tmp_path, tmp_path / "out", layout=hands(tmp_path), hand_centred=WRISTS)
    train = read_folder(tmp_path / "out")["train"]
    prepared = train.contract.prepare(train.load(0))
    assert (train.contract.root, train.contract.normalisation) == (WRISTS, "body")
    np.testing.assert_array_equal(prepared[:, [0, 21], :3], 0)
    assert (prepared[:, [0, 21], -1] > 0).all()
    raw = np.load(tmp_path / "a.npy")
    unit = np.median(np.hypot(*raw[:, 30, :2].T))
    np.testing.assert_allclose(prepared[5, 7, 0], raw[5, 7, 0] / unit, rtol=1e-4)


def test_root_and_scale_replace_those_of_the_layout(tmp_path):
    npz.prepare(
        tmp_path, tmp_path / "out", layout=hands(tmp_path), hand_centred=WRISTS[:1],
        scale=("left_hand_wrist", "left_index_1"), root=("right_hand_wrist",),
    )  # fmt: skip
    made = read_folder(tmp_path / "out")["train"].contract
    assert (made.root, made.scale[1]) == (("right_hand_wrist",), "left_index_1")
    with pytest.raises(UserError, match="no point 'wrist'"):
        npz.prepare(
            tmp_path, tmp_path / "o", layout=str(tmp_path / "hands.json"), hand_centred=("wrist",)
        )
