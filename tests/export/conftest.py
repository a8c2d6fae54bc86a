"""What tests of serving share."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def little():
    """The module `serving/little.py`: little SavedModels, and servers of them."""
    for package in ("tensorflow_serving", "grpc", "aiohttp", "prometheus_client"):
        pytest.importorskip(package)
    path = Path(__file__).parent / "serving" / "little.py"
    spec = importlib.util.spec_from_file_location("little", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
