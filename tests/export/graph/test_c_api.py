"""A SavedModel loads and runs without Python, by the path that a server in C++ takes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from export.graph.inputs import graph_input
from export.graph.verification import expected_scores
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.training.run import Run

from .conftest import NAMES

INVALID_ARGUMENT = 3


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """The path of `load.c`, compiled against the wheel's own headers and libraries."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc")
    folder = Path(tf.sysconfig.get_lib())
    libraries = sorted(folder.glob("libtensorflow_[cf]*.so.2"))
    assert libraries, folder
    path = tmp_path_factory.mktemp("c") / "load"
    source = Path(__file__).with_name("load.c")
    command = ["gcc", "-Wall", "-Werror", "-I", tf.sysconfig.get_include(), source, "-o", path]
    command += [*libraries, f"-Wl,-rpath,{folder}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


def tensor_names(version, signature="serving_default"):
    """(operation, output) of every input and output, as the signature says."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model = SavedModel.FromString((version / "saved_model.pb").read_bytes())
    (graph,) = (it for it in model.meta_graphs if list(it.meta_info_def.tags) == ["serve"])
    found = graph.signature_def[signature]
    named = {**found.inputs, **{f"-> {name}": info for name, info in found.outputs.items()}}
    return {name: info.name.split(":") for name, info in named.items()}


def as_bytes(array):
    return np.int64([array.ndim, *array.shape]).tobytes() + np.ascontiguousarray(array).tobytes()


def run(program, version, folder, name, content, lengths):
    names = tensor_names(version)
    given, result = folder / "given", folder / "result"
    given.write_bytes(as_bytes(content) + as_bytes(np.int32(lengths)))
    kind = str(tf.as_dtype(content.dtype).as_datatype_enum)
    command = [program, version, names[name][0], kind, names["lengths"][0]]
    command += [*names["-> logits"], given, result]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [str(it) for it in command], capture_output=True, text=True, env=environment, timeout=300
    )
    if done.returncode:
        return done
    written = result.read_bytes()
    rank = int(np.frombuffer(written, np.int64, 1)[0])
    shape = np.frombuffer(written, np.int64, rank, 8)
    return np.frombuffer(written, np.float32, offset=8 + 8 * rank).reshape(shape)


# The graph of every system is run by Python; this is about the path without Python.
@pytest.mark.parametrize(
    "system",
    [
        "stark",
        *(pytest.param(name, marks=pytest.mark.long) for name in NAMES if name != "stark"),
    ],
)
def test_a_process_without_python_gives_the_scores_of_keras(system, served, program, tmp_path):
    path, version = served(system)
    loaded = Run.load(path)
    content_input = graph_input(loaded.contract)
    name, clips = content_input.name, content_input.golden_clips(18)
    same = {key: clip for key, clip in clips.items() if key != "another_size"}
    expected = expected_scores(Recogniser(loaded), same)
    longest = max(map(len, same.values()))
    content = np.stack(
        [np.pad(c, [(0, longest - len(c))] + [(0, 0)] * (c.ndim - 1)) for c in same.values()]
    )
    found = run(program, version, tmp_path, name, content, [len(c) for c in same.values()])
    assert isinstance(found, np.ndarray), found.stderr
    for row, scores in enumerate(expected.values()):
        given = found[row][: len(scores)] if scores.ndim == 2 else found[row]
        np.testing.assert_allclose(given, scores, atol=1e-5 * np.abs(scores).max())


@pytest.mark.parametrize(
    ("shape", "lengths", "message"),
    [
        ((2, 8, 6, 3), [8, 0], "at least 1 frame"),
        # More points than the layout has would not be noticed by what reads them.
        pytest.param(
            *((1, 8, 7, 3), [8], "keypoints: the shape must be (any, any, 6, 3)"),
            marks=pytest.mark.long,
        ),
        pytest.param((1, 8, 6, 3), [9], "more frames than keypoints", marks=pytest.mark.long),
        pytest.param((1, 8, 6, 3), [8, 8], "one number is wanted", marks=pytest.mark.long),
        pytest.param((1, 8, 5, 3), [8], "(any, any, 6, 3)", marks=pytest.mark.long),
        pytest.param((8, 6, 3), [8], "(any, any, 6, 3)", marks=pytest.mark.long),
    ],
)
def test_it_refuses_what_does_not_fit_as_an_invalid_argument(
    shape, lengths, message, served, program, tmp_path
):
    _, version = served("stark")
    content = np.zeros(shape, np.float32)
    found = run(program, version, tmp_path, "keypoints", content, lengths)
    assert not isinstance(found, np.ndarray), found
    assert f"code {INVALID_ARGUMENT}:" in found.stderr
    assert message in found.stderr


@pytest.mark.long
def test_what_saved_model_cli_shows_is_what_the_readme_says(root, served):
    # As the command itself does it, which may not be on the path.
    command = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "show"]
    command += ["--dir", str(served("stark")[1]), "--tag_set", "serve"]
    command += ["--signature_def", "serving_default"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=300).stdout
    readme = (root / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```text\n(The given SavedModel.*?)```", readme, re.DOTALL)
    # Of another run: as many points and glosses as it has.
    numbers = re.compile(r"(?<![\w:-])\d+(?=[,)])")
    lines = [numbers.sub("N", text).split() for text in (block, shown)]
    assert lines[0] == lines[1]
    assert "(-1," in lines[1]
