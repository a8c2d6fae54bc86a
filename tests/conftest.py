"""Fixtures for the whole suite."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data (real signing); the test skips where it is absent."""
    folder = Path(os.environ.get("SLR_KERAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "PROVENANCE.md").is_file():
        pytest.skip("the development data is not beside this checkout")
    return folder
