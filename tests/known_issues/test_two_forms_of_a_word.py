"""One word in two forms of Unicode (NFC, NFD) was two glosses, two ids, two signers, two classes.

Also: a name in the form that the file system does not have was "no such file".
"""

import json
import unicodedata

import numpy as np
import pytest

from slr_keras.data.composition.grammar import read_grammar
from slr_keras.data.datasets import folders, npz
from slr_keras.data.datasets.base import one_word
from slr_keras.data.datasets.isolated_csv import prepare as prepare_isolated
from slr_keras.data.datasets.label_map import read_label_map
from slr_keras.data.datasets.splits import by_signer
from slr_keras.data.manifest import read_folder, read_manifest
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.extraction.sources import find_sources
from slr_keras.metrics.isolated.groups import read_groups
from slr_keras.models.gloss_lm import read_word_vectors
from slr_keras.utils.errors import UserError

NFC = "GRÖSSE"
NFD = unicodedata.normalize("NFD", NFC)


def clips(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        np.save(folder / f"{name}.npy", np.zeros((4, 20, 4), np.float32))


def film(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        np.save(folder / f"{name}.npy", np.zeros((4, 8, 8, 3), np.uint8))


def line(**values):
    value = {"id": "a", "glosses": [], "frames": 4, "keypoints": "a.npy"}
    return json.dumps(value | values) + "\n"


def test_two_forms_in_a_table_are_one_gloss_and_one_signer(tmp_path):
    clips(tmp_path, "abcd")
    rows = [f"{name},{word},{split},{word}" for name, word, split in
            zip("abcd", (NFC, NFD, NFD, NFC), ("train", "train", "dev", "test"))]  # fmt: skip
    (tmp_path / "glosses.csv").write_text("\n".join(["id,glosses,split,signer", *rows]))
    npz.prepare(tmp_path, tmp_path / "out", layout="kinect_20")
    splits = read_folder(tmp_path / "out")
    samples = [sample for split in splits.values() for sample in split]
    assert {(sample.glosses, sample.signer) for sample in samples} == {((NFC,), NFC)}


def test_two_forms_in_a_manifest_are_one_gloss_and_one_id(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(line(id=NFD, glosses=[NFD, NFC], signer=NFD))
    manifest = read_manifest(path)
    assert (manifest[0].id, manifest[0].glosses, manifest[0].signer) == (NFC, (NFC, NFC), NFC)
    assert manifest.find(NFD) == 0
    path.write_text(line(id=NFD) + line(id=NFC))
    with pytest.raises(UserError, match=r"train\.jsonl:2: .*already on line 1"):
        read_manifest(path)


def test_a_vocabulary_file_in_either_form_knows_the_word(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text(f"<blank>\n<unk>\n{NFD}\n")
    assert Vocabulary.read(path).glosses == (NFC,)
    trained = Vocabulary.read(path, as_written=True)
    assert trained.encode([NFC, NFD]) == [2, 2]
    assert trained.decode([2]) == (NFC,)
    assert NFC in trained
    path.write_text(f"<blank>\n<unk>\n{NFD}\n{NFC}\n")
    with pytest.raises(UserError, match=r"vocabulary\.txt:4: .*already on line 3"):
        Vocabulary.read(path)
    # A model of before keeps both of its classes.
    assert Vocabulary.read(path, as_written=True).encode([NFD]) == [3]


def test_folders_in_two_forms_are_one_class(tmp_path):
    film(tmp_path / "in" / NFC, "abc")
    film(tmp_path / "in" / NFD, "def")
    folders.prepare(tmp_path / "in", tmp_path / "out", resize="8x8", crop="8x8")
    assert Vocabulary.read(tmp_path / "out" / "vocabulary.txt").glosses == (NFC,)


def test_a_table_opens_files_in_the_other_form(tmp_path):
    film(tmp_path / NFD, [f"x{NFC}"])
    (tmp_path / "manifest.csv").write_text(f"path,label,split\n{NFC}/x{NFD}.npy,{NFD},train\n")
    prepare_isolated(tmp_path, tmp_path / "out", resize="8x8", crop="8x8")
    assert read_folder(tmp_path / "out")["train"].load_video(0).shape == (4, 8, 8, 3)


def test_a_manifest_opens_files_in_the_other_form(tmp_path):
    clips(tmp_path / "in", ["a"])
    (tmp_path / "in" / "glosses.csv").write_text(f"id,glosses,split\na,{NFC},train\n")
    npz.prepare(tmp_path / "in", tmp_path / "out", layout="kinect_20")
    clips(tmp_path / "out" / NFD, [NFD])
    (tmp_path / "out" / "train.jsonl").write_text(line(keypoints=f"{NFC}/{NFC}.npy"))
    assert read_folder(tmp_path / "out")["train"].load(0).shape == (4, 20, 4)


def test_an_input_is_found_in_the_other_form(tmp_path):
    film(tmp_path, [NFD])
    assert [source.id for source in find_sources([str(tmp_path / f"{NFC}.npy")])] == [NFC]


def test_lists_beside_the_data_hold_the_word_in_one_form(tmp_path):
    (tmp_path / "map.txt").write_text(f"{NFD},SONNE\n")
    assert read_label_map(tmp_path / "map.txt", (NFC, "SONNE"))[NFC] == "SONNE"
    (tmp_path / "groups.json").write_text(json.dumps({"a": [NFD]}))
    assert read_groups(tmp_path) == {"a": (NFC,)}
    (tmp_path / "sentences.txt").write_text(f"{NFD} {NFC}\n")
    assert read_grammar(tmp_path / "sentences.txt") == [(NFC, NFC)]
    (tmp_path / "words.vec").write_text(f"{NFD} 1 0\n")
    assert list(read_word_vectors(tmp_path / "words.vec", {NFC})) == [NFC]
    assert one_word(f"{NFD} x") == f"{NFC}-x"
    assert by_signer([NFC, "b"], dev=[NFD]) == ["dev", "train"]
