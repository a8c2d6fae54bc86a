"""Training took a clip whose points are all missing without a word.

`slr validate` calls such a clip an error. `slr fit` trained on it, so that a model learned to name
a sign that nobody sees. It now warns once for each such clip, in training and in scoring.
"""

import numpy as np
import pytest
from tiny_run import tiny_contract

from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.vocabulary import Vocabulary


@pytest.mark.parametrize("training", [True, False])
def test_a_clip_without_any_point_is_named_once(training, tmp_path, capsys):
    with FolderWriter(tmp_path / "data", tiny_contract()) as writer:
        for name, value in (("seen", 0.5), ("unseen", np.nan)):
            points = np.full((12, 6, 3), value, np.float32)
            writer.add("train", id=name, glosses=["NORTH"], keypoints=points)
    manifest = read_folder(tmp_path / "data")["train"]
    dataset = ClipDataset(
        manifest,
        Vocabulary.from_samples(manifest),
        manifest.contract,
        2,
        training=training,
        options=ClipOptions(),
    )
    for epoch in range(3):
        assert list(dataset.numpy_batches(epoch))
    warnings = capsys.readouterr().err
    assert warnings.count("all points are missing in all frames") == 1
    assert "train.jsonl:2" in warnings
    assert "'unseen'" in warnings
