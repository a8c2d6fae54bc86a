"""Every recipe in configs/ loads, names a model that can be made, and says how to run it."""

from contextlib import nullcontext
from pathlib import Path

import keras
import pytest

from slr_keras.config import load_config
from slr_keras.models.registry import create_model, family_of
from slr_keras.training.model import make_decoder
from slr_keras.training.schedule import learning_rate

RECIPES = sorted(Path(__file__).parent.parent.joinpath("configs").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_loads_and_its_model_can_be_made(path):
    config = load_config(path)
    name, system = config.model.name, config.model.name.split("_")[0]
    # Without memory for weights: the largest model has 184 million.
    light = system in ("ustm", "stepnet")
    with keras.StatelessScope(initialize_variables=False) if light else nullcontext():
        model = create_model(name, vocabulary_size=5, **config.model.options)
    if family_of(name).output == "sign":
        assert {head.classes for head in model.head_layers.values()} == {3}
        assert make_decoder(model, config).heads == model.reported_heads
    elif system == "ustm":
        assert make_decoder(model, config).heads == ("sequence",)
    elif family_of(name).modality == "keypoints":
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


def test_the_recipe_of_stepnet_is_the_published_one():
    # specs/stepnet.md §9.
    config = load_config(Path(__file__).parent.parent / "configs" / "stepnet_wlasl2000.yaml")
    training = config.training
    assert (training.optimiser, training.weight_decay, training.epochs) == ("adamw", 0.1, 100)
    assert (training.learning_rate, training.final_learning_rate) == (1e-4, 1e-5)
    assert (training.warm_up_epochs, config.data.batch_size) == (5, 8)
    assert config.video_augmentation.flip == 0.5

    config = load_config(Path(__file__).parent.parent / "configs" / "stepnet_bobsl.yaml")
    rates = [learning_rate(config.training, epoch, epoch, 1) for epoch in (0, 14, 15, 24, 25, 29)]
    assert rates == pytest.approx([0.03, 0.03, 0.003, 0.003, 0.0003, 0.0003])
    assert (config.training.optimiser, config.training.betas[0]) == ("momentum", 0.9)
