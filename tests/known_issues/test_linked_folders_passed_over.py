"""Linked sub-folders were passed over without a word by every walk through folders."""

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.datasets.keypoint_pickles import corpus_tables
from slr_keras.extraction.sources import find_sources
from slr_keras.recognition import find_clips
from slr_keras.utils.walking import walked


@pytest.fixture
def folder(tmp_path):
    """A folder with one clip, and another behind a link; both contain loops."""
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    for place, name in ((elsewhere / "deep", "b"), (here, "a")):
        place.mkdir(parents=True)
        (place / f"{name}.mp4").touch()
        np.save(place / f"{name}.pose.npy", np.zeros((4, 133, 3)))
        (place / f"{name}.corpus.csv").write_text(f"id|annotation\n{name}|RAIN\n")
    (here / "linked").symlink_to(elsewhere)
    (here / "again").symlink_to(here)
    (elsewhere / "deep" / "up").symlink_to(elsewhere)
    (elsewhere / "other").symlink_to(here)
    (here / "nowhere").symlink_to(tmp_path / "absent")
    return here


def test_a_walk_enters_each_folder_once_and_ends(folder):
    names = [path.relative_to(folder).as_posix() for path in walked(folder)]
    assert [name for name in names if name.endswith(".mp4")] == ["a.mp4", "linked/deep/b.mp4"]


def test_extract_finds_the_clips_in_linked_folders(folder):
    assert [source.id for source in find_sources([str(folder)])] == ["a", "linked/deep/b"]


def test_a_pattern_gives_each_clip_once(folder):
    sources = find_sources([str(folder / "**" / "*.mp4")])
    assert len({source.path.resolve() for source in sources}) == len(sources) == 2


def test_predict_finds_the_clips_in_linked_folders(folder):
    pytest.importorskip("mediapipe")
    clips = find_clips([folder], contract("mediapipe_holistic_543"))
    assert [clip.id for clip in clips if clip.source.endswith(".npy")] == [
        "a.pose",
        "linked/deep/b.pose",
    ]


def test_prepare_finds_the_tables_in_linked_folders(folder):
    assert set(corpus_tables(folder, "", "*.corpus.csv")) == {"a", "b"}
