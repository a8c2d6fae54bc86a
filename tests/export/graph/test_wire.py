"""A served version gives Keras' scores over gRPC and over REST."""

import numpy as np
import pytest

from export.graph.inputs import graph_input
from export.graph.verification import expected_scores
from export.serving.connect import connect
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.training.run import Run

from .conftest import SYSTEMS


@pytest.mark.long
@pytest.mark.parametrize("system", SYSTEMS)
def test_clients_get_the_scores_of_keras(system, served, little, tmp_path):
    path, version = served(system)
    loaded = Run.load(path)
    content = graph_input(loaded.contract)
    name, clips = content.name, content.golden_clips(16)
    clips.pop("another_size", None)
    expected = expected_scores(Recogniser(loaded), clips)
    little.configure(tmp_path, version.parent, name=system)
    with little.serving(tmp_path) as server:
        for address in (server.grpc, server.rest):
            with connect(f"{address}/{system}") as client:
                for key, clip in clips.items():
                    given = {name: clip[None], "lengths": np.int32([len(clip)])}
                    found = client.predict(given)["logits"][0]
                    scores = expected[key]
                    found = found[: len(scores)] if scores.ndim == 2 else found
                    np.testing.assert_allclose(found, scores, atol=1e-5 * np.abs(scores).max())
