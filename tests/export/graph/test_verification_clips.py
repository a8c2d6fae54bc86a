"""The word error rate of an exported graph is that of clips at the run's frame rate."""

import dataclasses

import numpy as np

from export.graph.inputs import graph_input
from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter, read_folder


def test_clips_are_scored_at_the_rate_of_the_run(tmp_path):
    points = contract("boston_3", fps=25.0)
    clip = np.random.default_rng(0).uniform(1, 200, (20, 3, 2)).astype(np.float32)
    with FolderWriter(tmp_path / "data", points) as writer:
        for fps in (25.0, 50.0):
            writer.add("dev", id=f"at-{fps:g}", glosses=["RAIN"], keypoints=clip, fps=fps)
    dev = read_folder(tmp_path / "data")["dev"]
    content = graph_input(points)
    own, fast = (content.raw_clip(dev, row) for row in range(2))
    np.testing.assert_array_equal(own, clip)
    np.testing.assert_array_equal(fast, clip[1::2])
    content = graph_input(dataclasses.replace(points, fps=50.0))
    assert [len(content.raw_clip(dev, row)) for row in range(2)] == [40, 20]
