"""The little STARK of the golden vectors: its data, its run, its bundle; weights by seed."""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml

from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.layout import layout, layout_from_json
from slr_keras.data.manifest import FolderWriter
from slr_keras.data.simulator import Simulator
from slr_keras.utils.files import read_json, write_json

WHOLE_BODY = "coco_wholebody_133"
POINTS = ("nose", "left_shoulder", "right_shoulder", "left_wrist", "right_wrist")
LEFT, RIGHT = ("left_hand_wrist", "left_index_4"), ("right_hand_wrist", "right_index_4")
MIRROR = (*zip(POINTS[1::2], POINTS[2::2]), *zip(LEFT, RIGHT))
OPTIONS = {
    "widths": [8, 8],
    "stem_width": 8,
    "heads": 1,
    "window": 3,
    "pools": [2, 1],
    "head_width": 16,
    "feed_forward_width": 16,
    "spatial_memory": 16,
}
KEPT = ("metadata.json", "keypoints.json", "labels.txt", "stream_fp32.tflite")
SEED = 7


def golden_contract() -> KeypointContract:
    """Nine points of the simulator's signers."""
    points = [*POINTS, *LEFT, *RIGHT]
    streams = {"body": points, "left": list(LEFT), "right": list(RIGHT)}
    nine = {"name": "golden_9", "points": points, "mirror": dict(MIRROR), "streams": streams}
    size = Simulator("demo", seed=1).image_size
    shoulders = POINTS[1:3]
    return contract(layout_from_json(nine), image_size=size, root=shoulders, max_gap=6)


def signing(number: int, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Simulated sentences one after another: `(frames, 9, 3)` in tenths of a pixel, and glosses."""
    simulator, rows = Simulator("demo", seed=1), None
    clips, glosses = [], ()
    for part in range(count):
        clip = simulator.sample(f"test-{10 * number + part:05d}", "test")
        rows = rows or list(layout(WHOLE_BODY).indices(golden_contract().points))
        clips.append(clip.keypoints[:, rows])
        glosses += clip.glosses
    return np.round(np.concatenate(clips), 1), glosses


def write_bundle(to: Path) -> None:
    """Make the run, give it weights that are nothing special, and export its stream to `to`."""
    from export.tflite import main as export
    from slr_keras.fit import main as fit
    from slr_keras.training.run import Run
    from slr_keras.utils.arrays import save_arrays

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with FolderWriter(folder / "data", golden_contract()) as writer:
            for split in ("train", "dev", "test"):
                for number in range(4):
                    clip, glosses = signing(number, 2)
                    writer.add(split, id=f"{split}-{number}", glosses=list(glosses), keypoints=clip)
        recipe = {
            "data": {"folder": str(folder / "data"), "batch_size": 4},
            "model": {"name": "stark", "options": OPTIONS},
            "training": {"epochs": 1},
            "decoding": {"heads": ["fuse"]},
        }
        (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
        if fit([str(folder / "recipe.yaml"), "--to", str(folder / "golden")]):
            sys.exit("the golden run did not train")
        run = Run.load(folder / "golden")
        model = run.model()
        _randomise(model)
        save_arrays(run.folder.best, {"model": model.variables}, run.best)
        options = ["--precision", "fp32", "--frames", "32", "--streaming", "windowed"]
        options += ["--no-verify", "--no-latency", "--to", str(folder / "bundle")]
        if export([str(run.path), *options]):
            sys.exit("the golden run was not exported")
        to.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copy(folder / "bundle" / name, to / name)
        metadata = read_json(to / "metadata.json")
        metadata["data"]["folder"] = "golden"
        write_json(to / "metadata.json", metadata)


def _randomise(model) -> None:
    generator = np.random.default_rng(SEED)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        value = generator.normal(scale=0.4, size=weight.shape)
        if "variance" in weight.path:
            value = 0.5 + np.abs(value)
        if "output_linear/bias" in weight.path:
            # Most steps of a real model are blank.
            value[0] += 2.0
        weight.assign(np.asarray(weight) * 0.5 + value.astype("float32"))
