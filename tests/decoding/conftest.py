"""The brute-force reference of the decoders."""

import brute_force
import pytest


@pytest.fixture(scope="session")
def brute():
    """The module of reference implementations."""
    return brute_force
