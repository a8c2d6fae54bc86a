"""Augmented copies of training clips: the one place where baselines meet the augmentation."""

from dataclasses import replace

import numpy as np

from slr_keras.data.augmentation import AugmentationConfig, transform
from slr_keras.data.contract import KeypointContract


def augmented_clip(
    rng: np.random.Generator,
    prepared: np.ndarray,
    contract: KeypointContract,
    config: AugmentationConfig,
) -> np.ndarray:
    """Draw an augmented copy of a prepared clip, with the geometric part of a model's augmentation.

    The copy is never mirrored, because a baseline decides about mirroring by itself. Points are not
    lost and time is not resampled; the length may nevertheless change in a future augmentation, and
    callers must not rely on it.

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
    return transform(rng, prepared, replace(config, mirror=0.0), contract.mirror)
