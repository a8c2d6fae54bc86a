"""A small STARK for the streams."""

import little_stark
import pytest


@pytest.fixture(scope="session")
def stark():
    """The module `little_stark.py`."""
    return little_stark
