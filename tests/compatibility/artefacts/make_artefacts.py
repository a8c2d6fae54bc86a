"""Make the artefacts in this folder. Runs in a checkout of commit 45ea945, with its modules.

    cd CHECKOUT
    PYTHONPATH=. python PATH/TO/make_artefacts.py FOLDER

The module names are those of that commit: the script cannot run with today's package. Everything
is made with paths relative to FOLDER, and the one absolute path, in a run's config, is made
relative: no path of a machine is in a file.
"""

# ruff: noqa: I001  Ruff does not know modules that are no longer there.

import contextlib
import io
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", MPLBACKEND="Agg")
sys.path.insert(0, str(Path.cwd() / "tests" / "training"))

import keras
import numpy as np
import tiny_run as tiny
import yaml

from export.saved_model import main as export_saved_model
from export.tflite import main as export_tflite
from slr_keras.bundle.bundle import Bundle
from slr_keras.bundle.recogniser import BundleRecogniser
from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator.cues import simulate_cues
from slr_keras.data.video.contract import FrameContract
from slr_keras.evaluate import main as evaluate
from slr_keras.fit import main as fit
from slr_keras.models.registry import create_model
from slr_keras.predict import main as predict
from slr_keras.recognise import Recogniser
from slr_keras.training.run import Run

#: What loading, prediction and evaluation read of a run; reports and the last checkpoint are left.
KEPT = ("config.yaml", "model.json", "vocabulary.txt", "keypoints.json", "frames.json")
KEPT += ("language_model.json", "checkpoints/best.npz")

VIDEO_SIDE = 16
USTM = {
    "width": 8,
    "adapter_width": 4,
    "positions": 64,
    "dropout": 0.0,
    "backbone_options": {"embedding": 4, "depths": [1], "heads": [1], "window": 2, "stem": []},
}
STARK = {"widths": (8,), "stem_width": 8, "heads": 1, "window": 3, "pools": (1,)}
STREAMS = {"body": (0, 1, 2, 3, 4), "left": (0, 1)}
KERAS_FILES = {
    "stark": {
        **STARK,
        "head_width": 8,
        "feed_forward_width": 8,
        "streams": STREAMS,
        "points": 5,
        "without": (),
    },
    "stark_isolated": {**STARK, "streams": STREAMS, "points": 5, "without": ()},
    "c2st": {
        "backbone": "resnet_micro",
        "image_size": (32, 32),
        "width": 8,
        "language_model_options": {"width": 4},
    },
    "ustm_tiny": {**USTM, "image_size": (16, 16)},
    "stepnet_tiny": {
        "image_size": (16, 16),
        "clip_frames": 8,
        "width": 8,
        "backbone_options": {"depths": (1, 1), "widths": (4, 8)},
    },
}


def main(folder: str) -> None:
    """Make everything in a folder, which becomes the working directory."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    Path("expected").mkdir(exist_ok=True)
    stark_run()
    isolated_run()
    ustm_run()
    bundle()
    served()
    keras_files()
    for clips in ("sentences", "signs", "films"):
        trim_data(Path(clips))
    for name in ("keras_files", "stark_served"):
        pack(name)


def stark_run() -> None:
    """A STARK with a gloss language model, and what it says of every test clip."""
    tiny.write_data("sentences", train=12, dev=2, test=3, streams=("body",))
    tree = tiny.tree("sentences", epochs=30, learning_rate=0.02)
    tree["decoding"] = {"beam": 3, "language_model_order": 2}
    make_run("stark", tree)


def isolated_run() -> None:
    """A STARK of isolated signs."""
    tiny.write_signs("signs", train=16, dev=4, test=4)
    make_run("stark_isolated", tiny.sign_tree("signs", epochs=30, learning_rate=0.03))


def ustm_run() -> None:
    """A USTM that reads pictures of 16 x 16 pixels, cut from slightly larger ones."""
    side = VIDEO_SIDE
    simulate_cues("films", "motion", {"train": 6, "dev": 1, "test": 2}, size=(side + 2, side + 1))
    seen = {"size": (side + 2, side + 1), "resize": (side + 2, side + 2), "crop": (side, side)}
    FrameContract(**seen).write("films/frames.json")
    tree = {
        "data": {"folder": "films", "batch_size": 2},
        "model": {"name": "ustm_tiny", "options": USTM},
        "video_augmentation": {"crop_margin": 0, "flip": 0.0},
        "training": {"epochs": 4, "learning_rate": 0.01},
        "decoding": {"beam": 3},
    }
    make_run("ustm", tree)


def make_run(name: str, tree: dict) -> None:
    """Train a run, keep what is needed of it, and write what it says of its test split."""
    Path("recipe.yaml").write_text(yaml.safe_dump(tree))
    assert fit(["recipe.yaml", "--to", "trained"]) == 0
    for file in KEPT:
        if Path("trained", file).exists():
            Path(name, file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path("trained", file), Path(name, file))
    # `fit` makes the path of the data absolute: no path of a machine belongs into test data.
    config = Path(name, "config.yaml")
    config.write_text(config.read_text().replace(f"{Path.cwd()}/", ""))
    shutil.rmtree("trained")
    Path("recipe.yaml").unlink()
    data = tree["data"]["folder"]
    manifest = read_folder(data)["test"]
    clips = [raw_clip(manifest, row) for row in range(len(manifest))]
    logits = Recogniser(Run.load(name)).logits(clips)
    arrays = {f"{n}/{head}": x for n, heads in enumerate(logits) for head, x in heads.items()}
    np.savez_compressed(Path("expected", f"{name}.npz"), **arrays)
    shutil.copytree(name, "scored")
    said = {
        "predict": printed(predict, [name, data, "--format", "json"]),
        "evaluate": printed(evaluate, ["scored", "--json"]),
    }
    shutil.rmtree("scored")
    write_expected(name, said)


def raw_clip(manifest, row: int) -> np.ndarray:
    """Raw keypoints or pictures of a clip."""
    sample = manifest[row]
    if sample.keypoints:
        return manifest.load(row)
    return np.load(manifest.folder / sample.video)[sample.start :][: sample.frames]


def bundle() -> None:
    """A bundle of the STARK run: one precision, one bucket."""
    options = ["--precision", "fp32", "--frames", "16", "--head", "ensemble", "--no-latency"]
    assert export_tflite(["stark", "--to", "stark_bundle", *options]) == 0
    # Large, and the same as golden.npz.
    Path("stark_bundle", "golden.json").unlink()
    loaded = Bundle.load("stark_bundle")
    manifest = read_folder("sentences")["test"]
    with BundleRecogniser(loaded) as recogniser:
        found = [recogniser.recognise(manifest.load(row)) for row in range(len(manifest))]
    said = {
        "recognise": [
            {"glosses": it.glosses, "log_probability": it.log_probability} for it in found
        ],
        "predict": printed(predict, ["stark_bundle", "sentences", "--format", "json"]),
        "evaluate": printed(evaluate, ["stark_bundle", "--json"]),
    }
    write_expected("stark_bundle", said)


def served() -> None:
    """A version of the STARK run, and the outputs of its signatures for the test clips."""
    import tensorflow as tf

    assert export_saved_model(["stark", "stark_served", "--frames", "16", "--clips", "2"]) == 0
    manifest = read_folder("sentences")["test"]
    clips = [manifest.load(row) for row in range(len(manifest))]
    longest = max(map(len, clips))
    batch = np.stack([np.pad(clip, [(0, longest - len(clip)), (0, 0), (0, 0)]) for clip in clips])
    inputs = {"keypoints": batch, "lengths": np.array([len(clip) for clip in clips], np.int32)}
    model = tf.saved_model.load("stark_served/1")
    arrays = dict(inputs)
    for name, signature in model.signatures.items():
        given = {key: tf.constant(value) for key, value in inputs.items()}
        for key, value in signature(**given).items():
            arrays[f"{name}/{key}"] = value.numpy()
    np.savez_compressed(Path("expected", "stark_served.npz"), **arrays)


def keras_files() -> None:
    """A `.keras` file of every family, and its outputs for two clips of different lengths."""
    Path("keras_files").mkdir(exist_ok=True)
    for name, options in KERAS_FILES.items():
        keras.utils.set_random_seed(5)
        model = create_model(name, vocabulary_size=5, **options)
        rng = np.random.default_rng(1)
        for weight in model.weights:
            # First values such as zeros would hide weights that are not read.
            values = weight + rng.uniform(0.02, 0.1, weight.shape)
            # Few different values, which an archive holds in little space.
            weight.assign(np.round(64 * values) / 64)
        frames = np.array([8, 8] if name.startswith("stepnet") else [8, 4])
        inputs = {"mask": (np.arange(8) < frames[:, None]).astype("float32")}
        if name.startswith("stark"):
            inputs["keypoints"] = rng.normal(size=(2, 8, 5, 3)).astype("float32")
        else:
            shape = (2, 8, *model.image_size, 3)
            inputs["video"] = rng.integers(0, 256, shape).astype("uint8")
        if name.startswith("c2st"):
            inputs["labels"] = np.array([[2, 3], [4, 0]], np.int32)
            inputs["label_lengths"] = np.array([2, 1], np.int32)
        model.save(f"keras_files/{name}.keras")
        outputs = {f"out/{key}": np.asarray(value) for key, value in model(inputs).items()}
        given = {f"in/{key}": value for key, value in inputs.items()}
        np.savez_compressed(Path("expected", f"{name}.keras.npz"), **given, **outputs)


def trim_data(folder: Path) -> None:
    """Keep the test split of a data folder."""
    for path in folder.glob("**/*"):
        if path.is_file() and path.name.startswith(("train", "dev")):
            path.unlink()


def pack(name: str) -> None:
    """Put a folder of large files into an archive; the files in it stay as they were written."""

    def nameless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(f"{name}.tar.xz", "w:xz", preset=9) as archive:
        archive.add(name, filter=nameless)
    shutil.rmtree(name)


def printed(command, arguments: list[str]) -> dict:
    """What a command prints as JSON."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert command(arguments) == 0
    return json.loads(output.getvalue())


def write_expected(name: str, value: dict) -> None:
    """Write what the commands said."""
    Path("expected", f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
