"""One signed sentence in 3-D space, before projection to a camera."""

from dataclasses import dataclass

import numpy as np

from slr_keras.data.simulator.kinematics import Controls, skeleton
from slr_keras.data.simulator.motion import FPS, perform
from slr_keras.data.simulator.signer import Signer
from slr_keras.data.simulator.signs import Sign


@dataclass(frozen=True)
class Scene:
    """A signed sentence in 3-D space.

    Attributes:
        glosses: the sentence.
        spans: [start, end) in frames of each sign.
        signer: who signs.
        controls: joint angles and targets, for renderers that draw more than points.
        points: the 133 COCO-WholeBody points (T, 133, 3) in metres.
    """

    glosses: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    signer: Signer
    controls: Controls
    points: np.ndarray
    fps: float = FPS


def make_scene(signs: list[Sign], signer: Signer, rng: np.random.Generator) -> Scene:
    """The scene of a sentence by one signer; `rng` is the only source of randomness."""
    controls, spans = perform(signs, signer, rng)
    return Scene(
        glosses=tuple(sign.gloss for sign in signs),
        spans=tuple((start, end) for start, end in spans),
        signer=signer,
        controls=controls,
        points=skeleton(signer.body, controls),
    )
