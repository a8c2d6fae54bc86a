"""Data folders of composed sentences."""

import json

import numpy as np
import pytest
from composition_data import POINTS, SIGNS, recording, six_points

from slr_keras.data.composition.common_units import CommonUnits
from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.composition.folder import compose_folder
from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter, read_folder, read_manifest
from slr_keras.data.validation.folder import validate_folder
from slr_keras.prepare import main
from slr_keras.utils.errors import UserError

EXACT = CompositionConfig(
    speed=(1, 1), sign_speed=0, warp=0, cut=0, yaw=0, rest_ends=0, rest_between=0, words=(2, 4),
    rest_label="-",
)  # fmt: skip


def compose(sources, folder, config=EXACT, **settings):
    compose_folder(sources, folder, config, **{"sentences": 20, "rest_minutes": 0.5, **settings})
    return read_folder(folder)


@pytest.fixture
def other(tmp_path):
    """A folder of another camera and rate, with the y axis upwards, and a shared sign."""
    rng = np.random.default_rng(5)
    settings = {"image_size": (640, 480), "y_axis": "up", "fps": 60.0}
    with FolderWriter(tmp_path / "other", six_points(**settings)) as writer:
        for split in ("train", "dev", "test"):
            for gloss in ("Tea", "Sun"):
                for number in range(2):
                    keypoints = 0.5 * recording(rng, 40)
                    keypoints[..., 1] = 480 - keypoints[..., 1]
                    keypoints[..., 3] = 1
                    name = f"{split}-{gloss}-{number}"
                    writer.add(split, id=name, glosses=[gloss], keypoints=keypoints)
    return tmp_path / "other"


def test_sentences_are_made_of_clips_of_their_own_split_and_train_holds_the_signs(
    isolated, tmp_path
):
    splits = compose([isolated], tmp_path / "out")
    assert [len(split) for split in splits.values()] == [28, 20, 20]
    original = read_folder(isolated)
    for name in ("dev", "test"):
        known = {sample.id for sample in original[name]}
        for sample in splits[name]:
            assert set(sample.extra["clips"]) <= known
            assert {clip.split("-")[2] for clip in sample.extra["clips"]} == set(sample.glosses)
    for sample, given in zip(splits["train"], original["train"], strict=True):
        assert sample.glosses == (() if given.glosses == ("-",) else given.glosses)
        assert bool(sample.extra.get("rest")) == (not sample.glosses)


def test_the_model_sees_the_clips_of_a_sentence_as_it_sees_them_alone(isolated, tmp_path):
    splits = compose([isolated], tmp_path / "out")
    original = read_folder(isolated)["dev"]
    rows = {sample.id: row for row, sample in enumerate(original)}
    compared = 0
    for row, sample in enumerate(splits["dev"]):
        sentence = splits["dev"].contract.prepare(splits["dev"].load(row))
        for name, (start, end) in zip(sample.extra["clips"], sample.extra["spans"], strict=True):
            alone = original.contract.prepare(original.load(rows[name]))
            seen = (alone[..., 3] == 1) & (sentence[start:end, :, 3] == 1)
            # One origin and unit for the sentence, and one for the clip.
            np.testing.assert_allclose(sentence[start:end][seen], alone[seen], atol=1e-3)
            compared += seen.sum()
    assert compared > 1000


def test_missing_points_stay_missing_in_the_files(isolated, tmp_path):
    dev = compose([isolated], tmp_path / "out")["dev"]
    lost = 0
    for row, sample in enumerate(dev):
        points = dev.load(row)
        for name, (_start, end) in zip(sample.extra["clips"], sample.extra["spans"], strict=True):
            expected = name.endswith("-1")
            assert (points[end - 8 : end, POINTS.index("right_thumb_1")] == 0).all() == expected
            lost += expected
    assert lost > 5


def test_folders_of_other_cameras_and_rates_come_to_one_contract(isolated, other, tmp_path):
    splits = compose([isolated, other], tmp_path / "out", lower_case=True)
    train = splits["train"]
    assert train.contract == read_folder(isolated)["train"].contract
    assert {s.fps for s in train} == {30.0}
    assert {g for s in train for g in s.glosses} == {"tea", "milk", "water", "bye", "sun"}
    given = read_folder(other)["train"]
    for row, sample in enumerate(given):
        mine = next(s for s in train if s.id == f"other-{sample.id}")
        assert (mine.frames, mine.extra["group"]) == (20, "other")
        expected = given.contract.prepare(given.load(row)[1::2])
        np.testing.assert_allclose(
            train.contract.prepare(train.load(mine)), expected, rtol=1e-4, atol=1e-3
        )
    groups = {sample.extra["group"] for sample in splits["dev"]}
    assert groups == {"isolated/ann", "isolated/bob", "other"}
    allowed = {"isolated/ann": SIGNS["ann"], "isolated/bob": SIGNS["bob"], "other": ("TEA", "SUN")}
    for sample in splits["dev"]:
        signs = {sign.lower() for sign in allowed[sample.extra["group"]]}
        assert set(sample.glosses) <= signs


def test_the_split_of_rest_has_no_gloss_and_the_length_asked_for(isolated, tmp_path):
    compose([isolated], tmp_path / "out")
    rest = read_manifest(tmp_path / "out" / "rest.jsonl")
    assert all(sample.glosses == () for sample in rest)
    assert 0.45 < sum(sample.frames for sample in rest) / 30 / 60 < 0.55
    clips = {clip for sample in rest for clip in sample.extra["clips"]}
    assert len(clips) > 1
    assert all(clip.startswith("test-") and "---" in clip for clip in clips)


def test_the_folder_is_sound(isolated, tmp_path):
    compose([isolated], tmp_path / "out", CompositionConfig(rest_label="-", words=(1, 3)))
    assert validate_folder(tmp_path / "out").errors == ()


def test_the_same_seed_writes_the_same_and_another_seed_others(isolated, tmp_path):
    files = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        compose([isolated], tmp_path / name, seed=seed)
        files.append((tmp_path / name / "dev.npy").read_bytes())
    assert files[0] == files[1] != files[2]


def test_glosses_are_left_out_and_a_grammar_is_kept(isolated, tmp_path):
    grammar = tmp_path / "orders.txt"
    grammar.write_text("MILK WATER MILK\nTEA BYE\n")
    out = tmp_path / "out"
    assert main(
        ["compose", str(isolated), "--to", str(out), "--rest-label", "-", "--without", "BYE",
         "--order", "sentences", "--grammar", str(grammar), "--sentences", "5"]
    ) == 0  # fmt: skip
    splits = read_folder(out)
    assert {sample.glosses for sample in splits["dev"]} == {("MILK", "WATER", "MILK")}
    assert not any("BYE" in sample.glosses for sample in splits["train"])
    record = json.loads((out / "prepared.json").read_text())
    assert record["dataset"] == "compose"
    assert record["options"]["composition"]["order"] == "sentences"


def test_folders_of_other_points_are_refused_and_nothing_is_written(isolated, tmp_path):
    with FolderWriter(tmp_path / "kinect", contract("kinect_20")) as writer:
        writer.add("train", id="a", glosses=["A"], keypoints=np.ones((9, 20, 4)))
    with pytest.raises(UserError, match="differ in"):
        compose([isolated, tmp_path / "kinect"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_occupied_folder_is_refused(isolated, tmp_path):
    compose([isolated], tmp_path / "out")
    with pytest.raises(UserError, match="not empty"):
        compose([isolated], tmp_path / "out")
    compose([isolated], tmp_path / "out", force=True)


def test_image_coordinates_keep_their_fraction_of_the_image():
    down = contract("boston_3")
    up = contract("boston_3", image_size=(624, 484), y_axis="up")
    raw = np.array([[[312.0, 100, 1], [20, 484, 1], [0, 0, 1]]], np.float32)[..., :2]
    units = CommonUnits(down)
    points = units.converted(raw, up)
    assert points[0, :2].tolist() == [[156, 192, 1], [10, 0, 1]]
    assert points[0, 2].tolist() == [0, 0, 0]
    np.testing.assert_allclose(down.prepare(units.raw(points)), up.prepare(raw), atol=1e-6)


def test_the_words_of_two_american_sets_are_composed(shared_data, tmp_path):
    for name in ("traduttore_asl", "asl_signwish"):
        assert main([name, "--from", str(shared_data / name), "--to", str(tmp_path / name)]) == 0
    letters = ["b", "c", "e", "f", "g", "h", "j", "k", "l", "s", "t", "u", "v", "w", "x", "y", "z"]
    sources = [tmp_path / "traduttore_asl", tmp_path / "asl_signwish"]
    splits = compose(sources, tmp_path / "asl", without=letters)
    words = {gloss for sample in splits["train"] for gloss in sample.glosses}
    assert len(words) == 24
    assert {"hello", "thank-you"} <= words
    assert "-" not in words
    used = {name: {c for s in splits[name] for c in s.extra["clips"]} for name in ("dev", "test")}
    train = {sample.id for sample in splits["train"]}
    assert not used["dev"] & used["test"]
    assert not train & (used["dev"] | used["test"])
