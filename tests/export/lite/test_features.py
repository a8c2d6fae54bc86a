"""Models with features of the points in their graph as TFLite files, in every precision."""

from itertools import islice

import feature_models
import numpy as np
import pytest

from export.common.clips import golden_clips
from export.common.comparison import relative_error
from export.lite.checks import require_builtin, run_bytes
from export.lite.conversion import convert
from export.lite.flatbuffer import operator_name, read_model
from export.lite.network import FLOAT_OPERATIONS, PREPARATION_SCOPE, network
from slr_keras.bundle.scorer import SCORES, padded_inputs
from slr_keras.models.registry import family_of

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")

LIMITS = {"fp32": 1e-5, "fp16": 0.01, "dynamic": 0.05, "int8": 0.1}


def file_of(name, precision, bucket=16, **options):
    """A file, its inputs, and the scores of Keras."""
    model = feature_models.model_of(name, **options)
    contract = feature_models.CONTRACT
    clips = golden_clips(contract, (bucket,))
    prepared = (contract.prepare(clip)[None].astype("float32") for clip in clips.values())
    model.adapt({"keypoints": x, "mask": np.ones(x.shape[:2], "float32")} for x in prepared)
    heads = ("fuse",) if "fuse" in model.output else model.reported_heads
    function = network(model, contract, heads, bucket)
    scopes = (PREPARATION_SCOPE, *family_of(name).float_scopes)

    def examples():
        for clip in clips.values():
            yield padded_inputs(np.nan_to_num(clip), bucket)

    file = convert(function, precision, examples, scopes, FLOAT_OPERATIONS)
    case = next(islice(examples(), 3, None))
    expected = function(**{name: tf.constant(value) for name, value in case.items()})[SCORES]
    return file, case, expected.numpy()


def operations(file):
    """Kind, name of the result, and types of the inputs of every operation."""
    model = read_model(file)
    graph = model.subgraphs[0]
    for operator in graph.operators:
        kind = operator_name(model.operatorCodes[operator.opcodeIndex])
        name = graph.tensors[operator.outputs[0]].name.decode()
        yield kind, name, [graph.tensors[index].type for index in operator.inputs if index >= 0]


# Every precision of one family, and every family in full precision and in eight bits.
@pytest.mark.parametrize(
    ("family", "precision"),
    [
        pytest.param(
            family,
            precision,
            marks=[]
            if family == "sign_conv_isolated" or precision in ("fp32", "int8")
            else [pytest.mark.long],
        )
        for family in feature_models.MODELS
        for precision in LIMITS
    ],
)
def test_every_precision_runs_in_every_runtime(family, precision):
    name, options = feature_models.MODELS[family]
    file, case, expected = file_of(name, precision, **options)
    require_builtin(file, precision)
    for runtime, found in run_bytes(file, case).items():
        assert relative_error(found[SCORES], expected) < LIMITS[precision], runtime


@pytest.mark.parametrize("frames", [32, 64])
def test_the_small_model_of_signs_has_eight_bits_after_its_features_and_is_small(frames):
    from tensorflow.lite.python.schema_py_generated import TensorType

    file, *_ = file_of("sign_conv_isolated_small", "int8", frames)
    assert len(file) <= 250_000
    features, layers = [], []
    for kind, name, types in operations(file):
        if kind in ("FULLY_CONNECTED", "CONV_2D"):
            layers.append(types[0])
        if "/inputs" in name and "standardised" not in name:
            features += types
    # The stem, three convolutions and the head.
    assert layers == [TensorType.INT8] * 5
    assert TensorType.FLOAT32 in features
    assert TensorType.INT8 not in features
