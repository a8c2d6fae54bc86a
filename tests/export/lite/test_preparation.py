"""The graph's preparation of raw points equals the contract's, in every runtime."""

import numpy as np
import pytest

from export.lite.checks import require_builtin, run_bytes
from export.lite.conversion import convert
from slr_keras.data.contract import contract
from slr_keras.data.layout import layout_from_json
from slr_keras.data.sampling import evaluation_indices

tf = pytest.importorskip("tensorflow")

from export.lite.preparation import prepare  # noqa: E402

FRAMES = 24
LAYOUT = {
    "name": "seven",
    "points": ["nose", "spare", "left", "right", "left_hand", "right_hand", "mouth"],
    "mirror": {"left": "right", "left_hand": "right_hand"},
    "streams": {"body": ["left", "right", "nose", "left_hand", "right_hand", "mouth"]},
}
CHANNELS = (("x", "y"), ("x", "y", "score"), ("x", "y", "z"), ("x", "y", "z", "score"))


def make_contract(channels=("x", "y", "score"), **fields):
    fields = {"root": ("left", "right"), "scale": ("left", "right"), **fields}
    source = layout_from_json({**LAYOUT, "channels": list(channels)})
    return contract(source, **{"image_size": (200.0, 100.0), "max_gap": 3, **fields})


CONTRACTS = {
    "image": make_contract(),
    "body": make_contract(normalisation="body"),
    "body_up": make_contract(normalisation="body", y_axis="up", root=("nose", "left", "right")),
    "three": make_contract(CHANNELS[3], normalisation="body", max_gap=40),
    "depth": make_contract(CHANNELS[3], y_axis="up"),
    "no_score": make_contract(CHANNELS[0]),
    "no_score_three": make_contract(CHANNELS[2], normalisation="body", zero_is_missing=False),
    "no_filling": make_contract(max_gap=0, zero_is_missing=False),
}


def function_of(chosen):
    shape = (1, FRAMES, len(chosen.source.points), len(chosen.source.channels))
    specs = [tf.TensorSpec(shape, name="keypoints"), tf.TensorSpec((1,), tf.int32, "frames")]

    @tf.function(input_signature=specs, autograph=False)
    def function(keypoints, frames):
        points, mask = prepare(keypoints, frames, chosen)
        return {"points": points, "mask": mask}

    return function


def clips(chosen):
    """Name → raw clip: random holes, and each edge that the rules know."""
    channels = chosen.source.channels
    shape = (FRAMES, len(chosen.source.points), len(channels))
    rng = np.random.default_rng(0)

    def clip(frames=FRAMES, holes=0.2):
        points = rng.uniform(20, 180, shape).astype(np.float32)
        if "score" in channels:
            points[..., -1] = rng.uniform(0.05, 1, shape[:2])
        lost = rng.random(shape[:2]) < holes
        points[lost] = rng.choice([0, np.nan, np.inf, -2e9], (lost.sum(), 1))
        return points[:frames]

    found = {f"random_{n}": clip(n) for n in (1, 2, 3, 4, 5, 17, 23, 24)}
    found["many_holes"] = clip(holes=0.7)
    found["whole"] = clip(holes=0)
    for name, rows in {"no_nose": [0], "no_root": [0, 2, 3], "one_shoulder": [2]}.items():
        found[name] = clip()
        found[name][:, rows] = np.nan
    found["shoulders_apart"] = clip(holes=0)
    found["shoulders_apart"][::2, 2] = np.nan
    found["shoulders_apart"][1::2, 3] = np.nan
    found["shoulders_coincide"] = clip(holes=0)
    found["shoulders_coincide"][:, 3] = found["shoulders_coincide"][:, 2]
    found["nothing"] = np.full(shape, np.nan, np.float32)
    found["one_point"] = found["nothing"].copy()
    found["one_point"][7, 4] = 50
    for name, part in {
        "leading": slice(0, 3),
        "trailing": slice(21, 24),
        "long": slice(5, 10),
    }.items():
        found[name] = clip(holes=0)
        found[name][part, 4] = np.nan
    for name, part in {"leading_long": slice(0, 4), "trailing_long": slice(20, 24)}.items():
        found[name] = clip(holes=0)
        found[name][part, 4] = np.nan
    return found


def expected_of(chosen, raw):
    """Points padded with the last frame, and the mask, as an evaluation makes them."""
    points = chosen.prepare(raw)
    seen = evaluation_indices(len(points), FRAMES)
    places = np.minimum(np.arange(FRAMES), len(points) - 1)
    return points[places], (np.arange(FRAMES) < len(seen)).astype(np.float32)


def padded(raw, value):
    result = np.full((FRAMES, *raw.shape[1:]), value, np.float32)
    result[: len(raw)] = raw
    return result[None]


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_graph_prepares_as_the_contract_does(name):
    chosen = CONTRACTS[name]
    function = function_of(chosen)
    for clip, raw in clips(chosen).items():
        points, mask = expected_of(chosen, raw)
        for value in (0, np.nan, 77):
            found = function(tf.constant(padded(raw, value)), tf.constant([len(raw)]))
            np.testing.assert_array_equal(found["mask"][0], mask, clip)
            error = np.abs(found["points"][0] - points).max() / max(1, np.abs(points).max())
            assert error <= 1e-5, (clip, value)


@pytest.mark.parametrize("name", ["image", "three", "no_score_three"])
def test_the_runtimes_prepare_as_the_contract_does(name):
    from slr_keras.bundle.interpreter import RUNTIMES, has_runtime

    chosen = CONTRACTS[name]
    file = convert(function_of(chosen), "fp32")
    require_builtin(file, name)
    for runtime in filter(has_runtime, RUNTIMES):
        check_runtime(file, runtime, chosen)


def check_runtime(file, runtime, chosen):
    import tempfile
    from pathlib import Path

    from slr_keras.bundle.interpreter import Interpreter

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "preparation.tflite")
        path.write_bytes(file)
        with Interpreter(path, runtime) as interpreter:
            for clip, raw in clips(chosen).items():
                points, mask = expected_of(chosen, raw)
                inputs = {"keypoints": padded(raw, np.nan), "frames": np.int32([len(raw)])}
                found = interpreter.run(**inputs)
                np.testing.assert_array_equal(found["mask"][0], mask, clip)
                error = np.abs(found["points"][0] - points).max() / max(1, np.abs(points).max())
                assert error <= 1e-5, (runtime, clip)


def test_all_133_points_of_the_body_stay_within_four_axes():
    file = convert(function_of(contract("coco_wholebody_133")), "fp32")
    require_builtin(file, "preparation")
    raw = np.ones((1, FRAMES, 133, 3), np.float32)
    found = run_bytes(file, {"keypoints": raw, "frames": np.int32([FRAMES])}, ["litert"])
    expected = contract("coco_wholebody_133").prepare(raw[0])
    np.testing.assert_allclose(found["litert"]["points"][0], expected, atol=1e-6)
