"""A data folder of isolated signs of two groups, with clips of rest and missing hands."""

import numpy as np

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout_from_json
from slr_keras.data.manifest import FolderWriter

POINTS = ("nose", "left_shoulder", "right_shoulder", "left_wrist", "right_wrist", "right_thumb_1")
SIGNS = {"ann": ("TEA", "MILK", "WATER"), "bob": ("TEA", "BYE")}
FPS = 30.0


def six_points(**fields):
    """Six points with x, y, z, score; body normalisation."""
    layout = layout_from_json(
        {
            "name": "six",
            "points": list(POINTS),
            "channels": ["x", "y", "z", "score"],
            "mirror": {"left_shoulder": "right_shoulder", "left_wrist": "right_wrist"},
            "streams": {"left": ["nose", "left_wrist"], "right": ["nose", "right_wrist"]},
        }
    )
    settings = {
        "normalisation": "body",
        "root": ("left_shoulder", "right_shoulder"),
        "scale": ("left_shoulder", "right_shoulder"),
        "fps": FPS,
        "max_gap": 2,
    }
    return contract(layout, **{**settings, **fields})


def recording(rng: np.random.Generator, frames: int, place: float = 0.0) -> np.ndarray:
    """A body with wrists that wander: `(frames, 6, 4)` in pixels."""
    body = np.array(
        [[320, 100, 0], [400, 200, 0], [240, 200, 0], [420, 400, 0], [220, 400, 0], [210, 420, 0]]
    )
    points = np.ones((frames, len(POINTS), 4), np.float32)
    points[..., :3] = body + place
    points[:, 3:, :3] += np.cumsum(rng.normal(0, 4, (frames, 1, 3)), axis=0)
    return points


def write_isolated(folder):
    """Signs of two signers in train, dev and test; rests have the gloss `-`."""
    rng = np.random.default_rng(0)
    with FolderWriter(folder, six_points()) as writer:
        for split, clips in (("train", 4), ("dev", 2), ("test", 2)):
            for signer, signs in SIGNS.items():
                for gloss in (*signs, "-"):
                    for number in range(clips):
                        keypoints = recording(rng, int(rng.integers(16, 30)))
                        # Nearer to the camera or farther away, and beside its centre.
                        keypoints[..., :3] *= rng.uniform(0.6, 1.4)
                        keypoints[..., :3] += rng.uniform(-50, 50, 3)
                        if number == 1:
                            keypoints[-8:, 5] = 0
                        writer.add(
                            split,
                            id=f"{split}-{signer}-{gloss}-{number}",
                            glosses=[gloss],
                            keypoints=keypoints,
                            signer=signer,
                        )
    return folder
