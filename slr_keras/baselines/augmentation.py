"""Augmented copies of training clips: the one place where baselines meet the augmentation."""

from dataclasses import replace

import numpy as np

from slr_keras.data.augmentation import AugmentationConfig, transform
from slr_keras.data.contract import KeypointContract
from slr_keras.data.distortion import augmented_clips
from slr_keras.data.skeleton import Skeleton


def augmented_clip(
    rng: np.random.Generator,
    prepared: np.ndarray,
    contract: KeypointContract,
    config: AugmentationConfig,
) -> np.ndarray:
    """Draw an augmented copy of a prepared clip, with a model's augmentation.

    The copy is never mirrored, because a baseline decides about mirroring by itself. A recipe that
    changes bodies, cameras and timings (`AugmentationConfig.distorts`) does so here, too; with
    others points are not lost and time is not resampled.

    Args:
        rng: random generator of the copy.
        prepared: `(frames, points, channels)` from `KeypointContract.prepare`; not changed.
        contract: of the clip.
        config: the augmentation section of a recipe.

    Returns:
        `(frames, points, channels)` float32.

    >>> import numpy as np
    >>> from slr_keras.baselines.augmentation import augmented_clip
    >>> from slr_keras.data.augmentation import AugmentationConfig
    >>> from slr_keras.data.contract import contract
    >>> rules, rng = contract("kinect_20"), np.random.default_rng(0)
    >>> clip = rules.prepare(rng.normal(size=(9, 20, 4)))
    >>> augmented_clip(rng, clip, rules, AugmentationConfig()).shape == clip.shape
    True
    """
    config = replace(config, mirror=0.0)
    if not config.distorts:
        return transform(rng, prepared, config, contract.mirror)
    start, length = np.array([0]), np.array([len(prepared)])
    skeleton = Skeleton.of(contract)
    clips, _ = augmented_clips(prepared, start, length, len(prepared), [rng], config, skeleton)
    return clips[0]
