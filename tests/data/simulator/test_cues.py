"""Clips whose classes differ in one cue alone (docs/papers/stepnet.md §13.4)."""

import json

import numpy as np
import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.data.sample import Sample
from slr_keras.data.simulator.cues import CUES, cue_clip, cue_glosses, simulate_cues
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.simulate import main
from slr_keras.utils.errors import UserError

SIZE = (32, 32)


def clips(cue, gloss, count=6):
    return [cue_clip(cue, Sample(f"{gloss}{n}", (gloss,), 24), 0, SIZE) for n in range(count)]


def motion(clip, part=(slice(None), slice(None)), frames=slice(None)):
    """How much blobs move along x and y in a part of the pictures: the spread of their centre."""
    # Brighter than the background by far.
    bright = clip[frames].astype(float).mean(-1)
    cover = np.clip(bright - np.median(bright, axis=(1, 2), keepdims=True) - 25, 0, None)
    rows, columns = part
    cover = cover[:, rows, columns]
    total = cover.sum((1, 2))
    x = (cover.sum(1) * np.arange(cover.shape[2])).sum(1) / total
    y = (cover.sum(2) * np.arange(cover.shape[1])).sum(1) / total
    return np.array([x.std(), y.std()])


def seen(clip, part=(slice(None), slice(None)), frames=slice(None)):
    """The name of the motion in a part of a clip."""
    x, y = motion(clip, part, frames)
    return "NOD" if x < y / 3 else "SHAKE" if y < x / 3 else "CIRCLE"


@pytest.mark.parametrize("cue", ["left_right", "top_bottom"])
def test_the_class_is_which_motion_is_at_which_side(cue):
    halves = (slice(0, 16), slice(16, 32))
    everything = slice(None)
    parts = [(everything, h) if cue == "left_right" else (h, everything) for h in halves]
    for gloss in cue_glosses(cue):
        for clip in clips(cue, gloss):
            assert "-".join(seen(clip, part) for part in parts) == gloss


def test_the_class_is_in_which_order_motions_come():
    for gloss in cue_glosses("order"):
        for clip in clips("order", gloss):
            thirds = [slice(0, 8), slice(8, 16), slice(16, 24)]
            assert "-".join(seen(clip, frames=third) for third in thirds) == gloss


def test_a_single_motion_is_anywhere_and_its_place_says_nothing_of_its_class():
    places = []
    for gloss in cue_glosses("motion"):
        found = clips("motion", gloss, 40)
        assert [seen(clip) for clip in found] == [gloss] * 40
        moves = [np.abs(clip.astype(float).mean(-1) - clip.mean(-1)[0]).sum(0) for clip in found]
        places.append([np.array(np.unravel_index(m.argmax(), m.shape)) for m in moves])
    spread = np.concatenate(places)
    assert (spread.min(0) < 12).all()
    assert (spread.max(0) > 20).all()
    assert np.ptp([np.mean(of_class, axis=0) for of_class in places], axis=0).max() < 4


def parts_and_average(cue, clip):
    """Where something moves, in each part of a clip, and laid over each other."""
    moves = np.abs(clip.astype(float).mean(-1) - np.median(clip.mean(-1), axis=0))
    if cue == "order":
        parts = [moves[start : start + 8].mean(0) for start in (0, 8, 16)]
    else:
        axis = 1 if cue == "left_right" else 0
        parts = np.split(moves.mean(0), 2, axis=axis)
    return np.stack(parts).ravel(), np.mean(parts, axis=0).ravel()


@pytest.mark.parametrize("cue", [cue for cue in CUES if cue != "motion"])
def test_parts_tell_a_class_from_its_counterpart_and_averages_do_not(cue):
    first = cue_glosses(cue)[0]
    pair = (first, "-".join(reversed(first.split("-"))))
    assert set(pair) <= set(cue_glosses(cue))
    features = [[parts_and_average(cue, clip) for clip in clips(cue, gloss, 60)] for gloss in pair]
    right = {}
    for place, kind in enumerate(("parts", "average")):
        known, asked = (
            [np.stack([clip[place] for clip in found[half::2]]) for found in features]
            for half in (0, 1)
        )
        means = np.stack([found.mean(0) for found in known])
        guesses = [np.square(found[:, None] - means).sum(-1).argmin(1) for found in asked]
        right[kind] = np.mean([guess == label for label, guess in enumerate(guesses)])
    assert right["parts"] > 0.9
    assert right["average"] < 0.7


def test_a_folder_has_equally_many_clips_of_each_class_and_is_sound(tmp_path):
    simulate_cues(tmp_path, "order", {"train": 24, "dev": 6, "test": 6}, size=SIZE)
    assert Vocabulary.read(tmp_path / "vocabulary.txt").glosses == cue_glosses("order")
    splits = read_folder(tmp_path)
    counts = np.unique([s.glosses[0] for s in splits["train"]], return_counts=True)[1]
    assert counts.tolist() == [4] * 6
    assert len({s.frames for s in splits["train"]}) > 2
    sample = splits["dev"][3]
    np.testing.assert_array_equal(splits["dev"].load_video(3), cue_clip("order", sample, 0, SIZE))
    assert not validate_folder(tmp_path).findings


def test_the_same_seed_gives_the_same_clips_and_another_one_others(tmp_path):
    counts = {"train": 6, "dev": 0, "test": 0}
    files = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        simulate_cues(tmp_path / place, "left_right", counts, seed, SIZE)
        files.append((tmp_path / place / "train.frames.npy").read_bytes())
    assert files[0] == files[1] != files[2]


def test_the_command_writes_them_once_and_replaces_other_data_when_forced(tmp_path, capsys):
    folder = tmp_path / "data"
    few = ["--to", str(folder), "--train", "10", "--dev", "1", "--test", "1"]
    assert main([*few, "--signers", "1", "1", "1"]) == 0
    cues = [*few, "--cues", "top_bottom", "--frames", "32"]
    with pytest.raises(UserError, match="not empty"):
        main(cues)
    assert main([*cues, "--force"]) == 0
    kinds = ("jsonl", "frames.npy")
    of_splits = {f"{split}.{kind}" for split in ("train", "dev", "test") for kind in kinds}
    assert {path.name for path in folder.iterdir()} == {
        *("frames.json", "simulation.json", "vocabulary.txt"),
        *of_splits,
    }
    assert json.loads((folder / "simulation.json").read_text())["cues"] == "top_bottom"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    capsys.readouterr()
    assert main(cues) == 0
    assert "already simulated" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(UserError, match="no cue 'colour'"):
        simulate_cues(tmp_path, "colour")
    with pytest.raises(UserError, match="16 or more"):
        simulate_cues(tmp_path, "order", size=(8, 64))
    with pytest.raises(UserError, match="fewer than 0"):
        simulate_cues(tmp_path, "order", {"train": -1})
    with pytest.raises(UserError, match="--cues has no signers"):
        main(["--to", str(tmp_path), "--cues", "order", "--signers", "1", "1", "1"])
