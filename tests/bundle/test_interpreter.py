"""A TFLite file runs in a process of its own, and its end is told, not shared."""

import os
import signal
import sys

import numpy as np
import pytest

from slr_keras.bundle.interpreter import (
    ELSEWHERE,
    RUNTIMES,
    Interpreter,
    RuntimeFailure,
    has_runtime,
    runtime_version,
)
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def sums(tmp_path_factory):
    """A file with two inputs, whose outputs are their sum and their difference."""
    pytest.importorskip("ai_edge_litert")
    import tensorflow as tf

    from export.lite.conversion import convert

    specs = [tf.TensorSpec((1, 4), name="left"), tf.TensorSpec((1, 4), name="right")]

    @tf.function(input_signature=specs)
    def function(left, right):
        return {"total": left + right, "difference": left - right}

    path = tmp_path_factory.mktemp("sums") / "sums.tflite"
    path.write_bytes(convert(function, "fp32"))
    return path


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_inputs_and_outputs_go_by_their_names(sums, runtime):
    if not has_runtime(runtime):
        pytest.skip(f"{runtime} is not installed")
    left, right = np.float32([[1, 2, 3, 4]]), np.float32([[4, 3, 2, np.nan]])
    with Interpreter(sums, runtime) as interpreter:
        found = interpreter.run(right=right, left=left)
        assert interpreter.inputs["left"] == {"shape": [1, 4], "dtype": "float32"}
    np.testing.assert_array_equal(found["total"], left + right)
    np.testing.assert_array_equal(found["difference"], left - right)


@pytest.mark.parametrize("python", [sys.executable, "/nowhere/python"])
def test_a_python_without_the_promised_version_is_refused_by_name(monkeypatch, python):
    (runtime, variable), *_ = ELSEWHERE.items()
    monkeypatch.delenv(variable, raising=False)
    assert not has_runtime(runtime)
    monkeypatch.setenv(variable, python)
    assert has_runtime(runtime)
    with pytest.raises(UserError, match=rf"{variable}={python}: .*tensorflow-cpu==2\.16\.1"):
        runtime_version(runtime)


def test_times_and_memory_are_those_of_the_child(sums):
    with Interpreter(sums) as interpreter:
        interpreter.run(left=np.ones((1, 4), "f"), right=np.ones((1, 4), "f"))
        assert interpreter.time(repeats=5).shape == (5,)
        assert (interpreter.time(repeats=5) > 0).all()
        assert interpreter.peak_memory() >= interpreter.idle_memory > 2**20


def test_a_file_that_is_none_is_refused(tmp_path):
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "text.tflite"
    path.write_text("this is no model")
    with pytest.raises(RuntimeFailure, match=r"text\.tflite in litert: ValueError"):
        Interpreter(path)


def test_inputs_that_do_not_fit_are_refused_and_the_process_goes_on(sums):
    good = {"left": np.ones((1, 4), "f"), "right": np.ones((1, 4), "f")}
    with Interpreter(sums) as interpreter:
        with pytest.raises(RuntimeFailure):
            interpreter.run(left=np.ones((1, 5), "f"), right=np.ones((1, 4), "f"))
        assert interpreter.run(**good)["total"].tolist() == [[2, 2, 2, 2]]


def test_a_process_that_dies_is_told_and_leaves_this_one_alive(sums):
    interpreter = Interpreter(sums)
    os.kill(interpreter._process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeFailure, match="died"):
        interpreter.run(left=np.ones((1, 4), "f"), right=np.ones((1, 4), "f"))
    interpreter.close()


def test_a_runtime_that_is_not_installed_is_named(sums):
    with pytest.raises(UserError, match="old is not installed"):
        Interpreter(sums, "old")
