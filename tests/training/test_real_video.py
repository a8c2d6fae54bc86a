"""Five recordings of real signing through the RGB pipeline: prepare, fit, evaluate, predict."""

import csv
import json

import pytest
import yaml

from slr_keras import evaluate, fit, predict, prepare

WORDS = ("ambulancia", "doctor", "dolor", "hoy", "yo")
CONFIG = {
    "model": {"name": "stepnet_tiny", "options": {"dropout": 0.0}},
    "training": {
        "epochs": 100,
        "optimiser": "adamw",
        "learning_rate": 2.0e-3,
        "betas": [0.9, 0.999],
        "clip_norm": 5.0,
        "warm_up_epochs": 2,
    },
    # The same five clips each time: what they show is learnt by heart.
    "video_augmentation": {"flip": 0.0},
}


@pytest.fixture(scope="module")
def recordings(shared_data, tmp_path_factory):
    """The five files, beside a table that gives each to train and to dev."""
    folder = tmp_path_factory.mktemp("msl150")
    rows = []
    for word in WORDS:
        file = shared_data / "msl150_sample" / f"{word}_001.mp4"
        (folder / file.name).symlink_to(file)
        rows += [(file.name, word, split) for split in ("train", "val")]
    with open(folder / "manifest.csv", "w", newline="") as table:
        csv.writer(table).writerows([("path", "label", "split"), *rows])
    return folder


@pytest.fixture(scope="module")
def run(recordings):
    """A StepNet that has learnt the five clips."""
    data, run = recordings / "data", recordings / "run"
    sizes = ["--resize", "80x64", "--crop", "64x64"]
    source = ["isolated_csv", "--from", str(recordings), "--to", str(data), *sizes]
    assert prepare.main(source) == 0
    config = {"data": {"folder": str(data), "batch_size": 5}, **CONFIG}
    recipe = recordings / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(config))
    assert fit.main([str(recipe), "--to", str(run)]) == 0
    return run


@pytest.mark.long
@pytest.mark.shared_data
def test_real_videos_are_learnt_and_predict_reads_in_the_files_what_evaluate_reads_in_the_data(
    run, recordings, capsys
):
    capsys.readouterr()
    assert evaluate.main([str(run), "--split", "dev", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sets"]["ensemble"]["wer"] <= 20
    files = [str(recordings / f"{word}_001.mp4") for word in WORDS]
    of_files, of_data = (
        [only_sign(clip) for clip in clips_read(run, source, capsys)]
        for source in (files, [str(recordings / "data" / "dev.jsonl")])
    )
    assert [gloss for gloss, _ in of_files] == [gloss for gloss, _ in of_data]
    assert [score for _, score in of_files] == pytest.approx([s for _, s in of_data], abs=1e-3)
    assert sum(gloss == word for (gloss, _), word in zip(of_files, WORDS)) >= 4


def clips_read(run, source, capsys):
    capsys.readouterr()
    assert predict.main([str(run), *source, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)["clips"]


def only_sign(clip):
    (sign,) = clip["glosses"]
    return sign["gloss"], sign["confidence"]
