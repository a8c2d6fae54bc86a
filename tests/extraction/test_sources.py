"""Which clips the user's words name, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest

from slr_keras.data.manifest import write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.extraction.frames import Window
from slr_keras.extraction.sources import Source, find_sources, with_glosses, with_splits
from slr_keras.text.tables import read_table
from slr_keras.utils.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Videos in two folders, a folder of pictures, and files that are neither."""
    for name in ("b.mp4", "a.mov", "deep/er/c.webm", ".hidden.mp4", "notes.txt", "points.npy"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for number in (1, 2):
        (tmp_path / "pictures" / "v1.2").mkdir(parents=True, exist_ok=True)
        (tmp_path / "pictures" / "v1.2" / f"{number}.png").touch()
    return tmp_path


def ids(*inputs, **options):
    return [source.id for source in find_sources(map(str, inputs), **options)]


def test_a_folder_is_searched_through_in_the_order_of_names(folder):
    assert ids(folder) == ["a", "b", "deep/er/c", "pictures/v1.2"]
    assert ids(folder / "pictures" / "v1.2") == ["v1.2"]


def test_inputs_keep_their_order_and_patterns_are_filled_in(folder):
    assert ids(folder / "b.mp4", folder / "a.mov") == ["b", "a"]
    assert ids(folder / "*.m*") == ["a", "b"]
    assert ids(folder / "**" / "*.webm") == ["c"]


def test_what_the_command_wrote_itself_is_not_read(folder):
    assert ids(folder, own=folder / "pictures") == ["a", "b", "deep/er/c"]


def test_what_is_not_there_or_no_video_is_named(folder, tmp_path):
    with pytest.raises(UserError, match=r"gone.mp4: no such file"):
        ids(folder / "gone.mp4")
    with pytest.raises(UserError, match=r"notes.txt: not a video"):
        ids(folder / "notes.txt")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError, match="no video in this folder"):
        ids(tmp_path / "nothing")


def test_videos_of_one_name_get_their_suffix_or_are_refused(folder):
    (folder / "a.mp4").touch()
    assert ids(folder)[:3] == ["a.mov", "a.mp4", "b"]
    (folder / "deep" / "b.mp4").touch()
    with pytest.raises(UserError, match=r"b.mp4 and .*b.mp4: both would be called 'b.mp4'"):
        ids(folder / "b.mp4", folder / "deep" / "b.mp4")


def test_a_data_folder_of_video_gives_its_clips_with_all_that_is_known(tmp_path):
    FrameContract((24, 20)).write(tmp_path / "frames.json")
    np.save(tmp_path / "all.npy", np.zeros((9, 20, 24, 3), np.uint8))
    write_manifest(
        tmp_path / "train.jsonl",
        [
            Sample("x", ("RAIN",), 5, "s1", 30.0, "Regen", video="x.mp4", extra={"camera": 2}),
            Sample("y", ("SUN",), 4, video="long.mp4", video_start=7),
            Sample("z", ("SUN",), 3, video="all.npy", start=6),
        ],
    )
    write_manifest(tmp_path / "dev.jsonl", [Sample("x", (), 5, video="other.mp4")])
    x, y, z, other = find_sources([str(tmp_path)])
    assert (x.split, x.glosses, x.signer, x.text, x.fps) == ("train", ("RAIN",), "s1", "Regen", 30)
    assert (x.path, x.window, x.extra) == (tmp_path / "x.mp4", None, {"camera": 2})
    assert (y.window, z.window) == (Window(7, 4), Window(6, 3))
    # Files of clips that share a name in two splits are told apart.
    assert (x.file, y.file, other.id, other.file) == ("train/x", "y", "x", "dev/x")


def test_a_manifest_of_keypoints_has_no_video_to_read(tmp_path):
    write_manifest(tmp_path / "train.jsonl", [Sample("x", (), 5, keypoints="x.npy")])
    with pytest.raises(UserError, match=r"train.jsonl:1: sample 'x': has no video"):
        ids(tmp_path / "train.jsonl")


def test_a_table_names_files_and_what_is_signed(tmp_path):
    (tmp_path / "t.csv").write_text(
        "\ufefffile;Glosses;split;signer\nin/a.mp4;RAIN NORTH;dev;s1\nb.mp4;;;\n"
    )
    a, b = find_sources([str(tmp_path / "t.csv")])
    assert (a.id, a.path, a.glosses) == ("a", tmp_path / "in" / "a.mp4", ("RAIN", "NORTH"))
    assert (a.split, a.signer, b.glosses, b.split) == ("dev", "s1", (), "")


def test_glosses_are_joined_by_id_and_clips_without_are_listed(folder):
    table = folder / "glosses.csv"
    table.write_text("id,glosses,split\nb,RAIN SUN,train\ndeep/er/c,WIND,dev\nelsewhere,X,train\n")
    sources, without = with_glosses(find_sources([str(folder)]), table)
    assert [source.glosses for source in sources] == [(), ("RAIN", "SUN"), ("WIND",), ()]
    assert [source.split for source in sources] == ["", "train", "dev", ""]
    assert without == ["a", "pictures/v1.2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,glosses\na,RAIN\n", "glosses.csv:1: no column id, only name, glosses"),
        ("id,glosses\na,RAIN\na,SUN\n", r"glosses.csv:3: 'a' is already on line 2"),
        ("id,glosses\nx,RAIN\n", "has none of the clips; its first id is 'x'"),
        ("id,glosses,split\na,RAIN,both\n", r"glosses.csv:2: split 'both' must be"),
        ("id,glosses\n", "has no rows"),
        ("", "is empty"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(folder, text, message):
    table = folder / "glosses.csv"
    table.write_text(text)
    with pytest.raises(UserError, match=message):
        with_glosses(find_sources([str(folder)]), table)


def test_a_table_may_be_separated_by_tabs(tmp_path):
    (tmp_path / "t.tsv").write_text("id\tglosses\na\tRAIN, of sorts\n")
    assert read_table(tmp_path / "t.tsv") == [(2, {"id": "a", "glosses": "RAIN, of sorts"})]


def clips(*glosses, **fields):
    described = [{"glosses": tuple(words.split()), **fields} for words in glosses]
    return [
        Source(f"c{number}", Path(f"c{number}.mp4"), signer="xyz"[number % 3], **known)
        for number, known in enumerate(described)
    ]


def test_clips_without_a_split_are_in_train_if_any_has_glosses_and_else_in_test():
    assert [c.split for c in with_splits(clips("A", ""))] == ["train", "train"]
    assert [c.split for c in with_splits(clips("", ""))] == ["test", "test"]
    assert [c.split for c in with_splits(clips("A", "B"), "dev")] == ["dev", "dev"]
    stated = clips("A", split="test") + clips("A")
    assert [c.split for c in with_splits(stated)] == ["test", "train"]


def test_the_clips_of_dev_and_test_are_those_that_prepare_npz_chooses():
    from slr_keras.data.datasets.splits import held_out

    words = ["A", "B", "C D"] * 10
    own = with_splits(clips(*words), dev_fraction=0.2, test_fraction=0.1, seed=5)
    theirs = held_out([w.split() for w in words], [""] * 30, (), (), 0.2, 0.1, 5)
    assert [clip.split for clip in own] == theirs
    assert (theirs.count("dev"), theirs.count("test")) == (6, 3)


def test_stated_splits_and_clips_without_glosses_are_left_as_they_are():
    given = clips(*["A"] * 10) + clips(*["A"] * 5, split="test") + clips(*[""] * 4)
    found = [clip.split for clip in with_splits(given, dev_fraction=0.3)]
    assert found[:10].count("dev") == 3
    assert found[10:] == ["test"] * 5 + ["train"] * 4


def test_signers_are_kept_for_dev_and_test():
    found = with_splits(clips(*["A"] * 6), dev_signers=["y"], test_signers=["z"])
    assert [clip.split for clip in found] == ["train", "dev", "test"] * 2


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (clips("A", "A"), {"split": "dev", "dev_fraction": 0.5}, "omit it, or the options"),
        (clips("", ""), {"dev_fraction": 0.5}, "no clip with glosses is without a split"),
        (clips("A", split="dev"), {"dev_signers": ["x"]}, "no clip with glosses is without"),
        (clips("A", "A"), {"dev_signers": ["w"]}, "no signer 'w'"),
    ],
)
def test_splits_that_cannot_be_are_refused(given, options, message):
    with pytest.raises(UserError, match=message):
        with_splits(given, **options)
