"""Simulated signers: body, pace, handedness and habits, drawn from the name."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from slr_keras.data.simulator.body import Body
from slr_keras.data.simulator.randomness import generator

#: In a lexicon that has left-dominant signers, every so many-th of a split is one.
LEFT_EVERY = {"train": 5, "dev": 4, "test": 4}


@dataclass(frozen=True)
class Habit:
    """How one signer deviates from the dictionary form of one sign."""

    shift: np.ndarray  # of the place, metres (3,)
    turn: np.ndarray  # of the hand, rotation vector in radians (3,)
    size: float
    pace: float


@dataclass(frozen=True)
class Signer:
    """One person.

    Attributes:
        tempo: frames of a sign relative to the dictionary's.
        space: size of movements relative to the dictionary's.
        sloppiness: 0 exact .. 1 careless: undershoot, smoothing, scatter.
        rest: where the hands wait: "sides" or "belly".
        weak_drop: chance that a symmetric sign is made with one hand.
    """

    name: str
    body: Body
    left_dominant: bool = False
    tempo: float = 1.0
    space: float = 1.0
    sloppiness: float = 0.4
    mouthing: float = 1.0
    rest: str = "sides"
    weak_drop: float = 0.0
    elevation: float = 0.0
    head_motion: float = 1.0
    posture: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seed: int = 0

    def habit(self, gloss: str) -> Habit:
        """This signer's way of making one sign; always the same."""
        return _habit(self.seed, self.name, gloss, self.sloppiness)


@lru_cache(maxsize=8192)
def _habit(seed: int, name: str, gloss: str, sloppiness: float) -> Habit:
    rng = generator(seed, "habit", name, gloss)
    scatter = 0.4 + 0.9 * sloppiness
    return Habit(
        shift=rng.normal(0, 0.017, 3) * scatter,
        turn=rng.normal(0, np.deg2rad(9), 3) * scatter,
        size=float(np.clip(np.exp(rng.normal(0, 0.13)), 0.78, 1.3)),
        pace=float(np.exp(rng.normal(0, 0.09))),
    )


@lru_cache(maxsize=1024)
def signer(name: str, seed: int = 0, left_dominant: bool = False) -> Signer:
    """The person called `name`; the same in every process.

    >>> from slr_keras.data.simulator.signer import signer
    >>> signer("test01").body == signer("test01").body != signer("test02").body
    True
    """
    rng = generator(seed, "signer", name)
    stature = rng.normal(1.0, 0.05)

    def vary(value: float, spread: float) -> float:
        return float(
            value * stature * np.clip(rng.normal(1, spread), 1 - 2 * spread, 1 + 2 * spread)
        )

    body = Body(
        hip_height=vary(0.93, 0.02),
        torso=vary(0.47, 0.04),
        shoulder_width=vary(0.35, 0.08),
        hip_width=vary(0.24, 0.08),
        neck=vary(0.185, 0.06),
        upper_arm=vary(0.28, 0.04),
        forearm=vary(0.25, 0.04),
        hand=vary(0.185, 0.05),
        head=float(np.clip(rng.normal(1.0, 0.04), 0.9, 1.1)),
        face_width=float(np.clip(rng.normal(1.0, 0.05), 0.88, 1.12)),
    )
    return Signer(
        name=name,
        body=body,
        left_dominant=left_dominant,
        tempo=float(np.exp(rng.normal(0, 0.14))),
        space=float(np.clip(np.exp(rng.normal(0, 0.15)), 0.75, 1.35)),
        sloppiness=float(rng.uniform(0.1, 0.9)),
        mouthing=float(rng.uniform(0.6, 1.1)),
        rest="belly" if rng.random() < 0.4 else "sides",
        weak_drop=float(rng.choice([0.0, 0.0, 0.05, 0.15])),
        elevation=float(rng.normal(0, 0.02)),
        head_motion=float(rng.uniform(0.4, 1.5)),
        posture=tuple(rng.normal(0, np.deg2rad(2.5), 3)),
        seed=seed,
    )
