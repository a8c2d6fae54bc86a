"""Random generators seeded by names, independent of the order of drawing."""

import hashlib

import numpy as np


def stable_hash(*names: object) -> int:
    """A 64-bit hash that is the same in every process and on every machine.

    >>> from slr_keras.data.simulator.randomness import stable_hash
    >>> stable_hash("test", 7) == stable_hash("test", 7) != stable_hash("test", 8)
    True
    """
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def generator(*names: object) -> np.random.Generator:
    """A random generator seeded by names, such as `generator(seed, "camera", sample_id)`."""
    return np.random.default_rng(stable_hash(*names))
