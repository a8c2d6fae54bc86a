"""StepNet at full size: parameters, shapes and multiply-adds of docs/papers/stepnet.md."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slr_keras.models.complexity import module_costs
from slr_keras.models.registry import create_model


def hollow(name, classes, **options):
    """A model of full size whose weights take no memory."""
    with keras.StatelessScope(initialize_variables=False):
        return create_model(name, classes + 2, **options)


def count(*layers):
    return sum(int(np.prod(w.shape)) for layer in layers for w in layer.trainable_weights)


@pytest.fixture(scope="module")
def paper():
    return hollow("stepnet", 2000)


# §7.
def test_parameters_are_the_published_ones_by_module(paper):
    spatial, temporal = paper.spatial_branch, paper.temporal_branch
    assert count(paper.frame_encoder) == 23_508_032
    assert count(*spatial.gates.values()) == 33_570_816
    assert count(spatial.fuse) == 12_589_056
    assert count(temporal.clip_gru) == 37_773_312
    assert count(*temporal.segment_grus) == 37_785_600
    assert count(temporal.attention) == 10_493_952
    assert count(paper.fusion) == 3_147_776
    assert count(*paper.head_layers.values()) == 34_836_000
    assert count(paper) == 193_704_544
    assert paper.clip_frames == 16


# §7, §8, §6 and §10.
@pytest.mark.parametrize(
    ("name", "classes", "options", "total"),
    [
        ("stepnet", 100, {}, 160_610_344),
        ("stepnet", 2281, {"stream": "flow"}, 198_599_002 + 21_952),
        ("stepnet", 2000, {"heads": "reported"}, 160_918_544),
        ("stepnet_i3d", 2000, {}, 63_578_944),
    ],
)
def test_parameters_of_its_other_forms_are_the_published_ones(name, classes, options, total):
    assert count(hollow(name, classes, **options)) == total


# Table 3, with the channels last.
def test_shapes_are_those_of_table_3(paper):
    with keras.StatelessScope(initialize_variables=False):
        # A graph of shapes, which is not run.
        maps = tf.TensorSpec((2, 16, 16, 16, 2048))
        graph = tf.function(paper.features, autograph=False).get_concrete_function(maps)
    traced = {name: tuple(shape) for name, shape in graph.output_shapes.items()}
    wide = ("left", "right", "top", "bottom", "left_right", "top_bottom", "global")
    assert {name: traced[name] for name in wide} == dict.fromkeys(wide, (2, 16, 2048))
    narrow = ("spatial", "temporal", "fused")
    assert {name: traced[name] for name in narrow} == dict.fromkeys(narrow, (2, 16, 1024))
    for number in (1, 2, 3):
        assert traced[f"segment_{number}"] == (2, 8, 1024)
    assert paper.feature_shapes(batch=2) == {"maps": maps.shape, **traced}


def test_multiply_adds_of_the_backbone_are_the_published_ones(paper):
    costs = {cost.name: cost for cost in module_costs(paper)}
    assert costs["frame_encoder"].multiply_adds / 1e9 == pytest.approx(129.7, abs=0.05)
    # Six projections, QKᵀ and its product with V, and four gates of two layers: 16 frames.
    frame = 6 * 2048 * 1024 + 2 * 32 * 1024 + 4 * 2 * 2048**2
    assert costs["spatial_branch"].multiply_adds == 16 * frame
    assert sum(cost.parameters for cost in costs.values()) == 193_704_544


@pytest.mark.long
def test_the_full_size_runs_on_small_pictures():
    model = create_model("stepnet", 2002, image_size=(64, 64))
    logits = model({"video": np.zeros((2, 16, 64, 64, 3), "uint8")})
    assert model.feature_shapes(2)["maps"] == (2, 16, 4, 4, 2048)
    assert {name: tuple(value.shape) for name, value in logits.items()} == dict.fromkeys(
        model.head_layers, (2, 2000)
    )


def test_i3d_keeps_eight_steps_of_sixty_four_frames_and_of_sixteen():
    shapes = hollow("stepnet_i3d", 5).feature_shapes(2)
    assert shapes["maps"] == (2, 8, 8, 8, 1024)
    assert shapes["segment_1"] == (2, 4, 512)
    short = hollow(
        "stepnet_i3d",
        5,
        clip_frames=16,
        image_size=(224, 224),
        backbone_options={"time_strides": [2, 1, 1]},
    )
    assert short.feature_shapes(2)["maps"] == (2, 8, 7, 7, 1024)
