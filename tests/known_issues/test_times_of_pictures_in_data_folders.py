"""A video of varying rate was shown at other times in a data folder than as a file.

`prepare` kept the average rate alone, so that training and evaluation saw picture 42 where
recognition of the file saw picture 60.
"""

import csv
import json

import numbered_film
import numpy as np
import pytest

from slr_keras.data.lines import parse_sample
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.loaders.video import VideoLoader
from slr_keras.data.manifest import read_folder
from slr_keras.data.rates import at_rate
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.video.recordings import shown_in
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.extraction.sheet import recorded
from slr_keras.extraction.sources import find_sources
from slr_keras.prepare import main
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.video import VideoInput
from slr_keras.utils.errors import UserError

pytest.importorskip("av")

RNG = np.random.default_rng(0)
FILMS = {
    # 60 pictures at 30 per second, then 20 at 10 per second; units of 1/30 second.
    "slowing": {"moments": [*range(60), *range(60, 120, 3)], "per_second": 30},
    "uneven": {"moments": np.cumsum(RNG.integers(5, 90, 60)).tolist()},
    "steady": {"moments": list(range(0, 2400, 40))},
    "still": {"moments": [0, 40, 80, 3000, 3040]},
    "late": {"moments": list(range(500, 2500, 40)), "sound_from": 0},
}


def prepared(folder, row):
    """The only clip of a table's row, in a prepared data folder."""
    with open(folder / "manifest.csv", "w", newline="") as file:
        rows = [{"label": "A", "split": "train", **row}]
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    options = ["--resize", "128x32", "--crop", "128x32", "--fps", "25"]
    main(["isolated_csv", "--from", str(folder), "--to", str(folder / "data"), *options])
    return read_folder(folder / "data")["train"]


def trained_on(manifest):
    """The pictures of a clip as training and evaluation see them, without repeats at the end."""
    loader = VideoLoader(manifest, Vocabulary(("A",)), manifest.frame_contract, ClipOptions())
    (frames, *_), length = loader.load(0), int(loader.frames[0])
    return numbered_film.numbers(frames[:length])


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("kind", FILMS)
def test_a_data_folder_shows_the_pictures_of_the_file_at_its_times(tmp_path, kind, counted, suffix):
    path = numbered_film.write_film(tmp_path / f"a.{suffix}", **FILMS[kind])
    count = {"num_frames": len(FILMS[kind]["moments"])} if counted else {}
    manifest = prepared(tmp_path, {"path": path.name, **count})
    file = numbered_film.numbers(at_rate(shown_in(path, 25.0), 25.0))
    if kind == "slowing":
        assert file[50] == 60
    assert trained_on(manifest) == file
    pictures = VideoInput(manifest.frame_contract, Overrides()).manifest_reader(manifest)(0)
    assert numbered_film.numbers(at_rate(pictures.shown(None), 25.0)) == file
    (source,) = find_sources([str(tmp_path / "data")])
    assert numbered_film.numbers(at_rate(recorded(source, 25.0), 25.0)) == file


def test_a_window_has_the_times_of_its_part_of_the_file(tmp_path):
    path = numbered_film.write_film(tmp_path / "a.mp4", **FILMS["slowing"])
    manifest = prepared(tmp_path, {"path": path.name, "start": 57, "end": 64})
    # Three pictures at 30 per second, four at 10 per second.
    right = [57, 58, 60, 60, 60, 61, 61, 62, 62, 62, 63, 63]
    assert trained_on(manifest) == right
    (source,) = find_sources([str(tmp_path / "data")])
    assert numbered_film.numbers(at_rate(recorded(source, 25.0), 25.0)) == right


def test_a_steady_video_needs_no_times_in_its_manifest(tmp_path):
    path = numbered_film.write_film(tmp_path / "a.mp4", **FILMS["steady"])
    prepared(tmp_path, {"path": path.name})
    line = json.loads((tmp_path / "data/train.jsonl").read_text())
    assert "frame_times" not in line
    assert line["fps"] == 25


def test_validation_warns_of_a_varying_rate_without_times(tmp_path):
    path = numbered_film.write_film(tmp_path / "a.mp4", **FILMS["slowing"])
    prepared(tmp_path, {"path": path.name})
    folder = tmp_path / "data"
    assert "frame-times" not in {finding.kind for finding in validate_folder(folder).findings}
    line = json.loads((folder / "train.jsonl").read_text())
    del line["frame_times"]
    (folder / "train.jsonl").write_text(json.dumps(line))
    assert "frame-times" in {finding.kind for finding in validate_folder(folder).findings}


@pytest.mark.parametrize(
    "times",
    [
        *([], {}, {"per_second": 1000}, {"per_second": 0, "ends": [1, 2]}),
        *({"per_second": 1000, "ends": [2, 1]}, {"per_second": 1000, "ends": [0, 0]}),
        *({"per_second": 1000, "ends": [40]}, {"per_second": 1.5, "ends": [1, 2]}),
        *({"per_second": 1000, "ends": [-1, 2]}, {"per_second": 1000, "ends": [1, 10**40]}),
    ],
)
def test_times_that_cannot_be_are_refused_with_their_line(times):
    line = json.dumps({"id": "a", "frames": 2, "video": "a.mp4", "frame_times": times})
    with pytest.raises(UserError, match=r"train\.jsonl:1: sample 'a': .*frame_times"):
        parse_sample(line, "train.jsonl:1")
