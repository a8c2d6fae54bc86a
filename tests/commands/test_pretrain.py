"""A backbone learns the points of frames before it reads glosses."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator import simulate_folder
from slr_keras.models.backbones import make_backbone
from slr_keras.pretrain import main
from slr_keras.training.keypoint_pretraining import (
    PretrainingSettings,
    _FrameSource,
    pretrain_on_keypoints,
)
from slr_keras.utils.errors import UserError
from slr_keras.weights import load_backbone_weights

SMALL = ["--backbone", "resnet_micro", "--epochs", "2", "--clips", "4", "--frames", "4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pointing") / "data"
    counts = {"train": 8, "dev": 2, "test": 0}
    return simulate_folder(folder, "demo", counts, frames=(32, 32), video="npy")


def test_the_file_fills_a_backbone_and_says_what_it_was_taught_on(data, tmp_path, capsys):
    to = tmp_path / "backbone.safetensors"
    assert main([str(data), "--to", str(to), "--json", *SMALL]) == 0
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    assert result["clips"] == {"train": 8, "dev": 2}
    assert shown.err.count("dev error") == 2
    backbone = make_backbone("resnet_micro")
    record = load_backbone_weights(backbone, to)
    assert record.origin["library"] == "slr_keras.pretrain"
    assert record.origin["origin"] == result
    # Running statistics are no longer those of a new backbone.
    means = [w for n, w in backbone.named_weights().items() if n.endswith("moving_mean")]
    assert means
    assert all(np.abs(np.asarray(mean)).max() > 0 for mean in means)


def test_points_lie_where_the_cut_shows_them(data):
    train = read_folder(data)["train"]
    source = _FrameSource(train, PretrainingSettings(frames=4))
    frames, points, seen = source.evenly(0)
    contract = train.contract
    numbers = np.unique(np.linspace(0, train[0].frames - 1, 4).round().astype(int))
    raw = contract.select(np.asarray(train.load(0))[numbers])
    expected = contract.normalise(raw)[..., :2] * [1, -1]
    assert frames.shape == (4, 32, 32, 3)
    inside = (raw[..., :2] >= 0).all(-1) & (raw[..., :2] <= contract.image_size).all(-1)
    found = seen > 0
    assert (found == (inside & ~contract.missing(raw))).all()
    np.testing.assert_allclose(points[found], expected[found], atol=1e-5)


def test_a_shifted_cut_shifts_the_points_with_the_picture(data):
    train = read_folder(data)["train"]
    centred = _FrameSource(train, PretrainingSettings(frames=train[0].frames, margin=0, colour=0.0))
    shifted = _FrameSource(train, PretrainingSettings(frames=train[0].frames, margin=6, colour=0.0))
    rng = np.random.default_rng(3)
    one, two = centred._draw(0, np.random.default_rng(3)), shifted._draw(0, rng)
    both = (one[2] > 0) & (two[2] > 0)
    moves = (two[1] - one[1])[both] * 16
    np.testing.assert_allclose(moves, np.broadcast_to(moves[0], moves.shape), atol=1e-3)
    right, down = (round(float(move)) for move in moves[0])
    assert (right, down) != (0, 0)
    window = np.s_[:, max(down, 0) : 32 + min(down, 0), max(right, 0) : 32 + min(right, 0)]
    source = np.s_[:, max(-down, 0) : 32 - max(down, 0), max(-right, 0) : 32 - max(right, 0)]
    np.testing.assert_array_equal(two[0][window], one[0][source])


def test_the_error_falls_and_a_seed_fixes_the_weights(data):
    manifests = read_folder(data)
    settings = PretrainingSettings(epochs=12, clips=4, frames=8, learning_rate=3e-3)
    weights, curves = [], []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        backbone, curve = make_backbone("resnet_micro"), []
        pretrain_on_keypoints(
            backbone,
            manifests["train"],
            manifests["dev"],
            settings,
            lambda epoch, loss, error, curve=curve: curve.append(loss),
        )
        weights.append(backbone.named_weights())
        curves.append(curve)
    assert curves[0][-1] < curves[0][0] / 2
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-3)
    for name, one in weights[0].items():
        np.testing.assert_allclose(one, weights[1][name], atol=5e-3, err_msg=name)


def test_mistakes_are_named(data, tmp_path):
    to = str(tmp_path / "b.safetensors")
    with pytest.raises(UserError, match=r"--to b\.npz"):
        main([str(data), "--backbone", "resnet_micro", "--to", "b.npz"])
    with pytest.raises(UserError, match="resnet_micra"):
        main([str(data), "--backbone", "resnet_micra", "--to", to])
    poses = tmp_path / "poses"
    simulate_folder(poses, "demo", {"train": 6, "dev": 1, "test": 0})
    with pytest.raises(UserError, match=r"no frames\.json"):
        main([str(poses), "--backbone", "resnet_micro", "--to", to])


def test_help_loads_nothing_heavy():
    code = (
        "import sys, slr_keras.pretrain as command; command.build_parser().format_help(); "
        "print([m for m in ('keras', 'tensorflow', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
