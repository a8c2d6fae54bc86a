"""Every recipe in configs/ loads, names a model that can be made, and says how to run it."""

import re
from contextlib import nullcontext
from pathlib import Path

import keras
import pytest

from slr_keras.config import load_config
from slr_keras.models.registry import create_model, family_of
from slr_keras.training.model import make_decoder
from slr_keras.training.schedule import learning_rate

ROOT = Path(__file__).parent.parent
RECIPES = sorted(ROOT.joinpath("configs").glob("*.yaml"))
#: What a header states, each with a value after its label ("not measured" is one, too). The time
#: may also stand among the hardware, as a number of minutes or hours.
STATED = {
    "hardware": re.compile(r"Hardware: \w"),
    "time": re.compile(r"[Tt]ime\b[^.:]*: \w|Hardware: [^.]*\d (minutes|hours?)\b"),
    "score": re.compile(r"([Ss]core|Measured): \w"),
}


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
        assert model.output[family_of(name).feature_head].shape[-1] == 5
    else:
        assert model.context_logits("video", [()]).shape == (1, 5)


def header_of(path):
    """The comments of a recipe as one line of text."""
    lines = path.read_text().splitlines()
    return " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))


def left_out(header):
    """Names of what a header does not state."""
    return [name for name, pattern in STATED.items() if not pattern.search(header)]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_says_its_command_hardware_time_and_score(path):
    header = header_of(path)
    assert f"slr fit {path.stem}" in header
    assert left_out(header) == []


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_that_refers_to_the_results_is_named_there(path):
    named = re.search(rf"\b{path.stem}\b", (ROOT / "RESULTS.md").read_text())
    assert named or "RESULTS.md" not in re.sub(r"\([^)]*\)", "", header_of(path))


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("Hardware: 2 CPU cores, 8 minutes. Score: WER 9.", []),
        ("Hardware: 2 CPU cores. Time and score: see RESULTS.md.", []),
        ("Hardware: one GPU. Expected time: not measured. Measured: not run.", []),
        ("With time it learns. Two CPU cores, 8 minutes. Score: WER 9.", ["hardware", "time"]),
        ("Hardware: 2 CPU cores. Score: WER 9.", ["time"]),
        ("Hardware: 2 CPU cores. --minutes 60. Score: WER 9.", ["time"]),
        ("Hardware: 2 CPU cores, 8 minutes. Published: WER 8.", ["score"]),
        ("Hardware: . Time: . Score:", ["hardware", "time", "score"]),
    ],
)
def test_a_header_without_hardware_time_or_score_is_noticed(header, names):
    assert left_out(header) == names


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
    # docs/papers/stepnet.md §9.
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
