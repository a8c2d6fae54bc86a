"""Fixtures of served models."""

import os
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def published(little, tmp_path_factory):
    """A folder with versions 1 and 2 of a little model, of different weights."""
    folder = tmp_path_factory.mktemp("served")
    for version in (1, 2):
        little.publish(folder / "little", version, seed=version, pictures=True)
    return folder / "little"


@pytest.fixture(scope="session")
def service(little, published, tmp_path_factory):
    """Both versions served: by this project's server, or by the one that SLR_SERVING_URL names."""
    elsewhere = os.environ.get("SLR_SERVING_URL", "").split()
    if elsewhere:
        schemes = {url.partition(":")[0].rstrip("s"): url.rstrip("/") for url in elsewhere}
        yield SimpleNamespace(grpc=schemes["grpc"], rest=schemes["http"])
        return
    labels = {"stable": 1, "canary": 2}
    folder = tmp_path_factory.mktemp("config")
    little.configure(folder, published, labels=labels, policy="specific", versions=(1, 2))
    with little.serving(folder, largest=4 * 2**20, body_seconds=1.0) as server:
        yield server


@pytest.fixture(params=["grpc", "rest"])
def client(request, service):
    """A client of the newest version, over each protocol."""
    from export.serving.connect import connect

    with connect(f"{getattr(service, request.param)}/little") as client:
        yield client
