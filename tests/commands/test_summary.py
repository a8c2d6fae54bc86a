"""`slr_keras.summary` prints the published counts."""

import json

import numpy as np
import pytest

from slr_keras.models.registry import create_model, family_of, list_models
from slr_keras.models.summary import summarise
from slr_keras.summary import main
from slr_keras.utils.errors import UserError


def test_paper_model_has_the_published_parameters_and_multiply_adds(capsys):
    assert main(["stark", "--classes", "1094", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    modules = {module["module"]: module for module in summary["modules"]}
    assert summary["parameters"] == 31_656_664
    assert modules["encoder_body"]["parameters"] == 866_560
    assert modules["head_fuse"]["output_shape"] == [25, 1094]
    # docs/papers/stark.md §3.12 (100 frames, in millions) and §2.2 (halved from operations).
    million = {
        name: module["multiply_adds_per_frame"] * 100 / 1e6 for name, module in modules.items()
    }
    assert million["encoder_body"] == pytest.approx(7484, rel=1e-3)
    assert million["encoder_left"] == pytest.approx(2147, rel=1e-3)
    assert million["encoder_face"] == pytest.approx(2060, rel=1e-3)
    assert million["head_fuse"] == pytest.approx(184.4, rel=1e-3)


def test_classes_of_a_model_of_isolated_signs_are_signs(capsys):
    """docs/papers/stepnet.md: 2000 signs, and neither a blank nor an unknown one."""
    assert main(["stepnet", "--classes", "2000", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["classes"], summary["parameters"]) == (2000, 193_704_544)
    assert summary["modules"][-1]["output_shape"][-1] == 2000


@pytest.mark.parametrize("name", list_models())
def test_every_model_has_a_summary_with_the_parameters_of_its_modules(name):
    summary = summarise(name, 30, 96)
    assert summary["parameters"] == sum(m["parameters"] for m in summary["modules"]) > 0


@pytest.mark.parametrize("name", ["stark_tiny", "sign_conv_isolated_small", "c2st_tiny"])
def test_counts_without_weights_are_those_of_the_model_with_weights(name):
    isolated = family_of(name).output == "sign"
    model = create_model(name, vocabulary_size=32 if isolated else 30)
    expected = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert summarise(name, 30, 96)["parameters"] == expected


def test_table_lists_every_module_and_the_total(capsys):
    assert main(["stark_tiny", "--classes", "22"]) == 0
    printed = capsys.readouterr().out
    total = summarise("stark_tiny", 22, 100)["parameters"]
    assert f"{total:,}" in printed.splitlines()[-1]
    assert sum(line.startswith(("encoder_", "head_")) for line in printed.splitlines()) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["strak"], "did you mean"),
        (["stark_tiny", "--frames", "3"], "multiples of 4"),
        (["stark_tiny", "--classes", "1"], "at least 2"),
    ],
)
def test_mistakes_are_explained(arguments, message):
    with pytest.raises(UserError, match=message):
        main(arguments)
