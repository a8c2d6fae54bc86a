"""Fixtures of the serving tests."""

import pytest


@pytest.fixture(scope="session")
def little():
    """The module `helpers/little_server.py`: small SavedModels, and servers of them."""
    for package in ("tensorflow_serving", "grpc", "aiohttp", "prometheus_client"):
        pytest.importorskip(package)
    import little_server

    return little_server
