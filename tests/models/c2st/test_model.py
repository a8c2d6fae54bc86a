"""C²ST as a whole: shapes, masks, the additive decoder, saving."""

import keras
import numpy as np
import pytest

from slr_keras.models.c2st import LEVELS
from slr_keras.models.registry import create_model
from slr_keras.utils.errors import UserError

CLASSES, SIZE = 6, 32


def make_model(**options):
    keras.utils.set_random_seed(3)
    model = create_model(
        "c2st_tiny",
        CLASSES,
        image_size=(SIZE, SIZE),
        width=16,
        language_model_options={"width": 8},
        adapter_scale=1.0,
        **options,
    )
    # Zero weights would hide what the pooling does, and statistics of 0 and 1 what they do.
    rng = np.random.default_rng(0)
    for weight in model.weights:
        values = weight.numpy()
        if np.issubdtype(values.dtype, np.floating) and np.ptp(values) == 0:
            weight.assign(values + 0.1 * rng.uniform(0.5, 1.5, values.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


def make_clips(frames=(16, 8, 12), seed=0):
    rng = np.random.default_rng(seed)
    longest = max(frames)
    video = rng.integers(0, 256, (len(frames), longest, SIZE, SIZE, 3)).astype(np.uint8)
    mask = (np.arange(longest) < np.array(frames)[:, None]).astype(np.float32)
    return {"video": video, "mask": mask}


LABELS = {
    "labels": np.array([[1, 2, 2], [5, 0, 0], [0, 0, 0]], np.int32),
    "label_lengths": np.array([3, 1, 0], np.int32),
}


def test_a_step_is_four_frames_and_contexts_are_one_more_than_glosses(model):
    outputs = model({**make_clips(), **LABELS})
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "chunk": (3, 4, CLASSES),
        "video": (3, 4, CLASSES),
        "lifting": (3,),
        "chunk_context": (3, 4, CLASSES),
        "video_context": (3, 4, CLASSES),
    }


def test_a_clip_gives_the_same_alone_as_in_a_batch_whatever_its_padding(model):
    clips = make_clips()
    together = model(clips)
    spoilt = dict(clips)
    spoilt["video"] = clips["video"].copy()
    spoilt["video"][clips["mask"] == 0] = 255
    for row, frames in enumerate((16, 8, 12)):
        alone = model({name: value[row : row + 1, :frames] for name, value in clips.items()})
        for level in LEVELS:
            steps = frames // 4
            np.testing.assert_allclose(
                alone[level][0], together[level][row, :steps], atol=1e-5, rtol=1e-5
            )
            np.testing.assert_allclose(
                model(spoilt)[level][row, :steps], together[level][row, :steps], atol=1e-5
            )
        np.testing.assert_allclose(alone["lifting"][0], together["lifting"][row], rtol=1e-4)


def test_prefixes_of_any_length_have_the_contexts_that_training_gives_them(model):
    contexts = model.contexts(LABELS["labels"], LABELS["label_lengths"])
    prefixes = [(), (1,), (1, 2), (1, 2, 2), (5,)]
    places = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1)]
    for level in LEVELS:
        found = model.context_logits(level, prefixes)
        expected = [contexts[level][row, place] for row, place in places]
        np.testing.assert_allclose(found, np.array(expected), atol=1e-5)
        assert np.ptp(found, axis=0).max() > 1e-3


def test_logits_and_contexts_add_up_to_the_classified_sum_of_features_and_context(model):
    features = np.random.default_rng(1).normal(size=(1, 1, 16)).astype(np.float32)
    vectors = model.context(LABELS["labels"], LABELS["label_lengths"])["video"]
    classify = model.classifiers[1]
    whole = classify(features + np.array(vectors))
    parts = np.array(classify(features)) + np.array(model.classify_context("video", vectors))
    np.testing.assert_allclose(whole, parts, atol=1e-5)


@pytest.mark.parametrize("options", [{"fusion": ("video",)}, {"language_model": "none"}])
def test_levels_without_fusion_have_no_context(options):
    model = make_model(**options)
    contexts = model.contexts(LABELS["labels"], LABELS["label_lengths"])
    assert not np.any(contexts["chunk"])
    assert not model.context_logits("chunk", [(), (1, 2)]).any()
    assert np.any(contexts["video"]) == ("fusion" in options)


def test_a_saved_model_is_the_same_model(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    clips = {**make_clips(), **LABELS}
    for name, value in model(clips).items():
        np.testing.assert_allclose(again(clips)[name], value, atol=1e-6)
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"width": 15}, "width is 15"),
        ({"fusion": ("hands",)}, "hands"),
        ({"language_model": "bart"}, "bart"),
    ],
)
def test_impossible_models_are_refused_by_name(options, says):
    with pytest.raises(UserError, match=says):
        create_model("c2st_tiny", CLASSES, image_size=(SIZE, SIZE), **options)
