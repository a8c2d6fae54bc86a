"""`slr review`: the ranking, the documents to correct, and the way back into a data folder."""

import json

import numpy as np
import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.merge import main as merge
from slr_keras.prepare import main as prepare
from slr_keras.recognition import Gloss, Prediction, to_json
from slr_keras.recognition.review import read_predictions
from slr_keras.review import main as review
from slr_keras.utils.errors import UserError

OPTIONS = ("--tier", "gloss", "--dev-fraction", "0", "--to")


@pytest.fixture
def predictions(tmp_path):
    clips = []
    for name, confidences in {"sure": (0.9, 0.9), "mon/unsure": (0.9, 0.2), "none": ()}.items():
        signs = (Gloss(f"G{n}", n, n + 0.52, c) for n, c in enumerate(confidences))
        clips.append(Prediction(name, f"{name}.npz", 75, 25.0, tuple(signs)))
        path = tmp_path / "clips" / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        points = np.random.default_rng(len(clips)).uniform(1, 9, (75, 20, 4)).astype(np.float32)
        size = np.array([640.0, 480.0])
        np.savez(path, keypoints=points, fps=25.0, layout="kinect_20", image_size=size)
    path = tmp_path / "predictions.json"
    path.write_text(to_json(clips, {"run": "runs/demo"}))
    return path


def test_the_most_uncertain_clips_come_first(predictions, capsys):
    assert review([str(predictions), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["uncertainty"]) for row in rows] == [
        ("none", 1.0), ("mon/unsure", 0.45), ("sure", 0.1),
    ]  # fmt: skip
    review([str(predictions), "--by", "errors", "--limit", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1.0000", "0.9000"]


def test_corrected_documents_become_a_data_folder_that_is_merged(predictions, tmp_path, capsys):
    corrections = tmp_path / "corrections"
    review([str(predictions), "--eaf", str(corrections)])
    corrected = corrections / "mon/unsure.eaf"
    corrected.write_text(corrected.read_text().replace("G1", "WIND"))
    (corrections / "none.eaf").unlink()
    review([str(predictions), "--eaf", str(corrections), "--limit", "2"])
    assert "1 documents written, 1 there already" in capsys.readouterr().out
    assert "WIND" in corrected.read_text()
    data, clips = tmp_path / "data", tmp_path / "clips"
    code = prepare(
        [
            "elan",
            "--from",
            str(corrections),
            "--tier",
            "gloss",
            "--landmarks",
            str(clips),
            "--to",
            str(data),
            "--dev-fraction",
            "0",
        ]
    )
    # The clip without signs has nothing to learn from, and is named.
    assert code == 2
    assert "none.eaf: no annotation" in capsys.readouterr().err
    found = {s.id: (s.glosses, s.extra["spans"]) for s in read_folder(data)["train"]}
    assert found == {
        "mon/unsure": (("G0", "WIND"), [[0, 13], [25, 38]]),
        "sure": (("G0", "G1"), [[0, 13], [25, 38]]),
    }
    other = tmp_path / "other"
    (corrections / "sure.eaf").rename(corrections / "again.eaf")
    (clips / "again.npz").write_bytes((clips / "none.npz").read_bytes())
    corrected.unlink()
    prepare(
        [
            "elan",
            "--from",
            str(corrections),
            "--tier",
            "gloss",
            "--landmarks",
            str(clips),
            "--to",
            str(other),
            "--dev-fraction",
            "0",
        ]
    )
    merge([str(data), str(other), "--to", str(tmp_path / "both")])
    assert len(read_folder(tmp_path / "both")["train"]) == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"slr_keras.predictions"', '"other"', "is no file of predictions"),
        ('"version": 1', '"version": 2', "version is 2"),
        ('"confidence": 0.2', '"confidence": 7', "above 1"),
        ('"confidence": 0.2', f'"confidence": {"9" * 400}', "no number"),
        ('"fps": 25.0', '"fps": 0', "not above 0"),
        ('"id": "sure"', '"id": 3', "id and source"),
    ],
)
def test_a_malformed_prediction_file_is_refused_with_its_place(predictions, old, new, reason):
    predictions.write_text(predictions.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=reason) as caught:
        read_predictions(predictions)
    assert "predictions.json" in str(caught.value)
