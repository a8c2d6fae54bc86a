"""WLASL in its official format becomes a data folder of isolated signs.

See docs/papers/stepnet.md §13.1.
"""

import json

import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.data.missing import Missing
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.prepare import main
from slr_keras.utils.errors import UserError

NAMES = [f"word {n}" if n % 10 == 3 else f"word{n}" for n in range(2000)]
# Video id: class, split, frames, first and last as in the annotations, signer.
VIDEOS = {
    "00295": (0, "train", 9, 1, -1, 118),
    "69241": (0, "val", 12, 3, 7, 2),
    "00001": (1, "train", 5, 2, 5, 118),
    "12328": (3, "test", 20, 11, -1, 4),
    "27184": (99, "train", 6, 1, 6, 2),
    "33333": (100, "train", 6, 1, 6, 2),
}


def instance(video, split, start, end, signer):
    return {
        "bbox": [1, 2, 30, 22],
        "fps": 25,
        "frame_end": end,
        "frame_start": start,
        "instance_id": 0,
        "signer_id": signer,
        "source": "aslbrick",
        "split": split,
        "url": "http://example.org/a.mp4",
        "variation_id": 0,
        "video_id": video,
    }


@pytest.fixture
def source(tmp_path, film):
    """The lists where the authors' repository has them, and the videos of its first 100 glosses."""
    folder = tmp_path / "WLASL"
    (folder / "start_kit").mkdir(parents=True)
    lists = folder / "code/I3D/preprocess"
    lists.mkdir(parents=True)
    entries = [{"gloss": name, "instances": []} for name in NAMES]
    for video, (number, split, _, start, end, signer) in VIDEOS.items():
        entries[number]["instances"].append(instance(video, split, start, end, signer))
    (folder / "start_kit/WLASL_v0.3.json").write_text(json.dumps(entries))
    nslt = {
        video: {"subset": split, "action": [number, start, frames if end == -1 else end]}
        for video, (number, split, frames, start, end, _) in VIDEOS.items()
        if number < 100
    }
    (lists / "nslt_100.json").write_text(json.dumps(nslt))
    classes = "".join(f"{number}\t{name}\n" for number, name in enumerate(NAMES))
    (lists / "wlasl_class_list.txt").write_text(classes)
    for video, (number, _, frames, *_) in VIDEOS.items():
        if number < 100:
            film(folder / "videos" / f"{video}.mp4", frames)
    return folder


def prepared(source, *options):
    folder = source.parent / "data"
    command = ["wlasl", "--from", str(source), "--to", str(folder), "--force"]
    assert main([*command, "--subset", "100", *options]) == 0
    return read_folder(folder)


def clips(splits):
    return {
        name: {s.id: (s.glosses, s.frames, s.video_start) for s in split}
        for name, split in splits.items()
    }


TRIMMED = {
    "train": {
        "00295": (("word0",), 9, None),
        "00001": (("word1",), 5, None),
        "27184": (("word99",), 6, None),
    },
    "dev": {"69241": (("word0",), 12, None)},
    "test": {"12328": (("word-3",), 20, None)},
}


@pytest.mark.parametrize("kind", ["nslt", "v0.3"])
def test_trimmed_videos_are_taken_whole_and_classes_keep_their_order(source, kind):
    splits = prepared(source, "--split-source", kind)
    assert clips(splits) == TRIMMED
    vocabulary = Vocabulary.read(source.parent / "data/vocabulary.txt")
    assert len(vocabulary.glosses) == 100
    assert vocabulary.encode(["word0", "word-3", "word99"]) == [2, 5, 101]
    assert {s.id: s.signer for s in splits["train"]} == {"00295": "118", "00001": "118",
                                                        "27184": "2"}  # fmt: skip
    contract = splits["train"].frame_contract
    assert (contract.resize, contract.crop, contract.fps) == ((320, 256), (256, 256), 25)
    assert splits["test"].load_video(0).shape == (20, 24, 32, 3)


@pytest.mark.parametrize("kind", ["nslt", "v0.3"])
def test_the_signs_are_cut_out_of_untrimmed_videos(source, kind):
    splits = prepared(source, "--split-source", kind, "--untrimmed")
    found = {clip: place[1:] for split in clips(splits).values() for clip, place in split.items()}
    # Frame 1 of the annotations is frame 0 here, and the last one is taken too.
    assert found == {
        "00295": (9, 0), "69241": (5, 2), "00001": (4, 1), "12328": (10, 10), "27184": (6, 0)
    }  # fmt: skip
    shown = splits["dev"].load_video(0)[:, 12, 16, 0] / 5
    assert shown.round().tolist() == [2, 3, 4, 5, 6]


def test_signers_are_unknown_without_the_annotations(source):
    (source / "start_kit/WLASL_v0.3.json").unlink()
    splits = prepared(source)
    assert clips(splits) == TRIMMED
    assert {sample.signer for sample in splits["train"]} == {""}


def test_missing_and_broken_videos_stop_it_unless_allowed(source, capsys):
    (source / "videos/00001.mp4").unlink()
    (source / "videos/12328.mp4").write_bytes(b"")
    (source / "videos/69241.mp4").rename(source / "videos/69241.swf")
    with pytest.raises(
        UserError,
        match=r"1 of 3 clips of train, 1 of 1 clips of dev, 1 of 1 clips of test are missing; "
        r"obtain them.*--allow-missing",
    ):
        prepared(source)
    printed = capsys.readouterr().err
    assert "missing in train: 00001: no file" in printed
    assert "missing in dev: 69241: is Flash (.swf); convert it to .mp4" in printed
    assert "missing in test: 12328:" in printed
    assert not (source.parent / "data").exists()
    splits = prepared(source, "--allow-missing")
    assert clips(splits) == {
        "train": {id: clip for id, clip in TRIMMED["train"].items() if id != "00001"}
    }
    missing = Missing.read(source.parent / "data/missing.json")
    assert missing.expected == {"train": 3, "dev": 1, "test": 1}
    assert set(missing.clips["train"]) == {"00001"}
    assert "truncated, or not a video" in missing.clips["test"]["12328"]


def test_all_of_train_must_not_be_missing(source):
    for video in ("00295", "00001", "27184"):
        (source / "videos" / f"{video}.mp4").unlink()
    with pytest.raises(UserError, match=r"no clip of train has a readable file; .*'00295'"):
        prepared(source, "--allow-missing")


def test_a_label_map_joins_classes_by_gloss_and_by_number(source, capsys):
    path = source / "map.txt"
    path.write_text("# one sign\nword 3\tword0\n\n99,1\n")
    splits = prepared(source, "--label-map", str(path))
    found = {s.id: s.glosses[0] for split in splits.values() for s in split}
    assert found == {
        "00295": "word0", "69241": "word0", "00001": "word1", "12328": "word0", "27184": "word1"
    }  # fmt: skip
    glosses = Vocabulary.read(source.parent / "data/vocabulary.txt").glosses
    assert len(glosses) == 98
    assert glosses[:4] == ("word0", "word1", "word2", "word4")
    assert "100 classes became 98" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("word0 word1\n", "map.txt:1: 'word0 word1' is not two classes"),
        ("\nword0,wrod1\n", "map.txt:2: there is no class 'wrod1'; did you mean 'word1'"),
        ("0,100\n", "map.txt:1: there is no class '100'"),
        ("word0,word1\nword0,word2\n", "map.txt:2: 'word0' already becomes 'word1' on line 1"),
        ("word0,word1\nword1,word0\n", "map.txt:1: 'word0' becomes 'word1' becomes 'word0'"),
    ],
)
def test_a_faulty_label_map_is_named_with_its_line(source, text, message):
    (source / "map.txt").write_text(text)
    with pytest.raises(UserError, match=r"map\.txt") as caught:
        prepared(source, "--label-map", str(source / "map.txt"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("nslt_100.json", lambda text: text[:-9], "nslt_100.json:1: not valid JSON"),
        ("nslt_100.json", lambda _: "[]", "not a JSON object of video ids"),
        (
            "nslt_100.json",
            lambda _: '{"7": {"subset": "train", "action": [1]}}',
            "video '7': 'action' is",
        ),
        (
            "nslt_100.json",
            lambda _: '{"7": {"subset": "train", "action": [100, 1, 9]}}',
            "class 100 is not one of 0 to 99",
        ),
        (
            "nslt_100.json",
            lambda _: '{"7": {"subset": "all", "action": [1, 1, 9]}}',
            "the split is 'all'",
        ),
        (
            "nslt_100.json",
            lambda _: '{"7": {"subset": "val", "action": [1, 9, 3]}}',
            "frames 9 to 3 are no part",
        ),
        (
            "wlasl_class_list.txt",
            lambda text: text.replace("\n7\t", "\n8\t"),
            "wlasl_class_list.txt:8: '8\\tword7' is not 7, a tab",
        ),
        ("wlasl_class_list.txt", lambda text: text[:40], "fewer than 100"),
        ("WLASL_v0.3.json", lambda _: '{"gloss": 1}', "not a JSON list"),
        ("WLASL_v0.3.json", lambda _: '[{"gloss": "a"}]', "entry 0 has no 'gloss' with"),
        (
            "WLASL_v0.3.json",
            lambda _: '[{"gloss": "a", "instances": [{"video_id": 7}]}]',
            "gloss 'a': an instance has no 'video_id'",
        ),
    ],
)
def test_malformed_lists_are_named_with_what_is_wrong(source, file, change, message):
    (path,) = source.rglob(file)
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError) as caught:
        prepared(source)
    assert file in str(caught.value)
    assert message in str(caught.value)


def test_lists_and_videos_that_are_not_there_are_named(source, tmp_path):
    with pytest.raises(UserError, match=r"missing nslt_300.json"):
        main(["wlasl", "--from", str(source), "--to", str(tmp_path / "x"), "--subset", "300"])
    (source / "videos").rename(source / "elsewhere")
    with pytest.raises(UserError, match=r"videos: no such folder of <video id>.mp4; .* --videos"):
        prepared(source)
    assert clips(prepared(source, "--videos", str(source / "elsewhere"))) == TRIMMED
