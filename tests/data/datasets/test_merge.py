"""Merging of data folders: clips and signers stay apart, and nothing leaks between splits."""

import json

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.datasets.merge import merge
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.missing import Missing
from slr_keras.data.video.contract import FrameContract
from slr_keras.utils.errors import UserError

BODY = contract("mediapipe_75", image_size=(640, 480), normalisation="body", fps=30)


def write(folder, clips, chosen=BODY):
    """A data folder; a clip is (split, id, signer) with optional keypoints and further keys."""
    with FolderWriter(folder, chosen) as writer:
        for number, (split, id, signer, *more) in enumerate(clips):
            # Every clip differs, by its folder and its number.
            value = 10 * sum(folder.name.encode()) + number
            settings = {"glosses": ["RAIN"], "keypoints": np.full((6, 75, 4), value)}
            settings |= more[0] if more else {}
            writer.add(split, id=id, signer=signer, **settings)
    return folder


@pytest.fixture
def a(tmp_path):
    return write(tmp_path / "a", [("train", "1", "s1"), ("train", "2", "s2"), ("dev", "3", "s3")])


def test_clips_go_to_their_split_with_all_that_is_known_of_them(a, tmp_path):
    own = {
        "glosses": ["SUN", "RAIN"], "text": "sun, rain", "fps": 50, "spans": [[0, 2], [2, 6]],
        "camera": 2, "split": "odd",
    }  # fmt: skip
    b = write(tmp_path / "b", [("train", "4", "s4", own), ("test", "5", "s5")])
    merge([a, b], tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert {name: [s.id for s in split] for name, split in splits.items()} == {
        "train": ["1", "2", "4"], "dev": ["3"], "test": ["5"],
    }  # fmt: skip
    sample = splits["train"][2]
    assert (sample.glosses, sample.text, sample.fps) == (("SUN", "RAIN"), "sun, rain", 50)
    assert dict(sample.extra) == {"spans": [[0, 2], [2, 6]], "camera": 2, "split": "odd"}
    for folder in (a, b):
        for name, split in read_folder(folder).items():
            for each in split:
                np.testing.assert_array_equal(
                    splits[name].load(splits[name].find(each.id)), split.load(each)
                )
    assert splits["train"].contract == BODY
    record = json.loads((tmp_path / "out" / "prepared.json").read_text())
    assert record["options"]["folders"] == [str(a), str(b)]


def test_ids_and_signers_of_several_folders_get_the_folder_s_name_and_others_stay(a, tmp_path):
    b = write(tmp_path / "b", [("train", "1", "s1"), ("train", "4", ""), ("test", "3", "s9")])
    merge([a, b], tmp_path / "out")
    found = {s.id: s.signer for split in read_folder(tmp_path / "out").values() for s in split}
    assert found == {
        "a/1": "a/s1", "2": "s2", "b/1": "b/s1", "4": "", "a/3": "s3", "b/3": "s9",
    }  # fmt: skip


def test_folders_of_the_same_name_are_told_apart_by_their_paths(tmp_path):
    folders = [tmp_path / "x" / "data", tmp_path / "y" / "data"]
    for number, folder in enumerate(folders):
        keypoints = {"keypoints": np.full((6, 75, 4), number)}
        write(folder, [("train", "1", "s1", keypoints)])
    merge(folders, tmp_path / "out")
    train = read_folder(tmp_path / "out")["train"]
    assert [s.id for s in train] == [f"{folder}/1" for folder in folders]
    assert len({s.signer for s in train}) == 2


def test_names_that_are_the_same_people_stay_unless_they_would_be_in_two_splits(a, tmp_path):
    b = write(tmp_path / "b", [("train", "4", "s1"), ("dev", "5", "s3")])
    merge([a, b], tmp_path / "out", same_signers=True)
    splits = read_folder(tmp_path / "out")
    assert [s.signer for s in splits["train"]] == ["s1", "s2", "s1"]
    c = write(tmp_path / "c", [("test", "6", "s1")])
    with pytest.raises(UserError, match="signer 's1' is in train of a and in test of c"):
        merge([a, c], tmp_path / "out", force=True, same_signers=True)
    assert len(read_folder(tmp_path / "out")["train"]) == 3


def test_the_same_clip_in_two_splits_of_two_folders_is_refused(a, tmp_path):
    same = {"keypoints": np.array(read_folder(a)["train"].load(0))}
    b = write(tmp_path / "b", [("train", "x", "s8", same)])
    merge([a, b], tmp_path / "twice")
    c = write(tmp_path / "c", [("test", "x", "s8", same)])
    with pytest.raises(UserError, match="'x' of test is the clip '1' of train in a"):
        merge([a, c], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (contract("mediapipe_75", image_size=(640, 480)), "normalisation"),
        (contract("mediapipe_75", normalisation="body"), "image_size"),
        (contract("mediapipe_75", image_size=(640, 480), normalisation="body", max_gap=3), "gap"),
    ],
)
def test_contracts_that_read_files_differently_are_refused(a, tmp_path, other, field):
    points = {"keypoints": np.ones((6, len(other.source.points), 4))}
    b = write(tmp_path / "b", [("train", "4", "s4", points)], other)
    with pytest.raises(UserError, match=f"contracts differ in .*{field}.*: .*a has"):
        merge([a, b], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cameras_of_another_size_and_rate_are_merged_where_the_body_is_the_unit(a, tmp_path):
    wide = contract("mediapipe_75", image_size=(1280, 720), normalisation="body", fps=25)
    random = {"keypoints": np.random.default_rng(0).uniform(1, 700, (6, 75, 4)).astype("f4")}
    b = write(tmp_path / "b", [("train", "4", "s4", random)], wide)
    merge([a, b], tmp_path / "out")
    train = read_folder(tmp_path / "out")["train"]
    assert [s.fps for s in train] == [30, 30, 25]
    np.testing.assert_array_equal(
        train.contract.prepare(train.load(2)), wide.prepare(read_folder(b)["train"].load(0))
    )


def test_classes_and_missing_clips_are_those_of_all_folders(a, tmp_path):
    b = write(tmp_path / "b", [("train", "4", "s4"), ("test", "5", "s5")])
    (a / "vocabulary.txt").write_text("<blank>\n<unk>\nSUN\nRAIN\n")
    Missing({"train": 3, "test": 1}, {"train": {"gone": "no file"}}).write(b / "missing.json")
    merge([a, b], tmp_path / "out")
    assert (tmp_path / "out" / "vocabulary.txt").read_text().split()[-2:] == ["SUN", "RAIN"]
    missing = Missing.read(tmp_path / "out" / "missing.json")
    assert missing.expected == {"train": 5, "dev": 1, "test": 1}
    assert missing.clips == {"train": {"b/gone": "no file"}}


def test_one_folder_twice_the_target_among_them_and_video_are_refused(a, tmp_path):
    b = write(tmp_path / "b", [("train", "4", "s4")])
    for folders in ([a], [a, a], [a, b, a]):
        with pytest.raises(UserError, match="two or more folders, each once"):
            merge(folders, tmp_path / "out")
    with pytest.raises(UserError, match="is one of the folders"):
        merge([a, b], b, force=True)
    with pytest.raises(UserError, match="the folder is not empty"):
        merge([a, b], write(tmp_path / "c", [("train", "1", "s")]))
    with pytest.raises(UserError, match="no such data folder"):
        merge([a, tmp_path / "none"], tmp_path / "out")
    FrameContract((32, 24)).write(b / "frames.json")
    with pytest.raises(UserError, match="b: holds video"):
        merge([a, b], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_clips_of_glosses_that_are_left_out_are_in_no_split(a, tmp_path):
    sun = {"glosses": ["SUN"]}
    b = write(tmp_path / "b", [("train", "4", "s4", sun), ("dev", "5", "s5", sun)])
    merge([a, b], tmp_path / "out", without=["RAIN"])
    splits = read_folder(tmp_path / "out")
    assert [(name, s.id) for name, split in splits.items() for s in split] == [
        ("train", "4"), ("dev", "5"),
    ]  # fmt: skip


def test_a_gloss_to_leave_out_that_no_clip_has_is_refused_and_names_the_nearest(a, tmp_path):
    b = write(tmp_path / "b", [("train", "4", "s4")])
    with pytest.raises(UserError, match=r"--without RAINY: no clip has this gloss.*RAIN"):
        merge([a, b], tmp_path / "out", without=["RAINY"])


def of_layout(folder, name, value, glosses=("RAIN",), **overrides):
    """A folder of one clip whose points hold `value` and their number in COCO-WholeBody."""
    rules = contract(name, image_size=(640, 480), normalisation="body", **overrides)
    whole = contract("coco_wholebody_133").source.points
    points = np.full((6, len(rules.source.points), len(rules.source.channels)), 1.0)
    for row, point in enumerate(rules.source.points):
        points[:, row, :2] = value, whole.index(point) if point in whole else 999
    with FolderWriter(folder, rules) as writer:
        writer.add("train", id="1", glosses=glosses, keypoints=points, signer="s")
    return folder


def test_points_of_several_layouts_meet_by_their_names(tmp_path):
    a = of_layout(tmp_path / "a", "mediapipe_holistic_543", 1)
    b = of_layout(tmp_path / "b", "coco_wholebody_133", 2)
    with pytest.raises(UserError, match=r"points that another folder lacks.*--points common"):
        merge([a, b], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    merge([a, b], tmp_path / "out", points="common")
    split = read_folder(tmp_path / "out")["train"]
    first, second = split.load(0), split.load(1)
    assert split.contract.points == contract("stark_79").points
    np.testing.assert_array_equal(first[..., 1], second[..., 1])
    assert (first[0, :, 0].max(), second[0, :, 0].max()) == (1, 2)
    whole = contract("coco_wholebody_133").source.points
    assert [whole[int(n)] for n in first[0, :, 1]] == list(split.contract.source.points)
    # What a model reads of a clip is the same before and after.
    before = read_folder(b)["train"]
    rows = before.contract.source.indices(split.contract.points)
    np.testing.assert_array_equal(
        split.contract.select(second)[..., :2], before.load(0)[:, rows, :2]
    )


def test_other_rules_than_points_are_refused_with_both_folders(tmp_path):
    a = of_layout(tmp_path / "a", "mediapipe_holistic_543", 1)
    b = of_layout(tmp_path / "b", "coco_wholebody_133", 2, y_axis="up")
    with pytest.raises(UserError, match="y_axis"):
        merge([a, b], tmp_path / "out", points="common")


def test_glosses_become_others_by_a_table(a, tmp_path):
    b = of_layout(tmp_path / "b", "mediapipe_75", 2, glosses=("SUN", "RAIN"), fps=30)
    table = tmp_path / "map.tsv"
    table.write_text("RAIN\tRAIN1\nSUN\tRAIN\n")
    with pytest.raises(UserError, match="no class 'RAIN1'"):
        merge([a, b], tmp_path / "out", label_map=str(table))
    table.write_text("SUN\tRAIN\n")
    merge([a, b], tmp_path / "out", label_map=str(table))
    assert read_folder(tmp_path / "out")["train"][2].glosses == ("RAIN", "RAIN")
