"""The benchmark command."""

import json
import time

import numpy as np
import pytest

from slr_keras import benchmark
from slr_keras.benchmarks.speed import Figure, Measurement, table
from slr_keras.benchmarks.workload import clips_of_all_lengths
from slr_keras.data.contract import contract
from slr_keras.data.layout import layout_from_json
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.utils.errors import UserError

FIGURES = ("training", "evaluation", "model_alone", "input_alone", "waiting", "input_to_model")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "three"
    three = layout_from_json({"name": "three", "points": ["left", "right", "nose"]})
    rng = np.random.default_rng(0)
    with FolderWriter(path, contract(three)) as writer:
        for row, frames in enumerate([16, 24, 12, 20, 8]):
            for split in ("train", "dev"):
                clip = rng.uniform(0.1, 0.9, (frames, 3, 3))
                writer.add(split, id=str(row), glosses=["A"], keypoints=clip)
    return path


def test_every_rate_is_reported_with_its_spread(folder, capsys, tmp_path):
    # As small as the model comes: what is tested is the report.
    options = {"widths": [4], "stem_width": 4, "heads": 1, "window": 3, "pools": [1]}
    options |= {"head_width": 4, "feed_forward_width": 4}
    recipe = tmp_path / "recipe.yaml"
    values = {"data": {"folder": str(folder)}, "model": {"name": "stark_tiny", "options": options}}
    # JSON is YAML.
    recipe.write_text(json.dumps(values))
    arguments = [str(recipe), "--batch", "2", "--steps", "2", "--repeats", "2", "--json"]
    assert benchmark.main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["model"] == "stark_tiny"
    assert (report["batch"], report["steps"], report["repeats"]) == (2, 2, 2)
    assert 0 < report["parameters"] < 10_000
    for name in FIGURES:
        figure = report[name]
        assert 0 < figure["low"] <= figure["median"] <= figure["high"], name
    assert report["waiting"]["high"] < 1
    # Importing TensorFlow takes more than 100 MiB, and no machine has 10 TiB.
    assert 100 * 2**20 < report["peak_memory"] < 10 * 2**40
    assert 8 <= report["frames_per_clip"] <= 36


def test_waiting_and_rates_are_those_of_the_clock():
    from slr_keras.benchmarks.speed import _timed

    def slow():
        for _ in range(3):
            time.sleep(0.02)
            yield {"index": np.zeros(4)}

    run = _timed(slow(), lambda batch: time.sleep(0.04))
    assert run.clips == 12
    assert 0.06 <= run.waiting < run.seconds - 0.12 + 0.005
    assert run.seconds >= 0.18


def test_figures_are_medians_with_extremes():
    assert Figure.of([4.0, 1.0, 2.0, 100.0]) == Figure(3.0, 1.0, 100.0)


def test_the_table_names_rates_in_their_units():
    figures = {name: Figure(0.25, 0.2, 0.3) for name in FIGURES}
    measurement = Measurement(
        **figures, frames_per_clip=90.0, peak_memory=512 * 2**20, peak_device_memory=0
    )
    about = {
        "model": "stark_tiny", "parameters": 1234, "precision": "float32", "device": "2 CPU cores",
        "batch": 8, "steps": 20, "repeats": 3,
    }  # fmt: skip
    lines = {
        line[:24].strip(): line[24:].split() for line in table(about, measurement).splitlines()
    }
    assert lines["waiting for data, %"] == ["25.0", "20.0", "30.0"]
    assert lines["peak memory, MiB"] == ["512"]
    assert "peak GPU memory, MiB" not in lines


def test_evaluation_is_measured_on_clips_of_all_lengths(folder):
    dev = read_folder(folder)["dev"]
    assert sorted(clips_of_all_lengths(dev, 3).lengths.tolist()) == [8, 12, 20]
    assert len(clips_of_all_lengths(dev, 9)) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such recipe or data folder"),
        (["{folder}", "--model", "strak_tiny"], "'stark_tiny'"),
    ],
)
def test_mistakes_are_the_users(folder, arguments, message):
    with pytest.raises(UserError, match=message):
        benchmark.main([text.format(folder=folder) for text in arguments])


def test_counts_must_be_positive(folder, capsys):
    with pytest.raises(SystemExit, match="2"):
        benchmark.main([str(folder), "--steps", "0"])
    assert "'0' is not a whole number above 0" in capsys.readouterr().err
