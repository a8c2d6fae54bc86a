"""Enrolments of simulated signs."""

import numpy as np
import pytest
from plain_encoder import PlainEncoder

from slr_keras.data.contract import contract
from slr_keras.data.preparation import KeypointPreparation
from slr_keras.data.simulator import Simulator
from slr_keras.enrolment.recording import Take, enrol

SIGNS = ("RAIN", "WORK", "MOTHER", "SHRINK")


@pytest.fixture(scope="session")
def simulated():
    """A function from a sign and a number to a raw simulated clip of it."""
    simulator = Simulator("demo")

    def clip(sign: str, number: int, person: int = 0) -> np.ndarray:
        name = f"train-{number:05d}"
        signer = simulator.signer("train", person)
        return simulator.sample(name, "train", (sign,), signer).keypoints

    return clip


@pytest.fixture(scope="session")
def encoder() -> PlainEncoder:
    return PlainEncoder(contract("coco_wholebody_133", normalisation="body"))


@pytest.fixture(scope="session")
def prepared(simulated, encoder):
    """A function as `simulated`, to the prepared clip."""
    preparation = KeypointPreparation(encoder.contract, multiple=1)
    return lambda *which: np.stack(list(preparation.prepared(simulated(*which))))


@pytest.fixture(scope="session")
def takes(prepared):
    """Three recordings of each of three signs."""
    return [
        Take(sign, prepared(sign, number), f"{sign}/{number}.npy")
        for sign in SIGNS[:3]
        for number in range(3)
    ]


@pytest.fixture(scope="session")
def enrolment(takes, encoder):
    return enrol(takes, encoder, "plain")
