"""Cutting training sentences into glosses, choosing templates."""

import numpy as np
import pytest

from slr_keras.baselines.segments import REST, Segment, choose_templates, segments_of
from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError


def parts(sample, **options):
    return [(s.gloss, s.start, s.end) for s in segments_of([sample], **options)]


SPANNED = Sample("a", ("A", "B"), 20, extra={"spans": [[2, 7], [9, 20]]})


def test_spans_give_the_signs_and_the_rest_between():
    assert parts(SPANNED) == [(REST, 0, 2), ("A", 2, 7), (REST, 7, 9), ("B", 9, 20)]


def test_spans_can_be_left_unused():
    assert parts(SPANNED, use_spans=False) == [("A", 0, 10), ("B", 10, 20)]


def test_overlapping_spans_have_no_rest_between():
    sample = Sample("a", ("A", "B"), 10, extra={"spans": [[0, 6], [4, 10]]})
    assert parts(sample) == [("A", 0, 6), ("B", 4, 10)]


def test_without_spans_sentences_are_cut_evenly_and_single_signs_kept_whole():
    assert parts(Sample("a", ("A", "B", "C"), 10)) == [("A", 0, 3), ("B", 3, 7), ("C", 7, 10)]
    assert parts(Sample("a", ("A",), 10)) == [("A", 0, 10)]


def test_more_glosses_than_frames_leave_no_empty_part():
    found = parts(Sample("a", ("A", "B", "C", "D"), 2))
    assert len(found) == 2
    assert all(end > start for _, start, end in found)


def test_unlabelled_and_empty_clips_give_nothing():
    assert segments_of([Sample("a", (), 10), Sample("b", ("A",), 0)]) == []


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([[0, 5]], "1 spans for 2 glosses"),
        ([[0, 5], [5, 21]], "outside the 20 frames"),
        ([[0, 5], [7, 7]], "is empty"),
        ([[6, 9], [0, 5]], "begins before"),
        ([[0, 5], [1]], "must be a list"),
        ("spans", "must be a list"),
        (7, "must be a list"),
    ],
)
def test_wrong_spans_are_refused_naming_the_sample(spans, message):
    sample = Sample("clip-7", ("A", "B"), 20, extra={"spans": spans})
    with pytest.raises(UserError, match=rf"'clip-7'.*{message}"):
        segments_of([sample])


def test_templates_are_limited_per_gloss_and_spread_over_signers():
    samples = [Sample(str(k), ("A",), 9, signer="s1" if k < 8 else "s2") for k in range(10)]
    chosen = choose_templates(segments_of(samples), samples, 4, np.random.default_rng(0))
    signers = [samples[segment.sample].signer for segment in chosen]
    assert sorted(signers) == ["s1", "s1", "s2", "s2"]
    assert len(set(chosen)) == 4


def test_zero_templates_means_all():
    samples = [Sample(str(k), ("A", "B"), 9) for k in range(7)]
    segments = segments_of(samples)
    chosen = choose_templates(segments, samples, 0, np.random.default_rng(0))
    assert sorted(chosen, key=repr) == sorted(segments, key=repr)


def test_clips_of_one_sign_come_before_pieces_of_sentences():
    samples = [Sample("s", ("A", "B"), 20), Sample("alone", ("A",), 9)]
    chosen = choose_templates(segments_of(samples), samples, 0, np.random.default_rng(0))
    assert chosen == [Segment(1, "A", 0, 9), Segment(0, "B", 10, 20)]


def test_the_same_seed_chooses_the_same_templates():
    samples = [Sample(str(k), ("A",), 9) for k in range(50)]
    first, again, other = (
        choose_templates(segments_of(samples), samples, 5, np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert first == again != other
