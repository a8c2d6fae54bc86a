"""A folder whose name is no UTF-8 ended `prepare folders`, `extract` and `predict --to` at the end.

The traceback (UnicodeEncodeError, surrogates not allowed) came after the work.
"""

import json
import os

import numpy as np
import pytest

from slr_keras.data.datasets import folders
from slr_keras.data.lines import parse_sample
from slr_keras.data.manifest import read_folder
from slr_keras.extraction.sources import find_sources
from slr_keras.recognition.clip import Clip, Prediction
from slr_keras.recognition.writers import writer
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json

FOLDER, CLIP = os.fsdecode(b"BL\xdcTE"), os.fsdecode(b"clip-\xe4")


@pytest.fixture
def source(tmp_path):
    place = tmp_path / "in" / FOLDER
    try:
        place.mkdir(parents=True)
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 alone")
    for number in range(4):
        np.save(place / f"{CLIP}{number}.npy", np.zeros((4, 8, 8, 3), np.uint8))
    return tmp_path / "in"


def film(source):
    (source / FOLDER / f"{CLIP}.mp4").touch()
    return source


def test_prepare_reads_the_name_as_windows_wrote_it_and_the_file_is_found_again(source, tmp_path):
    folders.prepare(source, tmp_path / "out", resize="8x8", crop="8x8")
    train = read_folder(tmp_path / "out")["train"]
    assert train[0].glosses == ("BLÜTE",)
    assert train[0].id.startswith("BLÜTE/clip-ä")
    assert train.load_video(0).shape == (4, 8, 8, 3)


def test_extract_gives_the_clips_names_that_can_be_written(source, tmp_path):
    clip = find_sources([str(film(source))])[0]
    assert clip.id == "BLÜTE/clip-ä"
    write_json(tmp_path / "a.json", {"source": str(clip.path)})
    assert read_json(tmp_path / "a.json") == {"source": str(clip.path)}


@pytest.mark.parametrize("kind", ["text", "json", "vtt", "srt", "eaf"])
def test_predict_writes_its_result_in_every_format(source, tmp_path, kind):
    path = find_sources([str(film(source))])[0].path
    clip = Clip("a", str(path), lambda: None, video=path)
    prediction = Prediction("a", str(path), 4, 25.0, ())
    write = writer(kind, tmp_path / f"a.{kind}", [clip])
    predictions, failures = write([prediction], {}, tuple)
    assert (len(predictions), failures) == (1, [])
    assert (tmp_path / f"a.{kind}").read_text("utf-8") is not None


def test_half_a_character_in_a_manifest_is_still_refused():
    line = json.dumps({"id": "a", "frames": 1, "video": "\ud800.mp4"})
    with pytest.raises(UserError, match="not a manifest line"):
        parse_sample(line, "dev.jsonl:1")
