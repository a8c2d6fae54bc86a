"""Isolated signs from a table, from folders, and from BOBSL's spottings."""

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.datasets.folders import at_random
from slr_keras.data.manifest import read_folder
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.prepare import main
from slr_keras.utils.errors import UserError


def pictures(folder, frames, name="image_{:05d}.jpg"):
    """Frames as NMFs-CSL is seen to have them, numbered from 1."""
    folder.mkdir(parents=True)
    for number in range(frames):
        Image.new("RGB", (24, 24), (40 * number, 0, 0)).save(folder / name.format(number + 1))


def prepared(name, source, *options):
    folder = source.parent / "data"
    command = [name, "--from", str(source), "--to", str(folder), "--force", *options]
    assert main([*command, "--resize", "24x24", "--crop", "20x16"]) == 0
    return read_folder(folder)


def vocabulary(source):
    return Vocabulary.read(source.parent / "data/vocabulary.txt").glosses


@pytest.fixture
def table(tmp_path, film):
    """A table of a video, a folder of pictures and an array."""
    source = tmp_path / "mine"
    film(source / "clips/one.mp4", 9)
    pictures(source / "clips/two", 5)
    np.save(source / "clips/three.npy", np.zeros((7, 6, 8, 3), np.uint8))
    (source / "manifest.csv").write_text(
        "path,label,split,signer,start,end,num_frames\n"
        "clips/one.mp4,10,train,A,,,9\n"
        "clips/two,2,train,B,0,-1,5\n"
        "clips/one.mp4,2,val,B,2,6,\n"
        "clips/three.npy,609,test,C,3,,\n"
        "clips/three.npy,610,train,C,0,3,\n"
    )
    return source


def test_a_table_of_numbered_classes_keeps_their_order(table):
    splits = prepared("isolated_csv", table)
    assert vocabulary(table) == ("2", "10", "609", "610")
    found = {s.id: (s.split, s.glosses, s.frames, s.video_start, s.signer)
             for split in splits.values() for s in split}  # fmt: skip
    assert found == {
        "clips/one": ("train", ("10",), 9, None, "A"),
        "clips/two": ("train", ("2",), 5, None, "B"),
        "clips/one@2": ("dev", ("2",), 4, 2, "B"),
        "clips/three@3": ("test", ("609",), 4, 3, "C"),
        "clips/three@0": ("train", ("610",), 3, 0, "C"),
    }
    assert splits["train"].frame_contract.shape == (16, 20, 3)
    shown = splits["dev"].load_video(0)[:, 12, 16, 0] / 5
    assert shown.round().tolist() == [2, 3, 4, 5]
    assert not (table.parent / "data/groups.json").exists()
    assert not validate_folder(table.parent / "data").errors


def test_confusing_labels_become_a_group(table):
    prepared("isolated_csv", table, "--confusing-max", "609")
    groups = json.loads((table.parent / "data/groups.json").read_text())
    assert groups == {"confusing": ["2", "10", "609"], "normal": ["610"]}
    assert not validate_folder(table.parent / "data").errors
    prepared("isolated_csv", table)
    assert not (table.parent / "data/groups.json").exists()


def test_joined_classes_leave_their_groups_too(table):
    (table / "map.txt").write_text("609,2\n")
    options = ("--label-map", str(table / "map.txt"), "--confusing-max", "609")
    splits = prepared("isolated_csv", table, *options)
    assert splits["test"][0].glosses == ("2",)
    assert vocabulary(table) == ("2", "10", "610")
    groups = json.loads((table.parent / "data/groups.json").read_text())
    assert groups == {"confusing": ["2", "10"], "normal": ["610"]}


def test_signers_of_train_may_become_dev(table):
    rows = (table / "manifest.csv").read_text().replace(",val,", ",train,")
    (table / "manifest.csv").write_text(rows)
    splits = prepared("isolated_csv", table, "--dev-signers", "B")
    assert {s.signer for s in splits["dev"]} == {"B"}
    assert {s.signer for s in splits["train"]} == {"A", "C"}
    assert [s.id for s in splits["test"]] == ["clips/three@3"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("clips/two,2,train", "clips/two,2,tr", "manifest.csv:3: split 'tr' must be"),
        ("clips/two,2,", "clips/two,,", "manifest.csv:3: the label is empty"),
        (",2,6,", ",6,6,", "manifest.csv:4: frames 6 to 6 are no part"),
        (",2,6,", ",2.5,6,", "manifest.csv:4: start '2.5' is not a number"),
        (",,,9", ",,,0", "manifest.csv:2: num_frames '0' is not"),
        ("610,train", "610,train,more", "manifest.csv:6: 8 fields where the header has 7"),
        ("path,", "file,", "manifest.csv:1: no column path"),
        ("val,B,2,6,", "train,B,,,", "manifest.csv:4: the clip 'clips/one' is already on line 2"),
        ("clips/two,", "clips/too,", "1 of 3 clips of train are missing"),
    ],
)
def test_faulty_rows_are_named_with_their_line(table, old, new, message):
    text = (table / "manifest.csv").read_text()
    (table / "manifest.csv").write_text(text.replace(old, new))
    with pytest.raises(UserError) as caught:
        prepared("isolated_csv", table)
    assert message in str(caught.value)


def test_groups_by_number_need_numbers(table):
    text = (table / "manifest.csv").read_text()
    (table / "manifest.csv").write_text(text.replace(",10,", ",ten apples,"))
    assert prepared("isolated_csv", table)["train"][0].glosses == ("ten-apples",)
    with pytest.raises(UserError, match="needs labels that are numbers; one is 'ten-apples'"):
        prepared("isolated_csv", table, "--confusing-max", "609")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("groups.json", '{"confusing": ["3"]}', "gloss '3' of the group 'confusing' is not in"),
        ("groups.json", '{"a": ["2"], "b": ["2"]}', "gloss '2' is in the groups 'a' and 'b'"),
        ("groups.json", "[]", "is not a JSON object of lists"),
        ("groups.json", "{", "not valid JSON"),
        (
            "missing.json",
            '{"expected": {}, "missing": {"dev": {}}}',
            "not a record of missing clips",
        ),
    ],
)
def test_validation_names_faulty_files_of_the_folder(table, file, text, message):
    prepared("isolated_csv", table)
    (table.parent / "data" / file).write_text(text)
    (error,) = validate_folder(table.parent / "data").errors
    assert message in error.what


def test_validation_counts_the_clips_that_are_missing(table):
    (table / "clips/three.npy").unlink()
    prepared("isolated_csv", table, "--allow-missing")
    report = validate_folder(table.parent / "data")
    assert not report.errors
    found = [warning.what for warning in report.warnings if warning.kind == "missing-clips"]
    assert [what.partition(", the")[0] for what in found] == [
        "1 of 3 clips of train are missing",
        "1 of 1 clips of test are missing",
    ]


@pytest.fixture
def classes(tmp_path):
    """Ten recordings of each of two classes, by two signers, and a folder that is no class."""
    source = tmp_path / "classes"
    for name in ("good bye", "hello"):
        for number in range(10):
            pictures(source / name / f"s{number % 2}_{number:02d}", 3)
    (source / "notes").mkdir()
    return source


def test_folders_become_classes_and_a_seeded_share_of_each_becomes_dev_and_test(classes, capsys):
    splits = prepared("folders", classes, "--fractions", "0.2", "0.3")
    assert vocabulary(classes) == ("good-bye", "hello")
    counts = {name: Counter(s.glosses[0] for s in split) for name, split in splits.items()}
    assert counts == {
        name: {"good-bye": count, "hello": count}
        for name, count in (("train", 5), ("dev", 2), ("test", 3))
    }
    assert "notes: has no recordings" in capsys.readouterr().err
    again = prepared("folders", classes, "--fractions", "0.2", "0.3")
    other = prepared("folders", classes, "--fractions", "0.2", "0.3", "--seed", "1")
    names = [[s.id for s in found["test"]] for found in (splits, again, other)]
    assert names[0] == names[1] != names[2]


def test_folders_are_split_by_the_signer_in_a_name(classes):
    options = ("--signer-regex", r"^s(\d)_", "--test-signers", "1")
    splits = prepared("folders", classes, *options)
    assert {s.signer for s in splits["train"]} == {"0"}
    assert {s.signer for s in splits["test"]} == {"1"}
    with pytest.raises(UserError, match=r"finds no signer in its name"):
        prepared("folders", classes, "--signer-regex", r"^t\d")
    with pytest.raises(UserError, match="not a regular expression"):
        prepared("folders", classes, "--signer-regex", "(")
    with pytest.raises(UserError, match="need --signer-regex"):
        prepared("folders", classes, "--test-signers", "1")


def test_a_class_of_few_clips_keeps_one_to_learn_from():
    assert at_random(["a", "b", "b", "b"], (0.4, 0.4), seed=3).count("train") == 2
    for fractions in ((0.5,), (0.6, 0.4), (-0.1, 0.1)):
        with pytest.raises(UserError, match=r"fractions|shares"):
            at_random(["a", "b"], fractions, seed=0)


@pytest.fixture(scope="module")
def bobsl(tmp_path_factory, film):
    """Two episodes, and spottings in the release's form."""
    source = tmp_path_factory.mktemp("bobsl") / "release"
    film(source / "videos/500.mp4", 50)
    film(source / "videos/600.mp4", 50)
    spottings = source / "spottings"
    spottings.mkdir()

    def write(name, content):
        (spottings / f"{name}_spottings.json").write_text(json.dumps(content))

    write("mouthing", {"train": {"happy": {"names": ["500", "500", "500"],
                                           "global_times": [0.8, 0.2, 1.0],
                                           "probs": [0.9, 0.8, 0.79]},
                                 "rare": {"names": ["500"], "global_times": [1.0],
                                          "probs": [1.0]}},
                       "val": {"sad day": {"names": ["600"], "global_times": [1.9],
                                           "probs": [0.95]}}})  # fmt: skip
    write("dict", {"train": {"sad day": {"names": ["500"], "global_times": [0.4],
                                         "probs": [0.85]}}})  # fmt: skip
    write("verified_dict", {"test": {"happy": {"names": ["700"], "global_times": [0.4]}}})
    write("verified_mouthing", {"train": {"happy": {"names": ["500"], "global_times": [1.2],
                                                    "probs": [1]}}})  # fmt: skip
    film(source / "videos/700.mp4", 50)
    (source / "subset2episode.json").write_text(
        json.dumps({"train": ["500"], "val": ["600"], "public_test": ["700"]})
    )
    (source / "words.txt").write_text("sad day\t1\nhappy\t0\n")
    return source


def test_spottings_become_windows_of_episodes(bobsl, capsys):
    splits = prepared("bobsl", bobsl)
    found = {
        name: {s.id: (s.glosses[0], s.video_start, s.frames) for s in split}
        for name, split in splits.items()
    }
    # [-15, +4] around a mouthing, [-3, +22] around a dictionary's, within the episode.
    assert found == {
        "train": {
            "500/20-happy-mouthing": ("happy", 5, 20),
            "500/5-happy-mouthing": ("happy", 0, 10),
            "500/10-sad-day-dict": ("sad-day", 7, 26),
        },
        "dev": {"600/48-sad-day-mouthing": ("sad-day", 33, 17)},
        "test": {"700/10-happy-verified_dict": ("happy", 7, 26)},
    }
    assert vocabulary(bobsl) == ("happy", "sad-day")
    shown = splits["train"].load_video(0)[:, 12, 16, 0] / 5
    assert shown.round().tolist() == list(range(5, 25))
    printed = capsys.readouterr().err
    assert "1 spottings of words outside the vocabulary are left out" in printed
    assert not validate_folder(bobsl.parent / "data").errors


def test_thresholds_and_windows_are_the_users(bobsl):
    splits = prepared(
        "bobsl", bobsl, "--mouthing-threshold", "0.7", "--dict-threshold", "0.9",
        "--mouthing-window", "-2", "1",
    )  # fmt: skip
    assert {s.id: (s.video_start, s.frames) for s in splits["train"]} == {
        "500/20-happy-mouthing": (18, 4),
        "500/5-happy-mouthing": (3, 4),
        "500/25-happy-mouthing": (23, 4),
    }


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("spottings/dict_spottings.json", "{", "dict_spottings.json:1: not valid JSON"),
        ("spottings/dict_spottings.json", "[]", "not a JSON object of splits"),
        (
            "spottings/dict_spottings.json",
            '{"train": {"happy": {"names": ["5"], "global_times": [], "probs": [1]}}}',
            "split 'train', word 'happy': 'names', 'global_times' and 'probs' are not lists",
        ),
        (
            "spottings/dict_spottings.json",
            '{"train": {"happy": {"names": ["5"], "global_times": ["1"], "probs": [1]}}}',
            "word 'happy': a name is no text, or a time or probability no number",
        ),
        ("words.txt", "happy\n", "words.txt:1: 'happy' is not a word, a tab and its index"),
        ("words.txt", "happy\t0\nsad\t2\n", "the indices are not 0 to 1"),
        ("words.txt", "happy\t0\nsad\t0\n", "words.txt:2: index 0 is also of 'happy'"),
        ("subset2episode.json", '{"train": 5}', "not a JSON object of lists of episodes"),
    ],
)
def test_malformed_files_of_bobsl_are_named(bobsl, tmp_path, file, text, message):
    import shutil

    source = shutil.copytree(bobsl, tmp_path / "release")
    (source / file).write_text(text)
    with pytest.raises(UserError) as caught:
        prepared("bobsl", source)
    assert file.rsplit("/", 1)[-1] in str(caught.value)
    assert message in str(caught.value)


def test_a_pickle_is_refused_with_the_reason_and_not_read(bobsl, tmp_path):
    import shutil

    source = shutil.copytree(bobsl, tmp_path / "release")
    path = source / "spottings/dict_spottings.json"
    path.rename(path.with_suffix(".pkl"))
    with pytest.raises(UserError, match=r"dict_spottings.pkl: a pickle runs whatever program"):
        prepared("bobsl", source)
    path.with_suffix(".pkl").unlink()
    with pytest.raises(UserError, match=r"missing dict_spottings.json"):
        prepared("bobsl", source)
