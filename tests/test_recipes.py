"""Every recipe in configs/ loads, names a model that can be made, and says how to run it."""

from pathlib import Path

import keras
import pytest

from slr_keras.config import load_config
from slr_keras.models.registry import create_model, isolated, modality
from slr_keras.readout import make_readout

RECIPES = sorted(Path(__file__).parent.parent.joinpath("configs").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_loads_and_its_model_can_be_made(path):
    config = load_config(path)
    if config.model.name.startswith("ustm"):
        # Without memory for its weights: the largest has 184 million.
        with keras.StatelessScope(initialize_variables=False):
            model = create_model(config.model.name, vocabulary_size=5, **config.model.options)
        assert make_readout(model, config).heads == ("sequence",)
        return
    model = create_model(config.model.name, vocabulary_size=5, **config.model.options)
    if isolated(config.model.name):
        assert model.output["fuse"].shape[-1] == 3
        assert make_readout(model, config).heads == ("fuse",)
    elif modality(config.model.name) == "keypoints":
        assert model.output["fuse"].shape[-1] == 5
    else:
        assert model.context_logits("video", [()]).shape == (1, 5)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_says_its_command_hardware_and_score(path):
    header = "".join(line for line in path.read_text().splitlines(True) if line.startswith("#"))
    assert f"python -m slr_keras.fit configs/{path.name}" in header
    assert "Hardware:" in header
    assert "core" in header.lower() or "published" in header.lower()


def test_the_paper_recipe_is_the_published_one():
    config = load_config(Path(__file__).parent.parent / "configs" / "stark_phoenix14t.yaml")
    training = config.training
    assert (training.optimiser, training.learning_rate, training.weight_decay) == (
        "adam",
        1e-3,
        1e-3,
    )
    assert (training.betas, training.epochs, config.data.batch_size) == ((0.9, 0.998), 100, 8)
    assert training.schedule == "cosine_per_epoch"
    assert training.clip_norm == 0
    assert (config.augmentation.temporal, config.augmentation.rotation_per) == ("random", "batch")
    assert config.decoding.collapse_repeats
