"""Batch decoding, its configuration, and merging of repeats."""

import subprocess
import sys

import numpy as np
import pytest

from slr_keras.decoding import (
    DecodingConfig,
    Hypothesis,
    NgramLanguageModel,
    collapse_repeats,
    decode_batch,
    greedy,
    merge_repeats,
    prefix_beam,
    single_gloss,
)
from slr_keras.utils.errors import UserError

CONFIGS = [
    DecodingConfig(method="greedy"),
    DecodingConfig(method="greedy", collapse_repeats=True),
    DecodingConfig(method="beam", beam=4),
    DecodingConfig(method="beam", beam=4, language_model_order=2, insertion_bonus=0.5),
    DecodingConfig(method="single"),
]
MODEL = NgramLanguageModel.train([(1, 2, 3), (3, 1)], 2, 5)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("filler", [np.nan, 50.0, -np.inf])
def test_padding_and_neighbours_never_matter(brute, config, filler):
    rng = np.random.default_rng(0)
    lengths = [1, 7, 4, 0]
    clips = [brute.random_log_probs(rng, n, 5, sharpness=2.0) for n in lengths]
    batch = np.full((4, 9, 5), filler)
    for row, clip in enumerate(clips):
        batch[row, : len(clip)] = clip
    together = decode_batch(batch, lengths, config, MODEL)
    for found, clip in zip(together, clips, strict=True):
        assert found == decode_batch(clip[None], [len(clip)], config, MODEL)[0]


def test_each_method_is_the_function_of_its_name(brute):
    clip = brute.random_log_probs(np.random.default_rng(1), 9, 5)
    batch = clip[None]
    assert decode_batch(batch, [9], CONFIGS[0]) == [greedy(clip)]
    assert decode_batch(batch, [9], CONFIGS[2]) == [prefix_beam(clip, 4)[0]]
    fused = prefix_beam(clip, 4, MODEL, weight=0.3, insertion_bonus=0.5)[0]
    assert decode_batch(batch, [9], CONFIGS[3], MODEL) == [fused]
    assert decode_batch(batch, [9], CONFIGS[4]) == [single_gloss(clip)]


def test_language_model_is_used_only_where_the_configuration_asks(brute):
    clip = brute.random_log_probs(np.random.default_rng(2), 9, 5)[None]
    assert decode_batch(clip, [9], CONFIGS[2], MODEL) == decode_batch(clip, [9], CONFIGS[2])
    with pytest.raises(UserError, match="language_model_order"):
        decode_batch(clip, [9], CONFIGS[3])


def test_genuine_repeat_is_kept_or_merged_by_the_switch():
    log_probs = np.log([[[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]])
    for method in ("greedy", "beam"):
        kept, merged = (
            decode_batch(log_probs, [3], DecodingConfig(method, collapse_repeats=switch))[0]
            for switch in (False, True)
        )
        assert (kept.ids, merged.ids) == ((1, 1), (1,))


def test_merging_keeps_the_better_confidence_and_the_whole_span():
    before = Hypothesis((2, 2, 1, 2), -1.0, ((0, 1), (2, 3), (3, 5), (6, 7)), (0.2, 0.7, 0.5, 0.4))
    after = merge_repeats(before)
    assert after.ids == collapse_repeats(before.ids) == (2, 1, 2)
    assert after.spans == ((0, 3), (3, 5), (6, 7))
    assert after.confidences == (0.7, 0.5, 0.4)


def test_bad_clip_is_named_by_its_row():
    log_probs = np.zeros((3, 4, 2))
    log_probs[1, 0] = np.nan
    with pytest.raises(UserError, match="clip 1 of the batch"):
        decode_batch(log_probs, [4, 4, 4])


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="lengths"):
        decode_batch(np.zeros((3, 4, 2)), [4, 4])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "best"),
        ("beam", 0),
        ("beam", 2.5),
        ("beam", True),
        ("collapse_repeats", "yes"),
        ("language_model_order", -1),
        ("language_model_weight", -0.1),
        ("language_model_weight", "0.3"),
        ("language_model_weight", float("nan")),
        ("insertion_bonus", 1000.0),
        ("candidates_per_step", -1),
    ],
)
def test_wrong_field_is_named(field, value):
    with pytest.raises(UserError, match=rf"decoding\.{field}: "):
        DecodingConfig(**{field: value})


def test_options_of_the_beam_are_refused_elsewhere():
    with pytest.raises(UserError, match="language_model_order"):
        DecodingConfig(method="greedy", language_model_order=3)
    with pytest.raises(UserError, match="insertion_bonus"):
        DecodingConfig(method="single", insertion_bonus=1.0)


def test_decoding_needs_no_tensorflow():
    code = (
        "import sys, slr_keras.decoding; "
        "assert not {'tensorflow', 'keras'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
