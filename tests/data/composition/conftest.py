"""Fixtures of composed sentences."""

import pytest
from composition_data import write_isolated


@pytest.fixture
def isolated(tmp_path):
    """A data folder of isolated signs of two signers in train, dev and test."""
    return write_isolated(tmp_path / "isolated")
