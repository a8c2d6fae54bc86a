"""Makes the literal Swin importable under pytest's importlib mode."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def literal():
    """The module of the second transcription."""
    path = Path(__file__).with_name("literal_swin.py")
    spec = importlib.util.spec_from_file_location("literal_swin", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
