"""Load every artefact with today's code, and write what it gives. Run in a copy of `artefacts`.

    python load_artefacts.py RESULTS

For each artefact, RESULTS then holds arrays (`.npz`) and what commands print (`.json`) under the
names that `expected` has, or the traceback (`.error`) of the artefact that could not be loaded.
"""

import contextlib
import importlib.util
import io
import json
import shutil
import sys
import traceback
from pathlib import Path

# Only this: a `.keras` file needs no other module and no `custom_objects`.
import slr_keras.models  # noqa: F401  isort: skip
import keras
import numpy as np

RUNS = {"stark": "sentences", "stark_isolated": "signs", "ustm": "films"}
BUNDLE, VERSION = "stark_bundle", Path("stark_served", "1")


def main(results: Path) -> None:
    """Load all; an artefact that fails does not keep the others from being tried."""
    results.mkdir()
    for file in sorted(Path("keras_files").glob("*.keras")):
        attempt(results, file.name, keras_file, file)
    for name in RUNS:
        attempt(results, name, run, name)
    attempt(results, BUNDLE, bundle)
    attempt(results, "stark_served", saved_model)
    attempt(results, "stark_served_session", served_model)


def attempt(results: Path, name: str, load, *arguments) -> None:
    """Write the arrays and the values that loading gives, or why it failed."""
    try:
        arrays, values = load(*arguments)
        np.savez(results / f"{name}.npz", **arrays)
        (results / f"{name}.json").write_text(json.dumps(values))
    except BaseException:
        (results / f"{name}.error").write_text(traceback.format_exc())


def keras_file(file: Path):
    """Outputs of a saved model for the clips that lie beside the expected ones."""
    model = keras.saving.load_model(file)
    with np.load(Path("expected", f"{file.name}.npz")) as case:
        inputs = {key[3:]: case[key] for key in case.files if key.startswith("in/")}
    outputs = {f"out/{key}": np.asarray(value) for key, value in model(inputs).items()}
    return outputs, {"class": type(model).__name__}


def run(name: str):
    """Logits of the test clips of a run, and what two commands say of them."""
    from slr_keras.data.manifest import read_folder
    from slr_keras.evaluate import main as evaluate
    from slr_keras.predict import main as predict
    from slr_keras.recognition.recogniser import Recogniser
    from slr_keras.training.run import Run

    manifest = read_folder(RUNS[name])["test"]
    clips = [raw_clip(manifest, row) for row in range(len(manifest))]
    logits = Recogniser(Run.load(name)).logits(clips)
    arrays = {f"{n}/{head}": x for n, heads in enumerate(logits) for head, x in heads.items()}
    # A copy, for an evaluation writes its scores into the run.
    shutil.copytree(name, f"{name}_scored")
    np.save(f"{name}_clip.npy", clips[-1])
    said = {
        "predict_file": printed(predict, [name, f"{name}_clip.npy", "--format", "json"]),
        "predict": printed(predict, [name, RUNS[name], "--format", "json"]),
        "evaluate": printed(evaluate, [f"{name}_scored", "--json"]),
    }
    return arrays, said


def bundle():
    """Golden outputs of a bundle's file, and what it recognises in the test clips."""
    from slr_keras.bundle.bundle import Bundle
    from slr_keras.bundle.interpreter import Interpreter
    from slr_keras.bundle.scorer import bundle_recogniser
    from slr_keras.data.manifest import read_folder
    from slr_keras.evaluate import main as evaluate
    from slr_keras.predict import main as predict

    loaded = Bundle.load(BUNDLE)
    arrays = {}
    (bucket,) = loaded.buckets
    interpreter = Interpreter(loaded.file("fp32", bucket))
    with np.load(Path(BUNDLE, "golden.npz")) as golden:
        for key in (key for key in golden.files if key.endswith("/keypoints")):
            clip, name = golden[key], key.removesuffix("/keypoints")
            padded = np.zeros((1, bucket, *clip.shape[1:]), np.float32)
            padded[0, : len(clip)] = clip
            scores = interpreter.run(keypoints=padded, frames=np.int32([len(clip)]))
            steps = max(len(clip) // 4, 1)
            arrays[f"{name}/fp32"] = scores["log_probabilities"][0, :steps]
    interpreter.close()
    manifest = read_folder("sentences")["test"]
    with bundle_recogniser(loaded) as recogniser:
        found = [recogniser.recognise(manifest.load(row)) for row in range(len(manifest))]
    said = {
        "recognise": [
            {"glosses": clip.glosses, "log_probability": clip.log_probability} for clip in found
        ],
        "predict": printed(predict, [BUNDLE, "sentences", "--format", "json"]),
        "evaluate": printed(evaluate, [BUNDLE, "--json"]),
    }
    return arrays, said


def saved_model():
    """Outputs of a version's signatures, loaded with TensorFlow alone."""
    import tensorflow as tf

    model, inputs = tf.saved_model.load(str(VERSION)), served_inputs()
    given = {key: tf.constant(value) for key, value in inputs.items()}
    arrays = {
        f"{name}/{key}": value.numpy()
        for name, signature in model.signatures.items()
        for key, value in signature(**given).items()
    }
    return arrays, {}


def served_model():
    """The same, loaded as `export.serve` loads a version; and what its assets say."""
    from export.serving.assets import Assets
    from export.serving.model import ServedModel

    served, inputs = ServedModel(VERSION), served_inputs()
    arrays = {
        f"{name}/{key}": value
        for name in served.signatures
        for key, value in served.run(name, inputs).items()
    }
    assets = Assets.load(VERSION.parent)
    said = {
        "model": assets.model_name,
        "tokens": assets.vocabulary.tokens,
        "contract": assets.contract.digest,
        "buckets": served.buckets,
        "order": assets.language_model(assets.decoding).order,
        "warmed_up": None,
    }
    if importlib.util.find_spec("tensorflow_serving"):
        said["warmed_up"] = served.warm_up()
    served.close()
    return arrays, said


def served_inputs() -> dict[str, np.ndarray]:
    """A batch of the test clips."""
    with np.load(Path("expected", "stark_served.npz")) as case:
        return {key: case[key] for key in ("keypoints", "lengths")}


def raw_clip(manifest, row: int) -> np.ndarray:
    """Raw keypoints or pictures of a clip."""
    sample = manifest[row]
    if sample.keypoints:
        return manifest.load(row)
    return np.load(manifest.folder / sample.video)[sample.start :][: sample.frames]


def printed(command, arguments: list[str]) -> dict:
    """What a command prints as JSON."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = command(arguments)
    if code:
        raise RuntimeError(f"{arguments}: exit code {code}")
    return json.loads(output.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
