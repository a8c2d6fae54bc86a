"""A second, literal transcription of Swin."""

import literal_swin
import pytest


@pytest.fixture(scope="session")
def literal():
    """The module of the second transcription."""
    return literal_swin
