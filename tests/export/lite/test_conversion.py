"""Functions convert to built-in operations in every precision, and checks see what does not."""

import numpy as np
import pytest

from export.common.comparison import relative_error
from export.lite.checks import require_builtin, run_bytes
from export.lite.conversion import PRECISIONS, convert
from export.lite.flatbuffer import operations
from slr_keras.utils.errors import UserError

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")

ROWS, WIDTH = 16, 64


def network(scope="core"):
    """Dense layers over variables, under a name but the last, and a wide range before them."""
    rng = np.random.default_rng(0)
    first = tf.Variable(rng.normal(0, 0.2, (WIDTH, WIDTH)).astype("f"))
    middle = tf.Variable(rng.normal(0, 0.2, (WIDTH, 4 * WIDTH)).astype("f"))
    second = tf.Variable(rng.normal(0, 0.2, (4 * WIDTH, 8)).astype("f"))

    @tf.function(input_signature=[tf.TensorSpec((1, ROWS, WIDTH), name="features")])
    def function(features):
        # A product of ranges that eight bits cannot hold.
        with tf.name_scope("wide"):
            moved = features * 512.0 + 65536.0
            # Operations that only move numbers are the first to be quantised against the rules.
            moved = tf.concat([moved[..., WIDTH // 2 :], moved[..., : WIDTH // 2]], axis=-1)
            # Bounds that nothing meets keep the converter from joining the constants.
            small = tf.clip_by_value((tf.maximum(moved, 0.0) - 65536.0) / 512.0, -8.0, 8.0)
        with tf.name_scope(scope):
            inner = tf.nn.relu(tf.reshape(small, (-1, WIDTH)) @ first)
            inner = tf.nn.relu(inner @ middle)
        return {"logits": inner @ second}

    function.kept = (first, middle, second)
    return function


def examples(count=16):
    for seed in range(count):
        yield {"features": np.random.default_rng(seed).normal(size=(1, ROWS, WIDTH)).astype("f")}


# One that was calibrated with: nothing beyond the ranges is cut off.
CASE = next(examples())


@pytest.fixture(scope="module")
def function():
    return network()


@pytest.mark.parametrize(
    ("precision", "error", "share"),
    [("fp32", 1e-4, 1.0), ("fp16", 5e-3, 0.7), ("dynamic", 0.05, 0.6), ("int8", 0.05, 0.6)],
)
def test_every_precision_runs_in_every_runtime(function, precision, error, share):
    expected = function(**{k: tf.constant(v) for k, v in CASE.items()})["logits"].numpy()
    file = convert(function, precision, examples, float_scopes=["wide"])
    require_builtin(file, precision)
    for runtime, found in run_bytes(file, CASE).items():
        assert relative_error(found["logits"], expected) < error, runtime
    assert len(file) < share * len(convert(function, "fp32")) + 1


def test_scopes_kept_in_float_are_what_makes_integers_right(function):
    expected = function(**{k: tf.constant(v) for k, v in CASE.items()})["logits"].numpy()
    everywhere = run_bytes(convert(function, "int8", examples), CASE, ["litert"])
    assert relative_error(everywhere["litert"]["logits"], expected) > 0.1


def test_operations_kept_in_float_are_not_quantised(function):
    kept = convert(function, "int8", examples, float_operations=["FULLY_CONNECTED"])
    assert len(kept) > 1.5 * len(convert(function, "int8", examples))


def test_integers_need_representative_inputs(function):
    with pytest.raises(UserError, match="representative"):
        convert(function, "int8")


def test_an_unknown_precision_is_refused(function):
    with pytest.raises(UserError, match=", ".join(PRECISIONS)):
        convert(function, "int4")


def test_what_only_tensorflow_has_is_refused_by_name():
    @tf.function(input_signature=[tf.TensorSpec((2, 2), name="x")])
    def function(x):
        return {"y": tf.linalg.inv(x)}

    with pytest.raises(UserError, match="MatrixInverse"):
        convert(function, "fp32")


def test_work_is_counted_by_operation(function):
    found = {it.name: it for it in operations(convert(function, "fp32"))}
    assert found["FULLY_CONNECTED"].multiply_adds == ROWS * WIDTH * (WIDTH + 4 * WIDTH + 32)
    assert found["FULLY_CONNECTED"].count == 3


def test_flex_operations_are_named():
    @tf.function(input_signature=[tf.TensorSpec((2, 2), name="x")])
    def function(x):
        return {"y": tf.linalg.inv(x)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], function
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
    with pytest.raises(UserError, match="CUSTOM:FlexMatrixInverse"):
        require_builtin(converter.convert(), "model")


def test_tensors_of_five_axes_are_refused():
    @tf.function(input_signature=[tf.TensorSpec((1, 2, 2, 2, 2), name="x")])
    def function(x):
        return {"y": x + 1.0}

    with pytest.raises(UserError, match="5 axes"):
        require_builtin(convert(function, "fp32"), "model")
