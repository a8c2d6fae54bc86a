"""The module `little_stark.py`."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def stark():
    spec = importlib.util.spec_from_file_location(
        "little_stark", Path(__file__).with_name("little_stark.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
