"""What each head of a StepNet sees (docs/papers/stepnet.md §13.4 and §15)."""

import json

import pytest

from slr_keras import evaluate, fit, simulate

EXPECTED = {
    "left_right": {"left_right", "spatial", "fused"},
    "top_bottom": {"top_bottom", "spatial", "fused"},
    "order": {"temporal", "fused"},
}
BLIND = {"left_right": {"top_bottom", "global"}, "top_bottom": {"left_right", "global"}}
BLIND["order"] = {"left", "right", "top", "bottom", "left_right", "top_bottom", "global"}


def train(root, recipe, folder, cue, epochs, *changes):
    """A run of a recipe on clips of a cue."""
    data, run = folder / cue, folder / f"run_{cue}"
    assert simulate.main(["--cues", cue, "--to", str(data), "--train", "480"]) == 0
    settings = [f"data.folder={data}", f"training.epochs={epochs}", *changes]
    options = [part for setting in settings for part in ("--set", setting)]
    assert fit.main([str(root / "configs" / recipe), "--to", str(run), *options]) == 0
    return run


@pytest.fixture(scope="module")
def backbone(root, tmp_path_factory):
    """A run that knows what moves, and not where or when."""
    folder = tmp_path_factory.mktemp("cues")
    return train(root, "stepnet_cues_backbone.yaml", folder, "motion", 10)


@pytest.mark.long
@pytest.mark.parametrize("cue", sorted(EXPECTED))
def test_the_heads_that_must_see_a_cue_learn_it_and_the_others_do_not(root, backbone, cue, capsys):
    start = f"training.initial_run={backbone}"
    run = train(root, "stepnet_cues.yaml", backbone.parent, cue, 16, start)
    right = {}
    for split in ("train", "test"):
        capsys.readouterr()
        assert evaluate.main([str(run), "--split", split, "--json"]) == 0
        sets = json.loads(capsys.readouterr().out)["sets"]
        right[split] = {name: 100 - values["wer"] for name, values in sets.items()}
    assert right["train"]["fused"] > 90
    assert min(right["test"][name] for name in EXPECTED[cue]) > 90
    # Of two sides, half of the classes are left where the motions are known and their places not.
    assert max(right["test"][name] for name in BLIND[cue]) < (50 if cue == "order" else 85)
