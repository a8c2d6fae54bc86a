"""The memory benchmark: what it reports, and what it refuses."""

import json

import pytest

from slr_keras import benchmark
from slr_keras.utils.errors import UserError

# As small as the model comes.
OPTIONS = {"widths": [4], "stem_width": 4, "heads": 1, "window": 3, "pools": [1]}
OPTIONS |= {"head_width": 4, "feed_forward_width": 4}


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    model = {"name": "stark_tiny", "options": OPTIONS}
    # JSON is YAML.
    path.write_text(json.dumps({"data": {"folder": str(tmp_path / "none")}, "model": model}))
    return str(path)


def test_parts_add_up_and_accumulation_keeps_one_more_gradient(recipe, capsys):
    reports = {}
    for accumulate in (1, 2):
        arguments = ["memory", recipe, "--frames", "16", "--batch", "1", "3", "--classes", "9"]
        arguments += ["--glosses", "2", "--set", f"training.accumulate={accumulate}", "--json"]
        assert benchmark.main(arguments) == 0
        (reports[accumulate],) = json.loads(capsys.readouterr().out)
    for report in reports.values():
        assert report["classes"] == 9
        one, three = report["batches"]
        assert (one["clips"], three["clips"]) == (1, 3)
        for record in (one, three):
            parts = ("weights", "optimiser", "batch", "activations", "gradients")
            assert record["peak"] == sum(record[part] for part in parts)
            assert record["with_margin"] == round(2 * record["peak"])
            assert record["fits"] == {"24 GB": True, "80 GB": True}
        assert three["weights"] == one["weights"]
        assert three["kept"] > 2 * one["kept"]
    more = reports[2]["batches"][0]["optimiser"] - reports[1]["batches"][0]["optimiser"]
    # Beside two moments, a gradient.
    assert more == pytest.approx(reports[1]["batches"][0]["optimiser"] / 2, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml: no such recipe"),
        (["{recipe}", "--frames", "10"], "--frames 10: the model takes multiples of 4"),
        (["{recipe}", "--size", "64", "64"], "stark_tiny reads keypoints"),
        (["{recipe}", "--set", "training.jit_compile=true"], "XLA plans its memory by itself"),
        (["{recipe}", "--set", "training.precisoin=float32"], "did you mean training.precision"),
    ],
)
def test_mistakes_are_the_users(recipe, arguments, message):
    with pytest.raises(UserError, match=message):
        benchmark.main(["memory", *(text.format(recipe=recipe) for text in arguments)])


def test_the_longest_clip_is_that_of_resampling():
    from slr_keras.benchmarks.memory.clips import longest
    from slr_keras.config import load_config

    recipe = "configs/ustm_phoenix14.yaml"
    assert longest(load_config(recipe)) == 232
    assert longest(load_config(recipe, ["video_augmentation.temporal=none"])) == 300
    assert longest(load_config(recipe, ["data.max_frames=100"])) == 100
