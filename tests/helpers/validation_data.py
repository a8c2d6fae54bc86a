"""Small folders of keypoints to validate: sound ones, and the same with one fault."""

import numpy as np

from slr_keras.data.contract import contract
from slr_keras.data.manifest import FolderWriter

# Image normalisation, so that the units are checked too.
CONTRACT = contract("kinect_20", normalisation="image", y_axis="down", image_size=(200, 200))


def clip(frames=20, seed=0):
    keypoints = np.random.default_rng(seed).uniform(20, 180, (frames, 20, 4)).astype(np.float32)
    keypoints[..., 3] = 0.9
    return keypoints


def write(folder, **splits):
    """Write splits given as lists of the fields of their samples."""
    seed = 0
    with FolderWriter(folder, CONTRACT) as writer:
        for split, samples in splits.items():
            for fields in samples:
                seed += 1
                fields = {"glosses": ["A", "B"], "keypoints": clip(seed=seed), **fields}
                writer.add(split, **fields)


def sound(**train):
    return {
        "train": [
            {"id": "t1", "signer": "s1", **train},
            {"id": "t2", "signer": "s1", "glosses": ["B", "C"]},
        ],
        "dev": [{"id": "d1", "signer": "s2", "glosses": ["C", "A"]}],
    }


def only(report, kind):
    """The single finding of a report, which must be of this kind."""
    assert [finding.kind for finding in report.findings] == [kind], report.lines()
    return report.findings[0]
