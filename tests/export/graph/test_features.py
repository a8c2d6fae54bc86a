"""Models with features of the points in their graph: a SavedModel scores as its run does."""

import json

import feature_models
import pytest
from drawn_run import drawn_run

from export.saved_model import main


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(name, marks=[] if name == "sign_conv_isolated" else [pytest.mark.long])
        for name in feature_models.MODELS
    ],
)
def test_a_version_gives_the_scores_of_its_run(tiny, family, tmp_path):
    run = drawn_run(tmp_path / "run", feature_models.tree_of(family, tiny, tmp_path))
    to = tmp_path / "models"
    assert main([str(run), str(to), "--clips", "2", "--frames", "16", "--no-warmup"]) == 0
    value = json.loads((to / "1" / "assets" / "serving.json").read_text())
    assert max(value["verification"]["relative_error"].values()) <= 1e-5
    assert {"serving_default", "serving_glosses", "serving_features"} <= set(value["signatures"])
