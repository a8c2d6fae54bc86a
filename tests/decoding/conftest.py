"""Makes the brute-force reference importable under pytest's importlib mode."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def brute():
    """The module of reference implementations."""
    path = Path(__file__).with_name("brute_force.py")
    spec = importlib.util.spec_from_file_location("brute_force", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
