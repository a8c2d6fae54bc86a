"""A dictionary of simulated signs."""

import numpy as np
import pytest
from counting_encoder import CountingEncoder

from slr_keras.data.contract import contract
from slr_keras.data.preparation import KeypointPreparation
from slr_keras.data.simulator import Simulator

SIGNS = ("RAIN", "WORK", "MOTHER", "SHRINK")


@pytest.fixture(scope="session")
def simulated():
    """A function from a sign and a number to a raw simulated clip of it."""
    simulator = Simulator("demo")
    signer = simulator.signer("train", 0)

    def clip(sign: str, number: int) -> np.ndarray:
        return simulator.sample(f"train-{number:05d}", "train", (sign,), signer).keypoints

    return clip


@pytest.fixture(scope="session")
def rules():
    return contract("coco_wholebody_133", normalisation="body")


@pytest.fixture
def encoder(rules) -> CountingEncoder:
    return CountingEncoder(rules)


@pytest.fixture(scope="session")
def prepared(simulated, rules):
    """A function from a sign and a number to the prepared clip."""
    preparation = KeypointPreparation(rules, multiple=1)
    return lambda *which: np.stack(list(preparation.prepared(simulated(*which))))


@pytest.fixture
def signs(tmp_path, simulated):
    """A folder with one clip of each sign."""
    folder = tmp_path / "signs"
    folder.mkdir()
    for sign in SIGNS:
        np.save(folder / f"{sign}.npy", simulated(sign, 0))
    return folder
