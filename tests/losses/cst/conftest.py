"""Makes the references importable under pytest's importlib mode."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference():
    """The module of references by enumeration."""
    path = Path(__file__).with_name("cst_reference.py")
    spec = importlib.util.spec_from_file_location("cst_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
