"""A tiny data set and a run trained on it, made once for all tests."""

import pytest


@pytest.fixture(scope="session")
def data(tiny, tmp_path_factory):
    """A data folder: 10 train, 4 dev, 4 test clips."""
    return tiny.write_data(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="session")
def light_data(tiny, tmp_path_factory):
    """As `data`, for a model of one stream and one head: for tests that start processes."""
    return tiny.write_data(tmp_path_factory.mktemp("light") / "data", streams=("body",))


@pytest.fixture(scope="session")
def trained(tiny, tmp_path_factory):
    """The folder of a trained run."""
    return tiny.trained_run(tmp_path_factory)
